//! Layers that know a protocol's messages. Any other tower layer that is generic over the request serves too.

mod hold_time;
mod serial;
mod timeout;
mod trace;

pub use self::hold_time::{HoldTime, HoldTimeFuture, HoldTimeService};
pub use self::serial::{Serial, SerialService};
pub use self::timeout::{Timeout, TimeoutFuture, TimeoutService};
pub use self::trace::{Trace, TraceFuture, TraceService};
