//! Handlers that take their time: nothing is lost, nothing is done twice, and each conversation stays in order.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tieline_interop::{Event, UftpPeer};
use tieline_types::Power;
use tieline_uftp::value::{ConversationId, MessageId};
use tieline_uftp::{Fate, Payload, Role};

use crate::agr_dso::{agree, flex_request};
use crate::coverage::Maker::{Library, Ours};
use crate::driver::Step;
use crate::ours::eventually;
use crate::refusal::believing_refusals_after;
use crate::world::{Side, World, WorldSettings, participant};

const MESSAGES: u16 = 60;
const CONVERSATIONS: u16 = 12;

/// Requests in turn in each of the conversations; each revises the one before it.
pub(crate) fn requests(
    world: &mut World,
    from: Side,
    to: Side,
    messages: u16,
    conversations: u16,
) -> Vec<Payload> {
    let conversations: Vec<ConversationId> = (0..conversations).map(|_| world.id()).collect();
    let request = |(number, conversation): (u16, &ConversationId)| {
        let header = world.header(from, to, Some(*conversation));
        let mut request = flex_request(header, "2026-06-03T16:00:00Z");
        request.revision = i64::from(number) + 1;
        // No two say the same.
        request.isps[0].min_power = Power::from_watts(-400_000 - i64::from(number));
        request.into()
    };
    (0..messages).zip(conversations.iter().cycle()).map(request).collect()
}

/// The identifiers of each conversation, in order.
type Order = BTreeMap<String, Vec<String>>;

pub(crate) fn order_of<'m>(messages: impl IntoIterator<Item = &'m Payload>) -> Order {
    let mut order = Order::new();
    for message in messages {
        let header = message.header();
        order.entry(header.conversation_id.to_string()).or_default().push(header.message_id.to_string());
    }
    order
}

/// The same of what a participant of the library's reports under this name.
pub(crate) fn order_in(peer: &mut UftpPeer, name: &str) -> Result<Order> {
    let mut order = Order::new();
    for event in peer.peer().events().iter().filter(|event: &&Event| event.name() == name) {
        let text = |path| event.required(path).map(str::to_owned);
        order.entry(text("conversation_id")?).or_default().push(text("message_id")?);
    }
    Ok(order)
}

/// The library takes messages faster than it handles them, and keeps them in memory meanwhile. Half a second each, ten at a time.
#[test]
fn of_the_library_lose_nothing_of_ours() -> Result<()> {
    let settings = WorldSettings {
        agree,
        ours: &[Role::Dso],
        library: &[Role::Agr],
        bare: Some(Duration::from_millis(500)),
        // A cold service refuses some of what comes side by side.
        delivery: believing_refusals_after(4),
        ..WorldSettings::default()
    };
    let (dso, agr) = (Side(Ours, Role::Dso), Side(Library, Role::Agr));
    let mut world = World::start(&settings)?;
    let messages = requests(&mut world, dso, agr, MESSAGES, CONVERSATIONS);
    send(&world, &messages)?;
    answered(&world, &messages)?;
    let expected = order_of(&messages);
    let peer = world.library(Role::Agr)?;
    ensure!(order_in(peer, "begun")? == expected, "taken in another order, or not once each");
    // Those under way at a time may end in any order.
    let sorted = |mut order: Order| {
        for ids in order.values_mut() {
            ids.sort();
        }
        order
    };
    ensure!(sorted(order_in(peer, "handled")?) == sorted(expected), "not handled once each");
    world.finish()
}

/// The library sends one message after the other, and ours takes a twentieth of a second for each.
#[test]
fn of_ours_lose_nothing_of_the_library() -> Result<()> {
    let settings =
        WorldSettings { agree, ours: &[Role::Agr], library: &[Role::Dso], ..WorldSettings::default() };
    let (dso, agr) = (Side(Library, Role::Dso), Side(Ours, Role::Agr));
    let mut world = World::start(&settings)?;
    world.ours(Role::Agr)?.driver.take(Duration::from_millis(50));
    let messages = requests(&mut world, dso, agr, MESSAGES, CONVERSATIONS);
    for message in &messages {
        world.library_sends(dso, agr, message, &json!({}))?;
    }
    let ours = world.ours(Role::Agr)?;
    eventually("all to be handled", || {
        Ok((ours.driver.handled(Step::Process).len() >= messages.len()).then_some(()))
    })?;
    for step in [Step::PreProcess, Step::Process] {
        let handled = ours.driver.handled(step);
        ensure!(order_of(&handled) == order_of(&messages), "{step:?}: in another order, or not once each");
    }
    for message in &messages {
        let answer = world.answer_to(Role::Dso, message)?;
        let (_, response) = answer.response().context("it is an answer")?;
        ensure!(response.is_accepted(), "{response:?}");
    }
    world.finish()
}

/// Our DSO sends them all at once.
pub(crate) fn send(world: &World, messages: &[Payload]) -> Result<()> {
    let to = participant(Side(Library, Role::Agr));
    let ours = world.ours(Role::Dso)?;
    messages.iter().try_for_each(|message| ours.send(&to, message.clone()).map(drop))
}

/// All were accepted by the library's AGR.
pub(crate) fn answered(world: &World, messages: &[Payload]) -> Result<()> {
    let (with, ours) = (participant(Side(Library, Role::Agr)), world.ours(Role::Dso)?);
    for message in messages {
        let id: MessageId = message.header().message_id;
        let fate = ours.fate(&with, id)?;
        ensure!(fate == Fate::Accepted, "{id}: {fate:?}");
    }
    Ok(())
}
