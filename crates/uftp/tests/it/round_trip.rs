//! Any message that can be built is written and read back as it was.

use jiff::{Timestamp, civil::Date, tz::Offset};
use proptest::prelude::*;
use rust_decimal::Decimal;
use tieline_types::{Amount, Currency, Domain, EntityAddress, IspDuration, IspNumber, IspRange, Power};
use tieline_uftp::message::*;
use tieline_uftp::value::{ActivationFactor, ConversationId, DateTime, Ean, MessageId, TimeZoneName};
use tieline_uftp::{
    Header, Limits, Payload, Role, SignedMessage, SigningKey, Text, Tolerance, Version, parse, seal,
};
use uuid::Uuid;

fn domain() -> impl Strategy<Value = Domain> {
    "[a-z0-9]{1,8}(-[a-z0-9]{1,4})?\\.[a-z]{2,6}".prop_map(|text| text.parse().unwrap())
}

fn date_time() -> impl Strategy<Value = DateTime> {
    (-62_000_000_000_i64..253_000_000_000, 0..1_000_000_000, -840_i32..=840).prop_map(
        |(second, nano, minutes)| {
            let offset = Offset::from_seconds(minutes * 60).unwrap();
            DateTime::with_offset(Timestamp::new(second, nano).unwrap(), offset)
        },
    )
}

fn message_id() -> impl Strategy<Value = MessageId> {
    any::<u128>().prop_map(|number| Uuid::from_u128(number).into())
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof!["[ -~]{0,20}", any::<String>()].prop_map(|text| Text::lossy(&text))
}

fn header() -> impl Strategy<Value = Header> {
    let version = prop::sample::select(vec![Version::V3_1_0, Version::V4_0_0]);
    (version, domain(), domain(), date_time(), message_id(), any::<u128>()).prop_map(
        |(version, sender_domain, recipient_domain, time_stamp, message_id, conversation)| Header {
            version,
            sender_domain,
            recipient_domain,
            time_stamp,
            message_id,
            conversation_id: ConversationId::from(Uuid::from_u128(conversation)),
        },
    )
}

fn date() -> impl Strategy<Value = Date> {
    (1_i16..9999, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| Date::new(year, month, day).unwrap())
}

fn flex() -> impl Strategy<Value = FlexMessage> {
    let zones = prop::sample::select(vec!["Europe/Amsterdam", "America/Argentina/Ushuaia", "Pacific/Apia"]);
    let points = prop_oneof!["ean\\.[0-9]{12,34}", "ea1\\.[0-9]{4}-[0-9]{2}\\.[!-9;-~]{1,20}:[!-~]{1,20}"];
    (1_u16..=1440, zones, date(), points).prop_map(|(minutes, zone, period, point)| FlexMessage {
        isp_duration: IspDuration::from_minutes(minutes).unwrap(),
        time_zone: zone.parse::<TimeZoneName>().unwrap(),
        period,
        congestion_point: point.parse::<EntityAddress>().unwrap(),
    })
}

fn range() -> impl Strategy<Value = IspRange> {
    (1_u16..=60_000, 1_u16..=5_000)
        .prop_map(|(start, duration)| IspRange::from_numbers(start, duration).unwrap())
}

fn isps() -> impl Strategy<Value = Vec<Isp>> {
    let isp =
        (any::<i64>(), range()).prop_map(|(watts, range)| Isp { power: Power::from_watts(watts), range });
    prop::collection::vec(isp, 1..8)
}

fn amount() -> impl Strategy<Value = Amount> {
    (any::<i64>(), 0_u32..=4).prop_map(|(number, scale)| Amount::new(Decimal::new(number, scale)).unwrap())
}

fn factor() -> impl Strategy<Value = ActivationFactor> {
    (1_u8..=100).prop_map(|hundredths| ActivationFactor::from_hundredths(hundredths).unwrap())
}

fn response() -> impl Strategy<Value = Response> {
    (any::<bool>(), prop::option::of(text())).prop_map(|(accepted, rejection_reason)| Response {
        result: if accepted { AcceptedRejected::Accepted } else { AcceptedRejected::Rejected },
        rejection_reason,
    })
}

fn flex_request() -> impl Strategy<Value = Payload> {
    let disposition =
        prop::sample::select(vec![None, Some(Disposition::Available), Some(Disposition::Requested)]);
    let isp =
        (disposition, any::<i64>(), any::<i64>(), range()).prop_map(|(disposition, min, max, range)| {
            FlexRequestIsp {
                disposition,
                min_power: Power::from_watts(min),
                max_power: Power::from_watts(max),
                range,
            }
        });
    let optional = (prop::option::of(text()), prop::option::of(text()));
    (header(), flex(), any::<i64>(), date_time(), optional, prop::collection::vec(isp, 1..8)).prop_map(
        |(header, flex, revision, expiration_date_time, (contract_id, service_type), isps)| {
            FlexRequest { header, flex, revision, expiration_date_time, contract_id, service_type, isps }
                .into()
        },
    )
}

fn flex_offer() -> impl Strategy<Value = Payload> {
    let option = (text(), amount(), factor(), isps()).prop_map(
        |(option_reference, price, min_activation_factor, isps)| OfferOption {
            option_reference,
            price,
            min_activation_factor,
            isps,
        },
    );
    let references = (prop::option::of(message_id()), prop::option::of(message_id()));
    let texts = (prop::option::of(text()), prop::option::of(text()));
    let rest = (prop::option::of(any::<bool>()), references, texts);
    (header(), flex(), date_time(), rest, prop::collection::vec(option, 1..4)).prop_map(
        |(header, flex, expiration_date_time, (unsolicited, references, texts), options)| {
            FlexOffer {
                header,
                flex,
                expiration_date_time,
                unsolicited,
                flex_request_message_id: references.0,
                contract_id: texts.0,
                d_prognosis_message_id: references.1,
                baseline_reference: texts.1,
                currency: Currency::EUR,
                options,
            }
            .into()
        },
    )
}

fn flex_order() -> impl Strategy<Value = Payload> {
    let references = (prop::option::of(message_id()), prop::option::of(message_id()));
    let texts = prop::array::uniform4(prop::option::of(text()));
    let rest = (prop::option::of(any::<bool>()), references, texts, text());
    (header(), flex(), rest, amount(), factor(), isps()).prop_map(
        |(
            header,
            flex,
            (unsolicited, references, texts, order_reference),
            price,
            activation_factor,
            isps,
        )| {
            let [service_type, contract_id, baseline_reference, option_reference] = texts;
            FlexOrder {
                header,
                flex,
                unsolicited,
                service_type,
                flex_offer_message_id: references.0,
                contract_id,
                d_prognosis_message_id: references.1,
                baseline_reference,
                price,
                currency: Currency::GBP,
                order_reference,
                option_reference,
                activation_factor,
                isps,
            }
            .into()
        },
    )
}

fn metering() -> impl Strategy<Value = Payload> {
    let types = prop::sample::select(vec![ProfileType::Power, ProfileType::ExportMeterReading]);
    let units = prop::sample::select(vec![Unit::Kilowatt, Unit::KilowattHour]);
    let isp = (1_u16.., any::<i64>(), 0_u32..=10).prop_map(|(start, number, scale)| MeteringIsp {
        start: IspNumber::new(start).unwrap(),
        value: Decimal::new(number, scale),
    });
    let profile = (types, units, prop::collection::vec(isp, 1..6))
        .prop_map(|(profile_type, unit, isps)| MeteringProfile { profile_type, unit, isps });
    let ean = "[Ee]([0-9]{16}|[0-9]{18})".prop_map(|text| text.parse::<Ean>().unwrap());
    (header(), any::<i64>(), flex(), any::<bool>(), ean, prop::collection::vec(profile, 1..4)).prop_map(
        |(header, revision, flex, with_currency, ean, profiles)| {
            Metering {
                header,
                revision,
                isp_duration: flex.isp_duration,
                time_zone: flex.time_zone,
                currency: with_currency.then_some(Currency::EUR),
                period: flex.period,
                ean,
                profiles,
            }
            .into()
        },
    )
}

fn order_settlement() -> impl Strategy<Value = FlexOrderSettlement> {
    let powers = prop::array::uniform5(any::<i64>());
    let isp = (range(), powers).prop_map(|(range, powers)| {
        let [baseline, ordered, actual, delivered, deficiency] = powers.map(Power::from_watts);
        FlexOrderSettlementIsp { range, baseline, ordered, actual, delivered, deficiency }
    });
    let texts = prop::array::uniform3(prop::option::of(text()));
    let amounts = prop::array::uniform3(amount());
    (texts, flex(), prop::option::of(message_id()), amounts, prop::collection::vec(isp, 1..4)).prop_map(
        |(
            [order_reference, contract_id, baseline_reference],
            flex,
            d_prognosis_message_id,
            amounts,
            isps,
        )| {
            let [price, penalty, net_settlement] = amounts;
            FlexOrderSettlement {
                order_reference,
                period: flex.period,
                contract_id,
                d_prognosis_message_id,
                baseline_reference,
                congestion_point: flex.congestion_point,
                price,
                penalty,
                net_settlement,
                isps,
            }
        },
    )
}

fn contract_settlement() -> impl Strategy<Value = ContractSettlement> {
    let power = || any::<i64>().prop_map(Power::from_watts);
    let optional = prop::array::uniform4(prop::option::of(power()));
    let isp = (range(), power(), optional).prop_map(|(range, reserved, optional)| {
        let [requested, available, offered, ordered] = optional;
        ContractSettlementIsp { range, reserved, requested, available, offered, ordered }
    });
    let period = (date(), prop::collection::vec(isp, 1..3))
        .prop_map(|(period, isps)| ContractSettlementPeriod { period, isps });
    (prop::option::of(text()), prop::collection::vec(period, 1..3))
        .prop_map(|(contract_id, periods)| ContractSettlement { contract_id, periods })
}

fn flex_settlement() -> impl Strategy<Value = Payload> {
    let orders = prop::collection::vec(order_settlement(), 1..4);
    let contracts = prop::collection::vec(contract_settlement(), 1..3);
    (header(), response(), (date(), date()), orders, contracts).prop_map(
        |(header, response, (period_start, period_end), orders, contracts)| {
            let currency = Currency::EUR;
            let response = if header.revision().result_of_settlement { response } else { Response::ACCEPTED };
            FlexSettlement { header, response, period_start, period_end, currency, orders, contracts }.into()
        },
    )
}

fn flex_settlement_response() -> impl Strategy<Value = Payload> {
    let dispositions = prop::sample::select(vec![AcceptedDisputed::Accepted, AcceptedDisputed::Disputed]);
    let status = (prop::option::of(text()), dispositions, prop::option::of(text())).prop_map(
        |(order_reference, disposition, dispute_reason)| FlexOrderSettlementStatus {
            order_reference,
            disposition,
            dispute_reason,
        },
    );
    (header(), response(), message_id(), prop::collection::vec(status, 1..5)).prop_map(
        |(header, response, flex_settlement_message_id, statuses)| {
            FlexSettlementResponse { header, response, flex_settlement_message_id, statuses }.into()
        },
    )
}

fn other() -> impl Strategy<Value = Payload> {
    let status = (message_id(), any::<bool>()).prop_map(|(flex_order_message_id, is_validated)| {
        FlexOrderStatus { flex_order_message_id, is_validated }
    });
    let statuses = prop::collection::vec(status, 0..4);
    let parts = (header(), response(), message_id(), statuses, flex(), any::<i64>(), isps());
    (0_u8..12, parts).prop_map(
        |(which, (header, response, id, flex_order_statuses, flex, revision, isps))| match which {
            0 => TestMessage { header }.into(),
            1 if header.revision().test_message_is_answered_in_full => {
                let (response, reference_message_id) = (Some(response), Some(id));
                TestMessageResponse { header, response, reference_message_id }.into()
            }
            1 => TestMessageResponse { header, response: None, reference_message_id: None }.into(),
            2 => FlexRequestResponse { header, response, flex_request_message_id: id }.into(),
            3 => FlexOfferResponse { header, response, flex_offer_message_id: id }.into(),
            4 => FlexOrderResponse { header, response, flex_order_message_id: id }.into(),
            5 => MeteringResponse { header, response, metering_message_id: id }.into(),
            6 => DPrognosisResponse { header, response, d_prognosis_message_id: id, flex_order_statuses }
                .into(),
            7 => FlexOfferRevocation { header, flex_offer_message_id: id }.into(),
            8 => {
                FlexOfferRevocationResponse { header, response, flex_offer_revocation_message_id: id }.into()
            }
            9 => {
                let (contract_id, reference) = (Text::lossy("C-1"), Text::lossy(&revision.to_string()));
                FlexReservationUpdate { header, flex, contract_id, reference, isps }.into()
            }
            10 => FlexReservationUpdateResponse { header, response, flex_reservation_update_message_id: id }
                .into(),
            _ => DPrognosis { header, flex, revision, isps }.into(),
        },
    )
}

fn address() -> impl Strategy<Value = EntityAddress> {
    "ean\\.[0-9]{12,34}".prop_map(|text| text.parse().unwrap())
}

fn redispatch() -> impl Strategy<Value = RedispatchBy> {
    prop::sample::select(vec![RedispatchBy::Agr, RedispatchBy::Dso])
}

fn time_zone() -> TimeZoneName {
    "Europe/Amsterdam".parse().unwrap()
}

fn portfolio_update() -> impl Strategy<Value = Payload> {
    let connection = || (address(), date(), prop::option::of(date()));
    let connections = prop::collection::vec(connection(), 1..5);
    let behind = prop::collection::vec(connection(), 1..4);
    let redispatch = (redispatch(), prop::option::of(redispatch()));
    (header(), any::<bool>(), connections, connection(), any::<bool>(), redispatch, behind).prop_map(
        |(header, of_agr, connections, point, mutex_offers_supported, redispatch, behind)| {
            let time_zone = time_zone();
            if of_agr {
                let connection = |(entity_address, start_period, end_period)| AgrPortfolioUpdateConnection {
                    entity_address,
                    start_period,
                    end_period,
                };
                let connections = connections.into_iter().map(connection).collect();
                return AgrPortfolioUpdate { header, time_zone, connections }.into();
            }
            let connection = |(entity_address, start_period, end_period)| DsoPortfolioUpdateConnection {
                entity_address,
                start_period,
                end_period,
            };
            let point = DsoPortfolioUpdateCongestionPoint {
                entity_address: point.0,
                start_period: point.1,
                end_period: point.2,
                mutex_offers_supported,
                day_ahead_redispatch_by: redispatch.0,
                intraday_redispatch_by: redispatch.1,
                connections: behind.into_iter().map(connection).collect(),
            };
            DsoPortfolioUpdate { header, time_zone, congestion_points: vec![point] }.into()
        },
    )
}

fn portfolio_answer() -> impl Strategy<Value = Payload> {
    let entry = || address().prop_map(|entity_address| ConnectionEntry { entity_address });
    let point = (address(), any::<bool>(), redispatch(), prop::option::of(redispatch()));
    let point = (point, prop::collection::vec(entry(), 1..4)).prop_map(
        |((entity_address, mutex_offers_supported, day_ahead, intraday), connections)| {
            PortfolioCongestionPoint {
                entity_address,
                mutex_offers_supported,
                day_ahead_redispatch_by: day_ahead,
                intraday_redispatch_by: intraday,
                connections,
            }
        },
    );
    let portfolio = (domain(), prop::collection::vec(point, 1..3))
        .prop_map(|(dso_domain, congestion_points)| DsoPortfolio { dso_domain, congestion_points });
    let view = (prop::collection::vec(portfolio, 1..3), prop::collection::vec(entry(), 0..3))
        .prop_map(|(dso_portfolios, connections)| DsoView { dso_portfolios, connections });
    let connection = (address(), prop::option::of(domain()))
        .prop_map(|(entity_address, agr_domain)| DsoPortfolioQueryConnection { entity_address, agr_domain });
    let at =
        (address(), prop::collection::vec(connection, 1..4)).prop_map(|(entity_address, connections)| {
            DsoPortfolioQueryCongestionPoint { entity_address, connections }
        });
    let views = prop::collection::vec(view, 1..3);
    (0_u8..6, header(), response(), message_id(), date(), views, prop::option::of(at)).prop_map(
        |(which, header, response, id, period, dso_views, congestion_point)| {
            let time_zone = time_zone();
            match which {
                0 => AgrPortfolioQuery { header, time_zone, period }.into(),
                1 => DsoPortfolioQuery {
                    header,
                    time_zone,
                    period,
                    entity_address: "ean.871685900012636543".parse().unwrap(),
                }
                .into(),
                2 => AgrPortfolioUpdateResponse { header, response, agr_portfolio_update_message_id: id }
                    .into(),
                3 => DsoPortfolioUpdateResponse { header, response, dso_portfolio_update_message_id: id }
                    .into(),
                4 => {
                    // A rejection may be without views.
                    let dso_views = if response.is_accepted() { dso_views } else { Vec::new() };
                    let agr_portfolio_query_message_id = id;
                    AgrPortfolioQueryResponse {
                        header,
                        response,
                        time_zone,
                        agr_portfolio_query_message_id,
                        period,
                        dso_views,
                    }
                    .into()
                }
                _ => {
                    let dso_portfolio_query_message_id = id;
                    DsoPortfolioQueryResponse {
                        header,
                        response,
                        dso_portfolio_query_message_id,
                        time_zone,
                        period,
                        congestion_point,
                    }
                    .into()
                }
            }
        },
    )
}

pub(crate) fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        portfolio_update(),
        portfolio_answer(),
        flex_request(),
        flex_offer(),
        flex_order(),
        flex_settlement(),
        flex_settlement_response(),
        metering(),
        other()
    ]
}

proptest! {
    #[test]
    fn a_message_reads_back(payload in payload()) {
        let tolerance = Tolerance { eighteen_digit_ean: true, ..Tolerance::STRICT };
        let document = payload.to_xml();
        let read = parse(&document, &tolerance).unwrap();
        prop_assert_eq!(&read, &payload);
        prop_assert_eq!(read.to_xml(), document);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &Tolerance::LENIENT);
        let _ = SignedMessage::parse(&bytes, &Limits::default());
    }
}

proptest! {
    // Signing is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_envelope_opens_to_what_was_sealed(payload in payload(), seed: [u8; 32]) {
        let key = SigningKey::from_seed(&seed);
        let sealed = seal(&payload, Role::Agr, &key);
        let envelope = SignedMessage::parse(&sealed, &Limits::default()).unwrap();
        prop_assert_eq!(&envelope.sender_domain, payload.sender());
        prop_assert_eq!(envelope.open(&[key.verifying_key()]).unwrap(), payload.to_xml());
    }
}
