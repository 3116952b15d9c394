use tieline_service::echo::{Echo, Said};
use tieline_service::{Call, Router};

struct Sing;

async fn on_sing(_: Call<Sing>) -> Said {
    Said("la".to_owned())
}

fn main() {
    let _ = Router::<Echo>::new().on(on_sing);
}
