//! What a node decides, in the market's and the fleet's terms.

pub(crate) mod agr;
pub(crate) mod dso;
pub(crate) mod registering;
