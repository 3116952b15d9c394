use futures_util::FutureExt as _;
use tieline_service::echo::{Echo, Version, incoming};
use tieline_service::{Extension, Incoming, Reply, Timeout, Trace};
use tower::{Layer, Service, ServiceExt as _};
use tower_test::mock::{self, Mock};

use crate::text;

/// A layer is ready when the service inside is, and passes on its replies and errors.
async fn passes_everything_on<L>(layer: L)
where
    L: Layer<Mock<Incoming<Echo>, Reply<Echo>>>,
    L::Service: Service<Incoming<Echo>, Response = Reply<Echo>, Error = tower::BoxError>,
{
    let (inner, mut handle) = mock::pair();
    let mut service = layer.layer(inner);
    handle.allow(0);
    assert!(service.ready().now_or_never().is_none());
    handle.allow(2);

    let reply = service.ready().await.unwrap().call(incoming(Version::One, "Say", "hello"));
    let (asked, respond) = handle.next_request().await.unwrap();
    assert_eq!(asked.message, "hello");
    respond.send_response(Reply::new(text("hello back")));
    assert_eq!(reply.await.unwrap().answer, text("hello back"));

    let reply = service.ready().await.unwrap().call(incoming(Version::One, "Say", "hello"));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_error("something broke");
    assert_eq!(reply.await.unwrap_err().to_string(), "something broke");

    handle.send_error("the service is gone");
    assert_eq!(service.ready().await.err().unwrap().to_string(), "the service is gone");
}

#[tokio::test]
async fn the_layers_pass_everything_on() {
    passes_everything_on(Timeout::new(std::time::Duration::from_secs(1))).await;
    passes_everything_on(Trace::new()).await;
    passes_everything_on(Extension(1_u8)).await;
}
