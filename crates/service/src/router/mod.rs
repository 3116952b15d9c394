mod builder;
mod sent;
mod service;
mod table;

pub use self::builder::Router;
pub use self::sent::{AfterHandler, Sent, SentFirst};
pub use self::service::Routes;
pub use self::table::{RouteError, RouteInfo};
