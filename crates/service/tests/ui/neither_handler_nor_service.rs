use tieline_service::Router;
use tieline_service::echo::Echo;

fn main() {
    let _ = Router::<Echo>::new().route("Whistle", "a whistle");
}
