//! The library refuses valid messages.
//!
//! Its class index is rebuilt without a lock when a module was imported since, and messages that are read meanwhile are answered
//! with 400, which is final. A service that has just started, and one that imports lazily, does so to messages that come side by
//! side. The same bytes are taken a moment later.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tieline_edge::Backoff;
use tieline_uftp::service::DeliveryConfig;
use tieline_uftp::{Fate, Payload, Role};

use crate::agr_dso::agree;
use crate::coverage::Maker::{Library, Ours};
use crate::ours::eventually;
use crate::slow::{answered, order_in, order_of, requests, send};
use crate::world::{Side, World, WorldSettings, participant};

const DSO: Side = Side(Ours, Role::Dso);
const AGR: Side = Side(Library, Role::Agr);
/// Conversations at once: as many as are on their way to one recipient.
const CONVERSATIONS: u16 = 16;
/// So often at most it is tried to have something refused.
const ROUNDS: usize = 30;

/// A refusal is believed when it has come so often, and a message is tried again soon.
pub(crate) fn believing_refusals_after(times: u32) -> DeliveryConfig {
    let mut delivery = DeliveryConfig::default();
    delivery.believe_refusal_after = times;
    delivery.backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(400));
    delivery
}

/// The library's AGR, cold, and our DSO.
fn start(believe_refusal_after: u32) -> Result<World> {
    let settings = WorldSettings {
        agree,
        delivery: believing_refusals_after(believe_refusal_after),
        ours: &[Role::Dso],
        library: &[Role::Agr],
        bare: Some(Duration::ZERO),
        ..WorldSettings::default()
    };
    World::start(&settings)
}

/// How many messages the library's service has refused, by its own log.
fn refusals(world: &mut World) -> Result<usize> {
    Ok(world.library(Role::Agr)?.peer().log()?.matches("400 Bad Request").count())
}

/// Refused messages are tried again, and each is handled once in the end, in the order of its conversation.
#[test]
fn costs_nothing_where_it_is_not_believed_at_once() -> Result<()> {
    let mut world = start(4)?;
    let mut sent: Vec<Payload> = Vec::new();
    for _ in 0..ROUNDS {
        let messages = requests(&mut world, DSO, AGR, 2 * CONVERSATIONS, CONVERSATIONS);
        send(&world, &messages)?;
        answered(&world, &messages)?;
        sent.extend(messages);
        if refusals(&mut world)? > 0 {
            break;
        }
        // A start that went well: an import makes the next round another one.
        world.library(Role::Agr)?.churn(Duration::from_millis(100), Duration::from_millis(20))?;
    }
    ensure!(refusals(&mut world)? > 0, "nothing was refused in {ROUNDS} rounds");
    let begun = order_in(world.library(Role::Agr)?, "begun")?;
    ensure!(begun == order_of(&sent), "in another order, or not once each: {begun:#?}");
    world.finish()
}

/// By default a refusal is believed: the message is given up, and nothing is delivered to its recipient until he is released.
#[test]
fn is_believed_by_default_until_the_recipient_is_released() -> Result<()> {
    ensure!(DeliveryConfig::default().believe_refusal_after == 1, "it is not the default");
    let mut world = start(1)?;
    let with = participant(AGR);
    let mut sent: Vec<Payload> = Vec::new();
    for _ in 0..ROUNDS {
        world.library(Role::Agr)?.churn(Duration::from_millis(300), Duration::from_millis(2))?;
        let messages = requests(&mut world, DSO, AGR, CONVERSATIONS, CONVERSATIONS);
        send(&world, &messages)?;
        sent.extend(messages);
        thread::sleep(Duration::from_millis(400));
        if !world.ours(Role::Dso)?.held()?.is_empty() {
            break;
        }
    }
    let held = world.ours(Role::Dso)?.held()?.pop().context("nothing was refused")?;
    ensure!(held.participant == with && held.cause.contains("400"), "{held:?}");

    // Others may still be on their way; of what is sent from now on nothing arrives.
    let later = requests(&mut world, DSO, AGR, CONVERSATIONS, CONVERSATIONS);
    send(&world, &later)?;
    thread::sleep(Duration::from_millis(500));
    let begun = order_in(world.library(Role::Agr)?, "begun")?;
    let of_later = order_of(&later);
    ensure!(!of_later.keys().any(|key| begun.contains_key(key)), "delivered to one who is held: {begun:?}");
    ensure!(world.ours(Role::Dso)?.owing() >= later.len(), "what is owed is gone");
    sent.extend(later);

    release_until_delivered(&world)?;
    each_is_accepted_or_given_up(&mut world, &sent)
}

/// Releases the recipient as often as another message is refused.
fn release_until_delivered(world: &World) -> Result<()> {
    let ours = world.ours(Role::Dso)?;
    eventually("an empty outbox", || {
        if !ours.held()?.is_empty() {
            ours.release(&participant(AGR))?;
        }
        thread::sleep(Duration::from_millis(100));
        Ok((ours.owing() == 0 && ours.held()?.is_empty()).then_some(()))
    })
}

/// What was given up was never handled; all else was accepted and handled once.
fn each_is_accepted_or_given_up(world: &mut World, sent: &[Payload]) -> Result<()> {
    let with = participant(AGR);
    let (mut accepted, mut given_up) = (Vec::new(), 0);
    for message in sent {
        match world.ours(Role::Dso)?.fate(&with, message.header().message_id)? {
            Fate::Accepted => accepted.push(message),
            Fate::Rejected => given_up += 1,
            Fate::Open => bail!("{message:?} has no fate"),
        }
    }
    let refused = refusals(world)?;
    ensure!(given_up == refused && given_up > 0, "{refused} refused, {given_up} given up");
    let begun = order_in(world.library(Role::Agr)?, "begun")?;
    ensure!(begun == order_of(accepted), "in another order, or not once each: {begun:#?}");
    Ok(())
}
