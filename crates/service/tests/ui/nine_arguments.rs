use tieline_service::echo::{Echo, Said, Say};
use tieline_service::{Call, Head, Router};

type H = Head<Echo>;

async fn on_say(Call(say): Call<Say>, _: H, _: H, _: H, _: H, _: H, _: H, _: H, _: H) -> Said {
    Said(say.text)
}

fn main() {
    let _ = Router::<Echo>::new().on(on_say);
}
