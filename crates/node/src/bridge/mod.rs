//! Where protocols meet the node's books. Each bridge only maps; `role` decides.

pub(crate) mod ocpp;
pub(crate) mod uftp;
