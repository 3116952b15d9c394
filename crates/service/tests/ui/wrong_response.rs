use tieline_service::echo::{Echo, Said, Say};
use tieline_service::{Call, Router};

async fn on_say(Call(say): Call<Say>) -> String {
    say.text
}

fn main() {
    let _ = Router::<Echo>::new().on(on_say);
}
