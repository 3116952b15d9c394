//! Power, energy and money, with arithmetic that is exact or says that it is not.

mod amount;
mod currency;
mod energy;
mod error;
mod power;
mod price;
mod units;

pub use amount::Amount;
pub use currency::Currency;
pub use energy::Energy;
pub use error::QuantityError;
pub use power::Power;
pub use price::Price;
