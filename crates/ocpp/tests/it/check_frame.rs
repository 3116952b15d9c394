//! What must hold for any text that a peer sends. The fuzz target `ocpp_frame` is this function.

use tieline_ocpp::frame::Frame;
use tieline_ocpp::{DecodeError, DecodeOptions, RawValue, Version, fault, v16, v21, v201};

/// A frame is refused, or it is written to something that reads the same; a payload likewise, in each version.
pub(crate) fn check(text: &str) {
    for version in [Version::V1_6, Version::V2_0_1, Version::V2_1] {
        match Frame::parse(text, version) {
            Ok(frame) => check_one(&frame, version),
            Err(error) => {
                let _ = (error.reply(version), error.error_code(), error.reply_id());
            }
        }
    }
}

fn check_one(frame: &Frame<'_>, version: Version) {
    let written = frame.to_json(version).expect("what was read can be written");
    let again = Frame::parse(&written, version).expect("what was written can be read");
    assert_eq!(again.id(), frame.id());
    assert_eq!(again.message_type(), frame.message_type());
    assert_eq!(again.action(), frame.action());
    if let (Some(action), Some(payload)) = (frame.action(), frame.payload()) {
        for options in [DecodeOptions::strict(), DecodeOptions::pedantic(), DecodeOptions::lenient()] {
            check_payload(version, action, payload, &options);
        }
    }
}

fn check_payload(version: Version, action: &str, payload: &RawValue, options: &DecodeOptions) {
    let Some(read) = read(version, action, payload, options) else { return };
    match read {
        Ok(written) => {
            let written = RawValue::from_string(written).expect("what is written is JSON");
            let again = self::read(version, action, &written, options).expect("the action is the same");
            assert_eq!(again.as_deref(), Ok(written.get()));
        }
        Err(error) => {
            let error = fault::undecodable(version, &error);
            assert!(error.description.chars().count() <= 255);
            assert!(error.details["cause"].as_str().is_none_or(|cause| cause.chars().count() <= 255));
            assert!(error.details["path"].as_str().is_none_or(|path| path.chars().count() <= 255));
        }
    }
}

/// The payload as it is written after it was read; `None` if the version has no such action.
fn read(
    version: Version,
    action: &str,
    payload: &RawValue,
    options: &DecodeOptions,
) -> Option<Result<String, DecodeError>> {
    macro_rules! read {
        ($module:ident) => {{
            let action = $module::Action::from_wire(action)?;
            let station = $module::CsRequest::decode(action, payload, options);
            let csms = $module::CsmsRequest::decode(action, payload, options);
            Some(match (station, csms) {
                (Ok(read), _) => Ok(read.to_json().expect("a message can be written")),
                (_, Ok(read)) => Ok(read.to_json().expect("a message can be written")),
                (Err(error), Err(_)) => Err(error),
            })
        }};
    }
    match version {
        Version::V1_6 => read!(v16),
        Version::V2_0_1 => read!(v201),
        _ => read!(v21),
    }
}
