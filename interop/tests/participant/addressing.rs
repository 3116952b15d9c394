//! Messages that are valid and not for us, or in a version that we do not speak.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tieline_uftp::message::{FlexOffer, TestMessage};
use tieline_uftp::{MessageType, Payload, Role, Text, Version};

use crate::agr_dso::{Trade, agree, each, flex_request};
use crate::coverage::Maker::{Library, Ours};
use crate::cro::dso_portfolio_query;
use crate::driver::Step;
use crate::ours::eventually;
use crate::world::{LIBRARY, Side, World, WorldSettings};

const AGR: Side = Side(Ours, Role::Agr);
const DSO: Side = Side(Library, Role::Dso);

fn start(tolerance: tieline_uftp::Tolerance) -> Result<World> {
    let settings = WorldSettings {
        agree,
        tolerance,
        ours: &[Role::Agr],
        library: &[Role::Dso],
        ..WorldSettings::default()
    };
    World::start(&settings)
}

/// Our AGR rejects this for these reasons, and no handler sees it.
fn rejected(world: &mut World, message: impl Into<Payload>, more: &Value, reasons: &str) -> Result<()> {
    let message = message.into();
    world.library_sends(DSO, AGR, &message, more)?;
    let answer = world.answer_to(Role::Dso, &message)?;
    let (_, response) = answer.response().with_context(|| format!("{answer:?}"))?;
    let given = response.rejection_reason.as_ref().map(Text::as_str);
    ensure!(!response.is_accepted() && given == Some(reasons), "{more}: {response:?}");
    let times = world.ours(Role::Agr)?.driver.times(Step::PreProcess, message.header().message_id);
    ensure!(times == 0, "handled {times} times");
    Ok(())
}

#[test]
fn a_wrong_recipient_version_or_role_is_named() -> Result<()> {
    let mut world = start(LIBRARY)?;
    let expires = "2026-06-03T16:00:00Z";
    let request = |world: &mut World| flex_request(world.header(DSO, AGR, None), expires);

    for (version, reason) in [
        ("9.9.9", "Unsupported Version 9.9.9"),
        ("3.2.0", "Unsupported Version 3.2.0"),
        // Not released, and its peer is not known to speak it.
        ("4.0.0", "Unsupported Version 4.0.0"),
    ] {
        let message = request(&mut world);
        rejected(&mut world, message, &json!({ "version": version }), reason)?;
    }
    let elsewhere = json!({ "recipient_domain": "other.tieline.example" });
    let message = request(&mut world);
    rejected(&mut world, message, &elsewhere, "Unknown Recipient")?;
    let both = json!({ "recipient_domain": "other.tieline.example", "version": "9.9.9" });
    let message = request(&mut world);
    rejected(&mut world, message, &both, "Unsupported Version 9.9.9; Unknown Recipient")?;

    // Its role sends it, but not to us.
    let query = dso_portfolio_query(world.header(DSO, Side(Ours, Role::Cro), None));
    rejected(&mut world, query, &json!({ "misdirected": true }), "Invalid Message")?;
    // Its role does not send it at all.
    let offer = offer(&mut world)?;
    rejected(&mut world, offer, &json!({ "misdirected": true }), "Invalid Sender")?;

    // 3.0.0 is spoken, also with a peer to whom we write 3.1.0, and answered in kind.
    let message = request(&mut world);
    world.library_sends(DSO, AGR, &message.clone().into(), &json!({ "version": "3.0.0" }))?;
    let answer = world.answer_to(Role::Dso, &message.into())?;
    let (_, response) = answer.response().context("it is an answer")?;
    ensure!(response.is_accepted() && answer.header().version == Version::V3_0_0, "{answer:?}");
    world.finish()
}

/// A FlexOffer that a DSO would send to an AGR.
fn offer(world: &mut World) -> Result<FlexOffer> {
    let requests = each(&mut Trade { world, agr: DSO, dso: AGR });
    let offer = requests.into_iter().find_map(|request| FlexOffer::try_from(request).ok());
    offer.context("one of each has a FlexOffer")
}

/// What only 3.1.0 has makes a message that says 3.0.0 invalid: it is refused at once, and never answered. The library stamps
/// either version on whatever it is given.
#[test]
fn later_attributes_under_an_earlier_version_are_refused_unless_forgiven() -> Result<()> {
    let order = |world: &mut World| -> Result<Payload> {
        let all = each(&mut Trade { world, agr: AGR, dso: DSO });
        let order = all.into_iter().find(|message| message.message_type() == MessageType::FlexOrder);
        let Some(Payload::FlexOrder(mut order)) = order else { anyhow::bail!("no FlexOrder") };
        order.unsolicited = Some(false);
        Ok(order.into())
    };
    let mut world = start(LIBRARY)?;
    let message = order(&mut world)?;
    world.library_sends(DSO, AGR, &message, &json!({ "version": "3.0.0" }))?;
    let refused = world.library(Role::Dso)?.peer().wait("refusal", |event| event.name() == "refused")?;
    let status = refused.value("status").and_then(Value::as_u64);
    ensure!(status == Some(400) && refused.required("cause")?.contains("Unsolicited"), "{refused}");
    let id = message.header().message_id;
    ensure!(world.ours(Role::Agr)?.exchanged(&crate::world::participant(DSO), id)?.is_none(), "it is kept");
    drop(world);

    let forgiving = tieline_uftp::Tolerance { later_attributes: true, ..LIBRARY };
    let mut world = start(forgiving)?;
    let message = order(&mut world)?;
    world.library_sends(DSO, AGR, &message, &json!({ "version": "3.0.0" }))?;
    let answer = world.answer_to(Role::Dso, &message)?;
    let (_, response) = answer.response().context("it is an answer")?;
    let given = response.rejection_reason.as_ref().map(Text::as_str);
    // It was read; that nobody knows the offer is another matter.
    ensure!(given == Some("Unknown reference FlexOfferMessageID"), "{response:?}");
    world.finish()
}

/// TestMessages go between any two roles; one in a version that nobody speaks has no answer, since 3.x gives it no way to say so.
#[test]
fn a_test_message_that_is_rejected_has_no_answer() -> Result<()> {
    let mut world = start(LIBRARY)?;
    let wrong: Payload = TestMessage { header: world.header(DSO, AGR, None) }.into();
    world.library_sends(DSO, AGR, &wrong, &json!({ "version": "9.9.9" }))?;
    let ours = world.ours(Role::Agr)?;
    let id = wrong.header().message_id;
    eventually("its fate", || ours.exchanged(&crate::world::participant(DSO), id))?;
    let right: Payload = TestMessage { header: world.header(DSO, AGR, None) }.into();
    world.library_sends(DSO, AGR, &right, &json!({}))?;
    world.answer_to(Role::Dso, &right)?;
    let answers = world.library(Role::Dso)?.messages();
    ensure!(answers.len() == 1, "{answers:?}");
    world.finish()
}
