use tieline_service::echo::{Answer, Echo, NotUnderstood, Refusal, Repeat, Repeated, Said, Say, Version};
use tieline_service::{After, Call, Failure, Raw, Reply, Router};

use crate::{answer, refused, reply, text};

#[tokio::test]
async fn a_response_or_a_refusal() {
    async fn on_repeat(Call(repeat): Call<Repeat>) -> Result<Repeated, Refusal> {
        if repeat.times > 3 {
            return Err(Refusal::new("TooOften", repeat.times.to_string()));
        }
        Ok(Repeated(vec![repeat.text; repeat.times]))
    }
    let service = Router::<Echo>::new().on(on_repeat).into_service();
    assert_eq!(answer(&service, "Repeat", "2 hello").await, text("hello hello"));
    assert_eq!(answer(&service, "Repeat", "4 hello").await, refused("TooOften", "4"));
}

#[tokio::test]
async fn a_failure_is_not_told_to_the_peer() {
    async fn on_say(_: Call<Say>) -> Result<Said, Failure> {
        Err(NotUnderstood("the password is echo"))?;
        Ok(Said(String::new()))
    }
    async fn by_name() -> Result<Answer, Failure> {
        Err(Failure::new("the password is echo"))
    }
    let service = Router::<Echo>::new().on(on_say).route("Hum", by_name).into_service();
    assert_eq!(answer(&service, "Say", "hello").await, refused("Internal", ""));
    assert_eq!(answer(&service, "Hum", "hello").await, refused("Internal", ""));
}

#[tokio::test]
async fn an_answer_to_a_named_action() {
    async fn refuse(_: Raw<Echo>) -> Result<Answer, Refusal> {
        Err(Refusal::new("No", "never"))
    }
    async fn whole(raw: Raw<Echo>) -> Reply<Echo> {
        let mut reply = Reply::new(Answer::Text(raw.0));
        reply.extensions.insert(42_u32);
        reply
    }
    let service = Router::<Echo>::new().route("Refuse", refuse).route("Whole", whole).into_service();
    assert_eq!(answer(&service, "Refuse", "").await, refused("No", "never"));
    let reply = reply(&service, Version::One, "Whole", "all of it").await;
    assert_eq!(reply.answer, text("all of it"));
    assert_eq!(reply.extensions.get::<u32>(), Some(&42));
}

#[tokio::test]
async fn work_for_afterwards_goes_with_any_reply() {
    async fn pair(Call(say): Call<Say>) -> (Said, After) {
        (Said(say.text), After::new(async {}))
    }
    async fn inside(Call(repeat): Call<Repeat>) -> Result<(Repeated, After), Refusal> {
        if repeat.times == 0 {
            return Err(Refusal::new("Never", ""));
        }
        Ok((Repeated(vec![repeat.text]), After::new(async {}).and(async {})))
    }
    async fn outside() -> (Result<Answer, Refusal>, After) {
        (Err(Refusal::new("No", "")), After::new(async {}))
    }
    let service = Router::<Echo>::new().on(pair).on(inside).route("Outside", outside).into_service();
    for (action, message, pieces) in
        [("Say", "a", 1), ("Repeat", "1 a", 2), ("Repeat", "0 a", 0), ("Outside", "", 1)]
    {
        let mut reply = reply(&service, Version::Two, action, message).await;
        assert_eq!(reply.take_after().len(), pieces, "{action} {message}");
        assert!(reply.after.is_empty());
    }
}
