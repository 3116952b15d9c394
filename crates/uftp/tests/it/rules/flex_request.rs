use jiff::SignedDuration;
use jiff::civil::date;
use tieline_uftp::Fate;
use tieline_uftp::message::{Disposition, FlexRequest};

use super::{
    R, Scene, conversation, date_time, each, each_about_isps, instant, message_id, recorded, run, text,
    unknown, watts,
};

fn request() -> FlexRequest {
    recorded("FlexRequest")
}

/// The same message with another identifier.
fn again(request: &FlexRequest) -> FlexRequest {
    let mut again = request.clone();
    again.header.message_id = message_id(7);
    again
}

#[test]
fn it_is_about_isps_of_a_day() {
    each_about_isps(
        &request(),
        Scene::new,
        |request| &mut request.flex,
        |request| &mut request.isps[2].range,
    );
    each(
        &request(),
        Scene::new,
        vec![
            ("no ISP", |_, m| m.isps.clear(), vec![R::IspsOutOfBounds, R::LackingRequestedDisposition]),
            ("an ISP twice", |_, m| m.isps[1].range = m.isps[0].range, vec![R::IspConflict]),
            ("runs that overlap in one ISP", |_, m| m.isps[0] = run(1, 41, m.isps[0]), vec![R::IspConflict]),
            ("runs with a gap", |_, m| m.isps[0] = run(1, 39, m.isps[0]), vec![]),
            (
                "the last instant of the day: too late for the request, not for the day",
                |s, _| s.now = instant("2026-06-04T22:00:00Z") - SignedDuration::from_nanos(1),
                vec![R::ExpirationDateTimeOutOfBounds],
            ),
            (
                "the day is over; when it expired is not said in addition",
                |s, _| s.now = instant("2026-06-04T22:00:00Z"),
                vec![R::PeriodOutOfBounds],
            ),
            ("a day that is long past", |_, m| m.flex.period = date(2020, 1, 1), vec![R::PeriodOutOfBounds]),
            ("today", |_, m| m.flex.period = date(2026, 6, 3), vec![]),
        ],
    );
}

#[test]
fn switch_days_have_92_and_100_isps() {
    let mut scene = Scene::new();
    scene.now = instant("2026-03-28T12:00:00Z");
    for (name, last) in [("FlexRequest-dst-spring-92", 92), ("FlexRequest-dst-autumn-100", 100)] {
        let mut request: FlexRequest = recorded(name);
        assert_eq!(scene.received(request.clone()), [], "{name}");
        let place = request.isps.len() - 1;
        assert_eq!(request.isps[place].range.last().get(), last);
        request.isps[place] = run(last + 1, 1, request.isps[place]);
        assert_eq!(scene.received(request.clone()), [R::IspsOutOfBounds], "{name}");
        // The end of the last ISP is the end of the local day, in its own offset.
        request.isps[place] = run(last, 1, request.isps[place]);
        let end = if last == 92 { "2026-03-29T22:00:00Z" } else { "2026-10-25T23:00:00Z" };
        request.expiration_date_time = date_time(end);
        assert_eq!(scene.received(request.clone()), [], "{name}");
        request.isps.pop();
        assert_eq!(scene.received(request), [R::ExpirationDateTimeOutOfBounds], "{name}");
    }
}

#[test]
fn it_expires_in_the_future_and_not_after_its_last_isp() {
    each(
        &request(),
        Scene::new,
        vec![
            ("now", |s, m| m.expiration_date_time = s.now.into(), vec![R::ExpirationDateTimeOutOfBounds]),
            (
                "in a nanosecond",
                |s, m| m.expiration_date_time = (s.now + SignedDuration::from_nanos(1)).into(),
                vec![],
            ),
            (
                "at the end of the last ISP, which is not the last in the list",
                |_, m| {
                    m.isps.reverse();
                    m.expiration_date_time = date_time("2026-06-04T22:00:00Z");
                },
                vec![],
            ),
            (
                "after it",
                |_, m| m.expiration_date_time = date_time("2026-06-04T22:00:01Z"),
                vec![R::ExpirationDateTimeOutOfBounds],
            ),
            (
                "after the last listed ISP",
                |_, m| {
                    m.isps.truncate(2);
                    m.expiration_date_time = date_time("2026-06-04T10:00:01Z");
                },
                vec![R::ExpirationDateTimeOutOfBounds],
            ),
            (
                "with it",
                |_, m| {
                    m.isps.truncate(2);
                    m.expiration_date_time = date_time("2026-06-04T10:00:00Z");
                },
                vec![],
            ),
        ],
    );
}

#[test]
fn something_is_requested_with_bounds_and_a_direction() {
    each(
        &request(),
        Scene::new,
        vec![
            (
                "only room",
                |_, m| m.isps[1].disposition = Some(Disposition::Available),
                vec![R::LackingRequestedDisposition],
            ),
            (
                "what is not called Requested is not",
                |_, m| m.isps[1].disposition = None,
                vec![R::LackingRequestedDisposition],
            ),
            ("either way", |_, m| m.isps[1].max_power = watts(1), vec![R::RequestedPowerDiscrepancy]),
            ("room may be either way", |_, m| m.isps[0].min_power = watts(-1), vec![]),
            ("an increase", |_, m| (m.isps[1].min_power, m.isps[1].max_power) = (watts(0), watts(5)), vec![]),
            ("nothing may change", |_, m| m.isps[1].min_power = watts(0), vec![]),
            ("the bounds swapped", |_, m| m.isps[1].min_power = watts(1), vec![R::PowerDiscrepancy]),
            ("also of room", |_, m| m.isps[0].min_power = watts(1_000_001), vec![R::PowerDiscrepancy]),
            ("an unknown contract", |s, _| s.terms.contracts = Some([].into()), vec![unknown("ContractID")]),
            (
                "everything at once, in the order of the tables",
                |s, m| {
                    s.terms.congestion_points = Some([].into());
                    s.terms.contracts = Some([].into());
                    m.isps[0] = run(1, 41, m.isps[0]);
                    m.isps[1].max_power = watts(1);
                    m.isps[2].min_power = watts(1_000_001);
                },
                vec![
                    R::InvalidCongestionPoint,
                    unknown("ContractID"),
                    R::IspConflict,
                    R::RequestedPowerDiscrepancy,
                    R::PowerDiscrepancy,
                ],
            ),
        ],
    );
}

#[test]
fn revisions_go_up_and_requests_differ() {
    let known = || {
        let mut scene = Scene::new();
        let mut earlier = request();
        earlier.revision = 4;
        scene.before(earlier, Fate::Accepted);
        scene
    };
    let mut next = again(&request());
    next.revision = 5;
    let identical = R::other("An identical FlexRequest was sent before");
    each(
        &next,
        known,
        vec![
            ("the same revision", |_, m| m.revision = 4, vec![R::SubordinateSequenceNumber]),
            ("a lower one", |_, m| m.revision = 3, vec![R::SubordinateSequenceNumber]),
            ("for another contract", |_, m| (m.revision, m.contract_id) = (1, None), vec![]),
            ("another service", |_, m| (m.revision, m.service_type) = (1, Some(text("Intraday"))), vec![]),
            ("on another day", |_, m| (m.revision, m.flex.period) = (1, date(2026, 6, 5)), vec![]),
            (
                "of another conversation, with other content",
                |_, m| {
                    (m.revision, m.header.conversation_id) = (1, conversation(1));
                    m.isps[1].min_power = watts(-499_999);
                },
                vec![],
            ),
            (
                "the same content for longer",
                |_, m| {
                    m.header.conversation_id = conversation(1);
                    m.expiration_date_time = date_time("2026-06-03T18:00:01Z");
                },
                vec![],
            ),
            (
                "of another conversation, with the same content in other runs",
                |_, m| {
                    m.header.conversation_id = conversation(1);
                    m.isps = m
                        .isps
                        .iter()
                        .flat_map(|isp| isp.range.iter().map(|n| run(n.get(), 1, *isp)))
                        .collect();
                },
                vec![identical],
            ),
        ],
    );
}

#[test]
fn what_was_rejected_counts_for_nothing() {
    let mut scene = Scene::new();
    scene.before(request(), Fate::Rejected);
    assert_eq!(scene.received(again(&request())), []);
    // Whether it will be rejected is not known: the sender goes on as if it were accepted, the recipient decides one by one.
    let mut scene = Scene::new();
    scene.before(request(), Fate::Open);
    assert_eq!(scene.received(again(&request())), []);
    assert_eq!(scene.sent(again(&request())), [R::SubordinateSequenceNumber]);
}
