use tieline_service::echo::{Answer, Echo};
use tieline_service::{Head, Router};

async fn on_anything(head: Head<Echo>) -> Answer {
    Answer::Text(head.action().to_owned())
}

fn main() {
    let _ = Router::<Echo>::new().on(on_anything);
}
