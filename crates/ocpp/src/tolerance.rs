//! Leniency towards one peer.

use serde_json::Value;

/// What is forgiven to one peer. It is decided per peer at run time, never for a whole build.
///
/// Some deviations are forgiven to everybody, since nothing is lost by it: a CALLERROR without description or details,
/// and error codes in the spelling of another version.
///
/// ```
/// use tieline_ocpp::Tolerance;
///
/// let mut tolerance = Tolerance::strict();
/// tolerance.set("undefined_members")?;
/// assert!(tolerance.set("anything").is_err());
/// # Ok::<(), tieline_ocpp::UnknownTolerance>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a deviation of its own")]
pub struct Tolerance {
    /// Ignore members that the schema does not define. Otherwise such a payload is refused with `FormatViolation`
    /// (1.6: `FormationViolation`).
    pub undefined_members: bool,
    /// Keep values that an enumeration does not define, such as the unit `Hz`.
    pub undefined_values: bool,
    /// Read `null` as an optional member that is absent.
    pub null_members: bool,
    /// Read a date-time without offset as UTC, and a space in it as `T`.
    pub date_times: bool,
    /// Read a number that is written as a string.
    pub numbers_as_strings: bool,
    /// Take strings that are longer than their schema allows, as they are.
    pub long_strings: bool,
    /// Take limits of OCPP 1.6 that are no multiple of 0.1.
    pub fine_limits: bool,
    /// Accept message ids longer than 36 characters. Otherwise such a CALL is refused with `RpcFrameworkError`.
    pub long_message_ids: bool,
    /// Serve a CALL that arrives while another one of the peer is unanswered. OCPP 2.x forbids it (Part 4 §4.1.1),
    /// 1.6 advises against it; chargers do it nonetheless. Otherwise such a CALL is refused with `ProtocolError`.
    pub concurrent_calls: bool,
    /// Members that this peer leaves out although they are required.
    pub absent_members: Vec<AbsentMember>,
    /// The most bytes of a payload. Default: 1 MiB.
    pub max_payload: usize,
}

/// A required member that a peer leaves out, and what is read instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentMember {
    /// The action of the request in which, or in the response to which, it is absent.
    pub action: String,
    /// Where it would be: a JSON pointer, such as `/chargingStation/vendorName`. `*` stands for each item of an array.
    pub member: String,
    /// What is read instead.
    pub value: Value,
}

/// A name that is no field of [`Tolerance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is one of undefined_members, undefined_values, null_members, date_times, numbers_as_strings, long_strings, \
     fine_limits, long_message_ids"
)]
pub struct UnknownTolerance;

impl Tolerance {
    /// What the standard demands, except that concurrent calls are served.
    pub const fn strict() -> Self {
        Self {
            undefined_members: false,
            undefined_values: false,
            null_members: false,
            date_times: false,
            numbers_as_strings: false,
            long_strings: false,
            fine_limits: false,
            long_message_ids: false,
            concurrent_calls: true,
            absent_members: Vec::new(),
            max_payload: 1024 * 1024,
        }
    }

    /// Every deviation that is known of many chargers.
    pub fn lenient() -> Self {
        Self {
            undefined_members: true,
            undefined_values: true,
            null_members: true,
            date_times: true,
            numbers_as_strings: true,
            long_strings: true,
            fine_limits: true,
            long_message_ids: true,
            ..Self::strict()
        }
    }

    /// Forgives the deviation that has the name of a field.
    ///
    /// # Errors
    ///
    /// No such deviation is known.
    pub fn set(&mut self, name: &str) -> Result<(), UnknownTolerance> {
        *match name {
            "undefined_members" => &mut self.undefined_members,
            "undefined_values" => &mut self.undefined_values,
            "null_members" => &mut self.null_members,
            "date_times" => &mut self.date_times,
            "numbers_as_strings" => &mut self.numbers_as_strings,
            "long_strings" => &mut self.long_strings,
            "fine_limits" => &mut self.fine_limits,
            "long_message_ids" => &mut self.long_message_ids,
            _ => return Err(UnknownTolerance),
        } = true;
        Ok(())
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::strict()
    }
}
