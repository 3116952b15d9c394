//! The text of the standard that was not released yet calls itself 4.0.0, and no implementation speaks it. What we write of it
//! is valid by its schemas.

use anyhow::{Result, ensure};
use tempfile::TempDir;
use tieline_interop::Schema;
use tieline_uftp::{
    Accepted, Decision, MessageType, Payload, RejectionReason, Role, Tolerance, Version, parse,
};

use crate::agr_dso::{Trade, each};
use crate::coverage::Maker::{Library, Ours};
use crate::cro::{
    agr_portfolio_query, agr_portfolio_update, behind, dso_portfolio_query, dso_portfolio_update, view,
};
use crate::world::{Side, World, WorldSettings};

#[test]
fn everything_is_valid_by_its_schema() -> Result<()> {
    let directory = TempDir::new()?;
    let mut schema = Schema::of("main", directory.path())?;
    crate::every_message::say_if_absent(schema.as_ref());
    let mut written = std::collections::BTreeSet::new();
    for message in messages()? {
        written.insert(message.message_type());
        let xml = String::from_utf8(message.to_xml())?;
        let tolerance = Tolerance { unreleased_revision: true, ..Tolerance::STRICT };
        ensure!(parse(xml.as_bytes(), &tolerance)? == message, "not read as written: {xml}");
        if let Some(schema) = &mut schema {
            let complaints = schema.complaints(&xml)?;
            ensure!(complaints.is_empty(), "{complaints:?} in {xml}");
        }
    }
    ensure!(written.len() == MessageType::ALL.len(), "not all were written: {written:?}");
    Ok(())
}

/// Every request, and both answers to each.
fn messages() -> Result<Vec<Payload>> {
    let version = Version::V4_0_0;
    // Nobody in it: it only makes headers.
    let mut world = World::start(&WorldSettings { version, ..WorldSettings::default() })?;
    let [agr, cro, dso] = [Role::Agr, Role::Cro, Role::Dso].map(|role| Side(Ours, role));
    let mut requests = each(&mut Trade { world: &mut world, agr, dso });
    requests.extend([
        agr_portfolio_update(world.header(agr, cro, None)).into(),
        agr_portfolio_query(world.header(agr, cro, None)).into(),
        dso_portfolio_update(world.header(dso, cro, None)).into(),
        dso_portfolio_query(world.header(dso, cro, None)).into(),
    ]);
    let mut messages = Vec::new();
    for request in requests {
        let accepted = match request.message_type() {
            MessageType::AgrPortfolioQuery => Accepted::Connections(vec![view(Side(Library, Role::Dso))]),
            MessageType::DsoPortfolioQuery => Accepted::CongestionPoint(Some(behind())),
            _ => Accepted::new(),
        };
        for decision in [accepted.into(), Decision::from(RejectionReason::InvalidMessage)] {
            let header = world.header(cro, agr, Some(request.header().conversation_id));
            messages.extend(request.respond(&decision, header));
        }
        messages.push(request);
    }
    Ok(messages)
}
