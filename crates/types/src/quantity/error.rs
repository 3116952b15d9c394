use super::Currency;

/// Why a calculation with quantities has no result. None of these is worth a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The result does not fit.
    #[error("the result is too large")]
    Overflow,
    /// The result is not a whole number of the unit the type counts in.
    #[error("the result is no whole number of {unit}")]
    Inexact {
        /// The unit: "watts", "watt-seconds", "ten-thousandths".
        unit: &'static str,
    },
    /// Prices in different currencies have no sum.
    #[error("{left} and {right} are different currencies")]
    Currencies {
        /// The currency of the one price.
        left: Currency,
        /// The currency of the other.
        right: Currency,
    },
}
