//! The peers against each other, without Tieline: where this fails, a peer or its environment is to blame.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use tieline_interop::{AGR_KEY, DSO_KEY, IspWindow, UftpPeer, free_port};

use crate::market;

#[test]
fn trade_and_recognise_what_they_have_had_before() -> Result<()> {
    let directory = TempDir::new()?;
    let (dso_port, agr_port) = (free_port()?, free_port()?);
    let mut dso = UftpPeer::dso(DSO_KEY, dso_port, AGR_KEY, agr_port, directory.path())?;
    let conversation = market::uuid(1);
    let window = IspWindow::after(Timestamp::now(), 4)?;
    let request = market::flex_request(&window, &market::uuid(2), &conversation, 10_000);
    // Nobody listens yet.
    dso.send("FlexRequest", &request)?;

    let mut agr = UftpPeer::agr(AGR_KEY, agr_port, DSO_KEY, dso_port, directory.path())?;
    let received = agr.received("FlexRequest", &conversation)?;
    dso.delivered("FlexRequest", &conversation)?;
    agr.send("FlexRequestResponse", &market::accepted(&received, "FlexRequestMessageID")?)?;
    dso.received("FlexRequestResponse", &conversation)?;

    let again =
        market::with(request.clone(), &json!({ "TimeStamp": received.required("fields.TimeStamp")? }));
    dso.send("FlexRequest", &again)?;
    rejected(&mut dso, "Already Submitted")?;
    dso.send("FlexRequest", &market::with(again, &json!({ "Revision": 2 })))?;
    rejected(&mut dso, "Duplicate Identifier")?;
    let repeats = agr.repeats();
    assert_eq!(repeats.iter().map(|repeat| repeat.is("identical")).collect::<Vec<_>>(), [true, false]);

    assert_eq!(dso.send_corrupted("FlexRequest", &request)?, 401);
    market::validate(&dso.messages(), directory.path())?;
    market::validate(&agr.messages(), directory.path())
}

fn rejected(dso: &mut UftpPeer, reason: &str) -> Result<()> {
    let wanted = |event: &tieline_interop::Event| event.text("fields.RejectionReason") == Some(reason);
    dso.peer().wait(reason, wanted).map(drop)
}
