use tieline_service::echo::{Echo, Said, Say};
use tieline_service::{Call, Router, State};

#[derive(Clone)]
struct Loudness(u32);

async fn on_say(Call(say): Call<Say>, State(Loudness(times)): State<Loudness>) -> Said {
    Said(say.text.repeat(times as usize))
}

fn main() {
    let _ = Router::<Echo, String>::new().on(on_say).with_state("loud".to_owned());
}
