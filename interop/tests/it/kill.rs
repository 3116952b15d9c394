//! The node is killed in the middle of an exchange and started again; at the end nobody can tell.

use std::sync::OnceLock;

use anyhow::{Error, Result};
use tieline_interop::{OcppVersion, Unit};

use crate::exchange::{Exchange, Kind, Moment, View};

const CHARGERS: [Kind; 2] = [(OcppVersion::V16, Unit::W), (OcppVersion::V201, Unit::W)];
const REDUCTION: i64 = 20_000;

fn run(kill_at: Option<Moment>) -> Result<View> {
    Exchange::start(&CHARGERS, kill_at)?.run(REDUCTION)
}

/// What everybody sees when nothing goes wrong.
fn undisturbed() -> Result<&'static View> {
    static UNDISTURBED: OnceLock<Result<View, String>> = OnceLock::new();
    UNDISTURBED.get_or_init(|| run(None).map_err(|error| format!("{error:#}"))).as_ref().map_err(Error::msg)
}

fn same_after_a_kill(moment: Moment) -> Result<()> {
    assert_eq!(run(Some(moment))?, *undisturbed()?);
    Ok(())
}

macro_rules! killed {
    ($($name:ident: $moment:ident,)*) => {
        $(
            #[test]
            fn $name() -> Result<()> {
                same_after_a_kill(Moment::$moment)
            }
        )*
    };
}

killed! {
    while_a_transaction_starts: TransactionBegun,
    before_the_request: BeforeRequest,
    while_the_request_is_sent: RequestHandedOver,
    after_the_request: RequestDelivered,
    after_the_flex_request_response: RequestAnswered,
    after_the_flex_offer: OfferReceived,
    after_the_flex_offer_response: OfferAnswered,
    while_the_order_is_sent: OrderHandedOver,
    after_the_order: OrderDelivered,
    after_the_flex_order_response: OrderAnswered,
    after_the_charging_profile: ProfileReceived,
}
