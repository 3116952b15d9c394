//! The values that stand in the attributes of messages, beyond those of `tieline-types`.

mod activation_factor;
mod date_time;
mod ean;
mod identifier;
mod time_zone_name;

pub use activation_factor::{ActivationFactor, InvalidActivationFactor};
pub use date_time::{DateTime, InvalidDateTime};
pub use ean::{Ean, InvalidEan};
pub use identifier::{ConversationId, InvalidIdentifier, MessageId};
pub use time_zone_name::{InvalidTimeZoneName, TimeZoneName};

pub(crate) use date_time::{read_date, read_offset, write_date};
