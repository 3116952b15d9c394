use tieline_service::echo::{Answer, Echo, Guest, NotUnderstood, Refusal, Said, Say, Version, incoming};
use tieline_service::{
    Call, Extension, Fault, FromIncoming, FromRef, Head, Incoming, PeerOf, Protocol, Raw, Rejection, Router,
    State,
};

use crate::{answer, refused, text};

#[derive(Clone)]
struct Number(u32);

#[tokio::test]
async fn everything_known_of_a_message_can_be_extracted() {
    async fn on_say(
        say: Call<Say>,
        raw: Raw<Echo>,
        head: Head<Echo>,
        peer: PeerOf<Echo>,
        guest: Guest,
        number: Extension<Number>,
    ) -> Said {
        assert_eq!(say.text, *raw);
        assert_eq!(*peer, guest);
        Said(format!("{} {} {} {} {}", head.version(), head.action(), head.message_id(), guest, number.0.0))
    }
    let service = Router::<Echo>::new().on(on_say).into_service();
    let mut message = incoming(Version::One, "Say", "hello");
    message.head.extensions.insert(Number(5));
    assert_eq!(service.serve(message).reply().await.answer, text("1.0 Say 7 narcissus 5"));
}

#[tokio::test]
async fn an_undecodable_body_never_reaches_the_handler() {
    async fn on_say(_: Call<Say>) -> Said {
        panic!("it did")
    }
    let service = Router::<Echo>::new().on(on_say).into_service();
    assert_eq!(answer(&service, "Say", "").await, refused("Undecodable", "nothing was said"));
}

#[tokio::test]
async fn a_missing_extension_is_our_fault() {
    async fn on_say(_: Call<Say>, Extension(Number(number)): Extension<Number>) -> Said {
        Said(number.to_string())
    }
    let router = || Router::<Echo>::new().on(on_say);
    let service = router().into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("Internal", ""));
    let service = router().layer(Extension(Number(3))).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("3"));
}

#[tokio::test]
async fn an_optional_argument_may_be_missing_but_not_wrong() {
    async fn on_say(_: Call<Say>, number: Option<Extension<Number>>) -> Said {
        Said(number.map_or_else(|| "none".to_owned(), |number| number.0.0.to_string()))
    }
    async fn maybe(say: Option<Call<Say>>) -> Answer {
        Answer::Text(format!("{}", say.is_some()))
    }
    let router = || Router::<Echo>::new().on(on_say).route("Maybe", maybe);
    let service = router().into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("none"));
    assert_eq!(answer(&service, "Maybe", "hello").await, text("true"));
    assert_eq!(answer(&service, "Maybe", "").await, refused("Undecodable", "nothing was said"));
    let service = router().layer(Extension(Number(3))).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, text("3"));
}

#[tokio::test]
async fn a_rejection_can_be_handled() {
    async fn lenient(say: Result<Call<Say>, Rejection<Echo>>) -> Answer {
        match say {
            Ok(say) => Answer::Text(say.0.text),
            Err(Rejection::Fault(Fault::Undecodable(NotUnderstood(why)))) => {
                Answer::Text(format!("but {why}"))
            }
            Err(rejection) => panic!("{rejection:?}"),
        }
    }
    let service = Router::<Echo>::new().route("Say", lenient).into_service();
    assert_eq!(answer(&service, "Say", "").await, text("but nothing was said"));
}

#[tokio::test]
async fn an_extractor_can_wait_and_answer() {
    struct Permission;
    impl FromIncoming<Echo, Number> for Permission {
        async fn from_incoming(incoming: &Incoming<Echo>, state: &Number) -> Result<Self, Rejection<Echo>> {
            tokio::task::yield_now().await;
            match incoming.message.parse::<u32>() {
                Ok(number) if number == state.0 => Ok(Self),
                Ok(_) => Err(Rejection::answer(Refusal::new("Forbidden", "the number is wrong"))),
                Err(error) => Err(Rejection::failed(error)),
            }
        }
    }
    async fn on_say(_: Call<Say>, _: Permission) -> Said {
        Said("welcome".to_owned())
    }
    let service = Router::<Echo, _>::new().on(on_say).with_state(Number(4));
    assert_eq!(answer(&service, "Say", "4").await, text("welcome"));
    assert_eq!(answer(&service, "Say", "5").await, refused("Forbidden", "the number is wrong"));
    assert_eq!(answer(&service, "Say", "four").await, refused("Internal", ""));
}

#[tokio::test]
async fn a_handler_asks_for_its_part_of_the_state() {
    #[derive(Clone)]
    struct Shared {
        number: Number,
        name: &'static str,
    }
    impl FromRef<Shared> for Number {
        fn from_ref(shared: &Shared) -> Self {
            shared.number.clone()
        }
    }
    async fn on_say(_: Call<Say>, State(number): State<Number>, State(shared): State<Shared>) -> Said {
        Said(format!("{} {}", number.0, shared.name))
    }
    let service = Router::<Echo, _>::new().on(on_say).with_state(Shared { number: Number(6), name: "echo" });
    assert_eq!(answer(&service, "Say", "hello").await, text("6 echo"));
}

#[tokio::test]
async fn a_handler_can_be_generic_over_the_protocol() {
    async fn who<P: Protocol>(PeerOf(peer): PeerOf<P>) -> P::Answer
    where
        P::Answer: From<Refusal>,
    {
        Refusal::new("Peer", peer.to_string()).into()
    }
    let service = Router::<Echo>::new().route("Who", who::<Echo>).into_service();
    assert_eq!(answer(&service, "Who", "").await, refused("Peer", "narcissus"));
}
