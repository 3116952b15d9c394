//! The same message again, and another one under the same identifier.

use anyhow::{Result, ensure};
use serde_json::json;
use tieline_uftp::{Payload, Role};

use crate::agr_dso::{agree, flex_request};
use crate::coverage::Maker::{Library, Ours};
use crate::driver::Step;
use crate::ours::eventually;
use crate::world::{Side, World, WorldSettings};

const AGR: Side = Side(Ours, Role::Agr);
const DSO: Side = Side(Library, Role::Dso);

#[test]
fn is_handled_once_and_answered_by_what_it_is() -> Result<()> {
    let settings =
        WorldSettings { agree, ours: &[Role::Agr], library: &[Role::Dso], ..WorldSettings::default() };
    let mut world = World::start(&settings)?;
    let request = flex_request(world.header(DSO, AGR, None), "2026-06-03T16:00:00Z");
    let message: Payload = request.clone().into();
    let id = message.header().message_id;

    world.library_sends(DSO, AGR, &message, &json!({}))?;
    expect(&mut world, &[None])?;
    for _ in 0..2 {
        world.library_sends(DSO, AGR, &message, &json!({}))?;
    }
    let again = Some("Already Submitted");
    expect(&mut world, &[None, again, again])?;

    let mut other = request;
    other.revision = 2;
    world.library_sends(DSO, AGR, &other.into(), &json!({}))?;
    expect(&mut world, &[None, again, again, Some("Duplicate Identifier")])?;

    let ours = world.ours(Role::Agr)?;
    let known = ours.exchanged(&crate::world::participant(DSO), id)?;
    ensure!(known.is_some_and(|known| known.payload == message), "it was replaced");
    eventually("the longer work", || Ok((ours.driver.times(Step::Process, id) > 0).then_some(())))?;
    for step in [Step::PreProcess, Step::Process] {
        let times = ours.driver.times(step, id);
        ensure!(times == 1, "{step:?} was done {times} times");
    }
    world.finish()
}

/// The library has received these answers, accepted where there is no reason.
fn expect(world: &mut World, reasons: &[Option<&str>]) -> Result<()> {
    let mut wanted: Vec<_> = reasons.iter().map(|reason| reason.map(str::to_owned)).collect();
    wanted.sort();
    let peer = world.library(Role::Dso)?;
    eventually("as many answers", || {
        let answers = peer.messages();
        Ok((answers.len() >= wanted.len()).then_some(()))
    })?;
    let mut given: Vec<_> = peer
        .messages()
        .iter()
        .map(|answer| answer.text("fields.RejectionReason").map(str::to_owned))
        .collect();
    given.sort();
    ensure!(given == wanted, "{given:?}");
    Ok(())
}
