//! What we forgive a peer.

use serde::{Deserialize, Serialize};

/// Deviations from the standard that are accepted from one peer.
///
/// Leniency belongs to a peer, never to a build: the receiver takes the tolerance of the sender it has just
/// authenticated. Each field is one known deviation of one known implementation; the default forgives nothing.
/// What is written never depends on it.
///
/// ```
/// use tieline_uftp::Tolerance;
///
/// let library_python = Tolerance { eighteen_digit_ean: true, ..Tolerance::STRICT };
/// assert!(!library_python.surrounding_whitespace);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each field is an independent deviation")]
pub struct Tolerance {
    /// `Metering@EAN` as `E` and 18 digits. The published schemas say 16; library-python and library-java have
    /// both demanded 18 since May 2026, which is the length of a real EAN.
    pub eighteen_digit_ean: bool,
    /// `TimeStamp` and `ExpirationDateTime` without an offset, read as UTC. The 3.x schemas allow it, the text
    /// demands a time zone.
    pub date_time_without_offset: bool,
    /// Blanks around the value of an attribute whose type does not collapse them, as some writers leave.
    pub surrounding_whitespace: bool,
    /// `Result` and `RejectionReason` on a `TestMessageResponse`, as library-python sends it.
    pub result_on_test_message_response: bool,
    /// Attributes that only a later revision knows, in a message that states an earlier one; library-python
    /// stamps `Version` without looking at the rest.
    pub later_attributes: bool,
    /// Namespace declarations with a prefix (`xmlns:xsi`) and `xsi:schemaLocation` or
    /// `xsi:noNamespaceSchemaLocation`, which schema processors allow on every element and which carry nothing.
    pub schema_location: bool,
    /// A `FlexSettlement` without an element of one kind, and a `FlexSettlementResponse` without a status. The text has
    /// none or more, the schemas one or more.
    pub absent_settlement_elements: bool,
    /// An `AGRPortfolioQueryResponse` that is accepted without a `DSO-View`, and a view without a `DSO-Portfolio`. The text has
    /// none or more, the schemas one or more.
    pub absent_portfolio_elements: bool,
    /// The unreleased revision of the standard, which calls itself 4.0.0. From anybody else it is rejected as a version that
    /// is not spoken.
    pub unreleased_revision: bool,
}

impl Tolerance {
    /// Nothing but what the published 3.0.0 and 3.1.0 schemas and texts allow.
    pub const STRICT: Self = Self {
        eighteen_digit_ean: false,
        date_time_without_offset: false,
        surrounding_whitespace: false,
        result_on_test_message_response: false,
        later_attributes: false,
        schema_location: false,
        absent_settlement_elements: false,
        absent_portfolio_elements: false,
        unreleased_revision: false,
    };

    /// Every deviation known so far.
    pub const LENIENT: Self = Self {
        eighteen_digit_ean: true,
        date_time_without_offset: true,
        surrounding_whitespace: true,
        result_on_test_message_response: true,
        later_attributes: true,
        schema_location: true,
        absent_settlement_elements: true,
        absent_portfolio_elements: true,
        unreleased_revision: true,
    };

    /// Forgives the deviation that has the name of a field.
    ///
    /// ```
    /// use tieline_uftp::Tolerance;
    ///
    /// let mut tolerance = Tolerance::STRICT;
    /// tolerance.set("eighteen_digit_ean")?;
    /// assert!(tolerance.set("nineteen_digit_ean").is_err());
    /// # Ok::<(), tieline_uftp::UnknownTolerance>(())
    /// ```
    pub fn set(&mut self, name: &str) -> Result<(), UnknownTolerance> {
        *match name {
            "eighteen_digit_ean" => &mut self.eighteen_digit_ean,
            "date_time_without_offset" => &mut self.date_time_without_offset,
            "surrounding_whitespace" => &mut self.surrounding_whitespace,
            "result_on_test_message_response" => &mut self.result_on_test_message_response,
            "later_attributes" => &mut self.later_attributes,
            "schema_location" => &mut self.schema_location,
            "absent_settlement_elements" => &mut self.absent_settlement_elements,
            "absent_portfolio_elements" => &mut self.absent_portfolio_elements,
            "unreleased_revision" => &mut self.unreleased_revision,
            _ => return Err(UnknownTolerance),
        } = true;
        Ok(())
    }
}

/// The name is that of no deviation that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not one of eighteen_digit_ean, date_time_without_offset, surrounding_whitespace, \
     result_on_test_message_response, later_attributes, schema_location, \
     absent_settlement_elements, absent_portfolio_elements, unreleased_revision"
)]
pub struct UnknownTolerance;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_error_sets_a_field() {
        let mut tolerance = Tolerance::STRICT;
        let message = UnknownTolerance.to_string();
        for name in message.trim_start_matches("not one of ").split(", ") {
            tolerance.set(name).unwrap();
        }
        assert_eq!(tolerance, Tolerance::LENIENT);
    }
}
