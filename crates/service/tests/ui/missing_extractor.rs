use tieline_service::echo::{Echo, Said, Say};
use tieline_service::{Call, Router};

struct Unheard;

async fn on_say(Call(say): Call<Say>, _: Unheard) -> Said {
    Said(say.text)
}

fn main() {
    let _ = Router::<Echo>::new().on(on_say);
}
