//! Right messages, to be made wrong in one point.

use jiff::civil::Date;
use rust_decimal::Decimal;
use tieline_types::{Amount, Currency, IspDuration, IspNumber, IspRange, Power};
use tieline_uftp::message::{
    ContractSettlement, DPrognosis, Disposition, FlexMessage, FlexOffer, FlexOfferRevocation, FlexOrder,
    FlexOrderSettlement, FlexOrderSettlementIsp, FlexRequest, FlexRequestIsp, FlexReservationUpdate,
    FlexSettlement, Isp, Metering, MeteringIsp, MeteringProfile, OfferOption, ProfileType, Response, Unit,
};
use tieline_uftp::value::{ActivationFactor, MessageId};
use tieline_uftp::{Header, Text};

use crate::world::instant;

/// Where it all is.
pub(crate) const CONGESTION_POINT: &str = "ean.871685900012636543";
/// The contract that reserves power there.
pub(crate) const CONTRACT: &str = "C-1";
/// A meter, as the published schemas write it and as the library's does.
pub(crate) const METER: [&str; 2] = ["E8716859000126365", "E871685900012636544"];
/// The ISPs that are traded: eight and eight.
pub(crate) const FIRST: (u16, u16) = (41, 8);
pub(crate) const SECOND: (u16, u16) = (49, 8);

pub(crate) fn text(text: &str) -> Text {
    text.parse().expect("it is a text")
}

pub(super) fn day() -> Date {
    Date::constant(2026, 6, 4)
}

pub(super) fn euro() -> Currency {
    Currency::EUR
}

pub(super) fn amount(text: &str) -> Amount {
    Amount::new(text.parse().expect("it is a number")).expect("it is an amount")
}

pub(super) fn range((start, duration): (u16, u16)) -> IspRange {
    IspRange::from_numbers(start, duration).expect("it is a run of ISPs")
}

pub(super) fn isp(range_of: (u16, u16), watts: i64) -> Isp {
    Isp { power: Power::from_watts(watts), range: range(range_of) }
}

pub(crate) fn flex() -> FlexMessage {
    FlexMessage {
        isp_duration: IspDuration::PT15M,
        time_zone: "Europe/Amsterdam".parse().expect("it is a time zone"),
        period: day(),
        congestion_point: CONGESTION_POINT.parse().expect("it is an address"),
    }
}

pub(super) fn d_prognosis(header: Header, revision: i64, isps: Vec<Isp>) -> DPrognosis {
    DPrognosis { header, flex: flex(), revision, isps }
}

pub(super) fn reservation(header: Header, contract: &str, isps: Vec<Isp>) -> FlexReservationUpdate {
    FlexReservationUpdate {
        header,
        flex: flex(),
        contract_id: text(contract),
        reference: text("FRU-1"),
        isps,
    }
}

/// 400 kW less in all ISPs that are traded. What is beside them is available and needs nothing.
pub(crate) fn flex_request(header: Header, expires: &str) -> FlexRequest {
    let need = |disposition, range_of, watts| FlexRequestIsp {
        disposition: Some(disposition),
        min_power: Power::from_watts(watts),
        max_power: Power::ZERO,
        range: range(range_of),
    };
    FlexRequest {
        header,
        flex: flex(),
        revision: 1,
        expiration_date_time: instant(expires),
        contract_id: Some(text(CONTRACT)),
        service_type: None,
        isps: vec![
            need(Disposition::Requested, FIRST, -400_000),
            need(Disposition::Requested, SECOND, -400_000),
            need(Disposition::Available, (57, 4), 0),
        ],
    }
}

/// So many watts in these ISPs for 12.50, in whole or down to a half.
pub(super) fn flex_offer(
    header: Header,
    request: Option<MessageId>,
    prognosis: Option<MessageId>,
    isps: Isp,
) -> FlexOffer {
    FlexOffer {
        header,
        flex: flex(),
        expiration_date_time: instant("2026-06-03T16:00:00Z"),
        unsolicited: None,
        flex_request_message_id: request,
        contract_id: Some(text(CONTRACT)),
        d_prognosis_message_id: prognosis,
        baseline_reference: None,
        currency: euro(),
        options: vec![OfferOption {
            option_reference: text("A"),
            price: amount("12.50"),
            min_activation_factor: ActivationFactor::from_hundredths(50).expect("it is a factor"),
            isps: vec![isps],
        }],
    }
}

/// An order of a whole offer.
pub(super) fn flex_order(
    header: Header,
    offer: MessageId,
    reference: &str,
    offered: &FlexOffer,
) -> FlexOrder {
    let option = &offered.options[0];
    FlexOrder {
        header,
        flex: offered.flex.clone(),
        unsolicited: None,
        service_type: None,
        flex_offer_message_id: Some(offer),
        contract_id: offered.contract_id.clone(),
        d_prognosis_message_id: offered.d_prognosis_message_id,
        baseline_reference: None,
        price: option.price,
        currency: offered.currency,
        order_reference: text(reference),
        option_reference: Some(option.option_reference.clone()),
        activation_factor: ActivationFactor::FULL,
        isps: option.isps.clone(),
    }
}

pub(super) fn revocation(header: Header, offer: MessageId) -> FlexOfferRevocation {
    FlexOfferRevocation { header, flex_offer_message_id: offer }
}

/// 2 MW all day, as power and as energy.
pub(super) fn metering(header: Header, revision: i64, ean: &str) -> Metering {
    let profile = |profile_type, unit, value| MeteringProfile {
        profile_type,
        unit,
        isps: (1..=96)
            .map(|number| MeteringIsp { start: IspNumber::new(number).expect("it is an ISP"), value })
            .collect(),
    };
    Metering {
        header,
        revision,
        isp_duration: IspDuration::PT15M,
        time_zone: flex().time_zone,
        currency: None,
        period: day(),
        ean: ean.parse().expect("it is an EAN"),
        profiles: vec![
            profile(ProfileType::Power, Unit::Kilowatt, Decimal::new(20_005, 1)),
            profile(ProfileType::ImportEnergy, Unit::KilowattHour, Decimal::new(500_125, 3)),
        ],
    }
}

/// What was ordered and delivered of an order, in watts.
pub(super) fn item(
    reference: &str,
    price: &str,
    range_of: (u16, u16),
    [ordered, actual, delivered, deficiency]: [i64; 4],
) -> FlexOrderSettlement {
    FlexOrderSettlement {
        order_reference: Some(text(reference)),
        period: day(),
        contract_id: Some(text(CONTRACT)),
        d_prognosis_message_id: None,
        baseline_reference: None,
        congestion_point: flex().congestion_point,
        price: amount(price),
        penalty: amount("0.25"),
        net_settlement: amount(price).checked_sub(amount("0.25")).expect("it is an amount"),
        isps: vec![FlexOrderSettlementIsp {
            range: range(range_of),
            baseline: Power::from_watts(500_000),
            ordered: Power::from_watts(ordered),
            actual: Power::from_watts(actual),
            delivered: Power::from_watts(delivered),
            deficiency: Power::from_watts(deficiency),
        }],
    }
}

pub(super) fn flex_settlement(header: Header, orders: Vec<FlexOrderSettlement>) -> FlexSettlement {
    FlexSettlement {
        header,
        response: Response::ACCEPTED,
        period_start: day(),
        period_end: day(),
        currency: euro(),
        orders,
        contracts: vec![ContractSettlement::nothing_reserved(day())],
    }
}
