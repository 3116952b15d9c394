use jiff::SignedDuration;
use jiff::civil::Date;
use tieline_types::EntityAddress;
use tieline_uftp::message::{DPrognosis, FlexOrder};
use tieline_uftp::rules::acceptance;
use tieline_uftp::value::MessageId;
use tieline_uftp::{
    Accepted, Direction, Exchanged, Fate, History, HistoryError, MemoryHistory, MessageType, Participant,
};

use super::{
    R, Scene, amsterdam, at_once, each, each_about_isps, instant, isps, message_id, participant, recorded,
    watts,
};

fn prognosis() -> DPrognosis {
    recorded("D-Prognosis")
}

#[test]
fn it_has_every_isp_that_is_to_come() {
    each_about_isps(&prognosis(), Scene::new, |m| &mut m.flex, |m| &mut m.isps[95].range);
    each(
        &prognosis(),
        Scene::new,
        vec![
            ("one run", |_, m| m.isps = vec![isps(1, 96, 5)], vec![]),
            (
                "an ISP is missing",
                |_, m| m.isps.retain(|isp| isp.range.start().get() != 1),
                vec![R::LackingIsps],
            ),
            ("the last is missing", |_, m| m.isps.truncate(95), vec![R::LackingIsps]),
            (
                "the one that is missing has begun",
                |s, m| {
                    s.now = instant("2026-06-03T22:15:00Z") - SignedDuration::from_nanos(1);
                    m.isps.remove(0);
                },
                vec![R::LackingIsps],
            ),
            (
                "the one that is missing is over",
                |s, m| {
                    s.now = instant("2026-06-03T22:15:00Z");
                    m.isps.remove(0);
                },
                vec![],
            ),
            ("an ISP twice", |_, m| m.isps.push(isps(7, 1, 0)), vec![R::IspConflict]),
            (
                "more than a terawatt",
                |_, m| m.isps[4].power = watts(1_000_000_000_001),
                vec![R::PowerValueRejection],
            ),
            ("a terawatt the other way", |_, m| m.isps[4].power = watts(-1_000_000_000_000), vec![]),
            (
                "an impossible power in an ISP that is over",
                |s, m| {
                    s.now = instant("2026-06-03T22:15:00Z");
                    m.isps[0].power = watts(i64::MIN);
                },
                vec![],
            ),
        ],
    );
}

#[test]
fn revisions_go_up_whatever_the_conversation() {
    let known = || {
        let mut scene = Scene::new();
        scene.before(prognosis(), Fate::Accepted);
        scene
    };
    let mut next = prognosis();
    next.header.message_id = message_id(1);
    next.header.conversation_id = super::conversation(1);
    next.revision = 2;
    each(
        &next,
        known,
        vec![
            ("the same", |_, m| m.revision = 1, vec![R::SubordinateSequenceNumber]),
            ("a lower one", |_, m| m.revision = -1, vec![R::SubordinateSequenceNumber]),
            (
                "of another day",
                |_, m| (m.revision, m.flex.period) = (0, jiff::civil::date(2026, 6, 5)),
                vec![],
            ),
        ],
    );
    let mut scene = Scene::new();
    scene.before(prognosis(), Fate::Rejected);
    next.revision = 1;
    assert_eq!(scene.received(next), []);
}

/// Which of the orders a prognosis shows that is `power` in the ISPs of the recorded order and `1000 kW` elsewhere.
fn shown(changes: &[i64], power: i64, now: &str) -> Vec<bool> {
    let history = MemoryHistory::new();
    let agr = participant("agr.example.com");
    let record = |direction, payload, fate, second: usize| {
        let at = instant("2026-06-01T00:00:00Z") + SignedDuration::from_secs(i64::try_from(second).unwrap());
        history.record(Exchanged { counterparty: agr.clone(), direction, at, payload, fate });
    };
    let mut baseline = prognosis();
    baseline.isps = vec![isps(1, 96, 1_000_000)];
    record(Direction::Received, baseline.into(), Fate::Accepted, 0);
    for (place, change) in changes.iter().enumerate() {
        let mut order: FlexOrder = recorded("FlexOrder");
        order.header.message_id = message_id(place as u128);
        order.isps = vec![isps(41, 8, *change)];
        if place == 1 {
            // It names no baseline: the first of the day is meant.
            order.d_prognosis_message_id = None;
        }
        record(
            Direction::Sent,
            order.into(),
            if place == 0 { Fate::Open } else { Fate::Accepted },
            place + 1,
        );
    }
    let mut rejected: FlexOrder = recorded("FlexOrder");
    rejected.header.message_id = message_id(99);
    record(Direction::Sent, rejected.into(), Fate::Rejected, 9);
    let mut revised = prognosis();
    revised.header.message_id = message_id(100);
    revised.isps = vec![isps(1, 40, 1_000_000), isps(41, 8, power), isps(49, 48, 1_000_000)];
    let accepted = at_once(acceptance(&revised.into(), &agr, &amsterdam(), &history, instant(now))).unwrap();
    let Accepted::Orders(statuses) = accepted else { panic!("orders are told") };
    statuses.iter().map(|status| status.is_validated).collect()
}

#[test]
fn its_answer_tells_of_each_order_whether_it_is_shown() {
    const BEFORE: &str = "2026-06-03T12:00:00Z";
    assert!(shown(&[], 0, BEFORE).is_empty());
    assert_eq!(shown(&[-400_000], 600_000, BEFORE), [true]);
    assert_eq!(shown(&[-400_000], 600_001, BEFORE), [false]);
    assert_eq!(shown(&[-400_000], 500_000, BEFORE), [true], "more than was ordered");
    assert_eq!(shown(&[400_000], 1_400_000, BEFORE), [true]);
    assert_eq!(shown(&[400_000], 1_399_999, BEFORE), [false]);
    // Both orders are to be in it, whichever of them it is asked for.
    assert_eq!(shown(&[-400_000, -100_000], 500_000, BEFORE), [true, true]);
    assert_eq!(shown(&[-400_000, -100_000], 500_001, BEFORE), [false, false]);
    assert_eq!(shown(&[-400_000, 100_000], 700_001, BEFORE), [false, true]);
    assert_eq!(shown(&[0], 3, BEFORE), [true], "nothing was ordered");
    // What is over is ignored.
    assert_eq!(shown(&[-400_000], 1_000_000, "2026-06-04T09:59:59Z"), [false]);
    assert_eq!(shown(&[-400_000], 1_000_000, "2026-06-04T10:00:00Z"), [true]);
}

#[test]
fn an_order_without_a_known_baseline_is_not_shown() {
    let history = MemoryHistory::new();
    let agr = participant("agr.example.com");
    let order: FlexOrder = recorded("FlexOrder");
    let id = order.header.message_id;
    history.record(Exchanged {
        counterparty: agr.clone(),
        direction: Direction::Sent,
        at: instant("2026-06-01T00:00:00Z"),
        payload: order.into(),
        fate: Fate::Accepted,
    });
    let now = instant("2026-06-03T12:00:00Z");
    let accepted = at_once(acceptance(&prognosis().into(), &agr, &amsterdam(), &history, now)).unwrap();
    let Accepted::Orders(statuses) = accepted else { panic!("orders are told") };
    let [status] = statuses[..] else { panic!("one order") };
    assert_eq!((status.flex_order_message_id, status.is_validated), (id, false));
}

/// A history that tells no more of a day than it must.
#[derive(Default)]
struct LatestOnly(MemoryHistory);

impl History for LatestOnly {
    async fn message(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> Result<Option<Exchanged>, HistoryError> {
        self.0.message(counterparty, id).await
    }

    async fn referring_to(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        self.0.referring_to(counterparty, id).await
    }

    async fn about(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        place: &EntityAddress,
        period: Date,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        let mut found = self.0.about(counterparty, message_type, place, period).await?;
        let earlier = found.len().saturating_sub(64);
        found.drain(..earlier);
        Ok(found)
    }

    async fn within(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> Result<Vec<Exchanged>, HistoryError> {
        self.0.within(counterparty, message_type, first, last).await
    }
}

/// Whether 600 kW shows an order of -400 kW that was sent at a second. There were flat prognoses of these powers before, one in
/// each second from the first on; that of second 0 is the one that the recorded order names.
fn shown_from(first: u32, powers: &[i64], order_at: u32, order: FlexOrder) -> bool {
    let history = LatestOnly::default();
    let agr = participant("agr.example.com");
    let record = |direction, payload, second: u32| {
        let at = instant("2026-06-01T00:00:00Z") + SignedDuration::from_secs(second.into());
        let (counterparty, fate) = (agr.clone(), Fate::Accepted);
        history.0.record(Exchanged { counterparty, direction, at, payload, fate });
    };
    for (second, power) in (first..).zip(powers) {
        let mut earlier = prognosis();
        if second != 0 {
            earlier.header.message_id = message_id(second.into());
        }
        earlier.isps = vec![isps(1, 96, *power)];
        record(Direction::Received, earlier.into(), second);
    }
    record(Direction::Sent, FlexOrder { isps: vec![isps(41, 8, -400_000)], ..order }.into(), order_at);
    let mut revised = prognosis();
    revised.header.message_id = message_id(1000);
    revised.isps = vec![isps(1, 40, 1_000_000), isps(41, 8, 600_000), isps(49, 48, 1_000_000)];
    let now = instant("2026-06-03T12:00:00Z");
    let accepted = at_once(acceptance(&revised.into(), &agr, &amsterdam(), &history, now)).unwrap();
    let Accepted::Orders(statuses) = accepted else { panic!("orders are told") };
    let [status] = statuses[..] else { panic!("one order") };
    status.is_validated
}

#[test]
fn the_baseline_that_an_order_names_is_found_however_many_came_after_it() {
    let order: FlexOrder = recorded("FlexOrder");
    assert_eq!(order.d_prognosis_message_id, Some(prognosis().header.message_id));
    let powers: Vec<i64> = std::iter::once(1_000_000).chain([700_000; 64]).collect();
    assert!(shown_from(0, &powers, 200, order.clone()));
    // Of the latest alone the first would count, from which 600 kW is less than ordered.
    let unnamed = FlexOrder { d_prognosis_message_id: None, ..order };
    assert!(!shown_from(0, &powers, 200, unnamed));
}

#[test]
fn a_prognosis_that_holds_the_order_is_no_baseline_for_it() {
    let unnamed = FlexOrder { d_prognosis_message_id: None, ..recorded("FlexOrder") };
    assert!(shown_from(10, &[1_000_000], 11, unnamed.clone()));
    assert!(!shown_from(10, &[1_000_000], 9, unnamed.clone()), "it came after the order");
    assert!(!shown_from(10, &[1_000_000], 10, unnamed), "at the same instant");
}
