//! What must hold for any text that a peer sends. The fuzz target `ocpp_frame` is this function.

use tieline_ocpp::frame::Frame;
use tieline_ocpp::validation::{self, Refused};
use tieline_ocpp::{Tolerance, Version};

/// A frame is refused with a short error, or it is written to something that reads the same, in each version.
pub(crate) fn check(text: &str) {
    for version in [Version::V1_6, Version::V2_0_1, Version::V2_1] {
        for tolerance in [Tolerance::strict(), Tolerance::lenient()] {
            match validation::frame(version, text, &tolerance) {
                Ok(written) => check_written(text, &written, version, &tolerance),
                Err(refused) => check_refused(&refused),
            }
        }
    }
}

fn check_written(text: &str, written: &str, version: Version, tolerance: &Tolerance) {
    let read = Frame::parse(text, version).expect("it was read");
    let again = Frame::parse(written, version).expect("what was written can be read");
    assert_eq!(again.id(), read.id());
    assert_eq!(again.message_type(), read.message_type());
    assert_eq!(again.action(), read.action());
    assert_eq!(validation::frame(version, written, tolerance).as_deref(), Ok(written));
}

fn check_refused(refused: &Refused) {
    let error = refused.error();
    assert!(error.description.chars().count() <= 255);
    for detail in ["cause", "path"] {
        assert!(error.details[detail].as_str().is_none_or(|text| text.chars().count() <= 255));
    }
    assert!(refused.answer().is_none_or(|answer| answer.len() < 4_000), "{refused}");
}
