//! Each rule: a message that breaks exactly it, and one that just does not.

mod answers;
mod any;
mod d_prognosis;
mod flex_offer;
mod flex_offer_revocation;
mod flex_order;
mod flex_request;
mod flex_reservation_update;
mod identifiers;
mod metering;
mod recorded;
mod settlement;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tieline_types::{IspCalendar, IspDuration, IspRange, Power};
pub(crate) use tieline_uftp::RejectionReason as R;
use tieline_uftp::message::{FlexMessage, FlexRequestIsp, Isp};
use tieline_uftp::rules::{Terms, check};
use tieline_uftp::value::{ConversationId, DateTime, MessageId};
use tieline_uftp::{
    Direction, Exchanged, Fate, MemoryHistory, Message, Participant, Payload, Role, Text, parse,
};
use uuid::Uuid;

use crate::fixtures::{library_python, read};

/// Waits for what is ready at once, as a history in memory is.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a history in memory is always ready"),
    }
}

/// A recorded message of library-python.
pub(crate) fn recorded<M>(name: &str) -> M
where
    M: Message + TryFrom<Payload, Error = Payload>,
{
    let payload = parse(&read("library-python", &format!("{name}.xml")), &library_python()).unwrap();
    M::try_from(payload).unwrap()
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn date_time(text: &str) -> DateTime {
    DateTime::utc(instant(text))
}

pub(crate) fn text(text: &str) -> Text {
    text.parse().unwrap()
}

pub(crate) fn watts(watts: i64) -> Power {
    Power::from_watts(watts)
}

pub(crate) fn isps(start: u16, duration: u16, power: i64) -> Isp {
    Isp { power: watts(power), range: run_of(start, duration) }
}

pub(crate) fn message_id(number: u128) -> MessageId {
    Uuid::from_u128(number).into()
}

pub(crate) fn conversation(number: u128) -> ConversationId {
    Uuid::from_u128(number).into()
}

pub(crate) fn unknown(attribute: &str) -> R {
    R::UnknownReference(text(attribute))
}

pub(crate) fn amsterdam() -> Terms {
    Terms::new(IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M))
}

/// The day that the recorded messages are about.
pub(crate) const PERIOD: Date = date(2026, 6, 4);

/// What was agreed and exchanged, and the time.
pub(crate) struct Scene {
    pub(crate) terms: Terms,
    pub(crate) now: Timestamp,
    past: Vec<(Payload, Fate, Timestamp)>,
}

impl Scene {
    /// On the day before the recorded messages' day, before they expire.
    pub(crate) fn new() -> Self {
        Self { terms: amsterdam(), now: instant("2026-06-03T12:00:00Z"), past: Vec::new() }
    }

    /// Something that was exchanged, a second after what was exchanged before it.
    pub(crate) fn before(&mut self, message: impl Into<Payload>, fate: Fate) {
        let seconds = i64::try_from(self.past.len()).unwrap();
        let at = instant("2026-03-01T00:00:00Z") + SignedDuration::from_secs(seconds);
        self.past.push((message.into(), fate, at));
    }

    /// Everything that was exchanged bears the same instant, as where time stands still.
    pub(crate) fn all_at_once(&mut self) {
        for (_, _, at) in &mut self.past {
            *at = instant("2026-03-01T00:00:00Z");
        }
    }

    /// What the recipient makes of a message.
    pub(crate) fn received(&self, message: impl Into<Payload>) -> Vec<R> {
        self.check(&message.into(), Direction::Received)
    }

    /// What the sender makes of it before it is sent.
    pub(crate) fn sent(&self, message: impl Into<Payload>) -> Vec<R> {
        self.check(&message.into(), Direction::Sent)
    }

    fn check(&self, payload: &Payload, direction: Direction) -> Vec<R> {
        let own = match direction {
            Direction::Received => payload.recipient(),
            Direction::Sent => payload.sender(),
        };
        let history = MemoryHistory::new();
        for (payload, fate, at) in &self.past {
            let (payload, fate, at) = (payload.clone(), *fate, *at);
            let (direction, other) = if payload.sender() == own {
                (Direction::Sent, payload.recipient())
            } else {
                (Direction::Received, payload.sender())
            };
            let counterparty = participant(other.as_str());
            history.record(Exchanged { counterparty, direction, at, payload, fate });
        }
        let other = if payload.sender() == own { payload.recipient() } else { payload.sender() };
        let counterparty = participant(other.as_str());
        at_once(check(payload, &counterparty, direction, &self.terms, &history, self.now)).unwrap()
    }
}

pub(crate) fn participant(domain: &str) -> Participant {
    let role = match domain.split('.').next() {
        Some("dso") => Role::Dso,
        Some("cro") => Role::Cro,
        _ => Role::Agr,
    };
    Participant { role, domain: domain.parse().unwrap() }
}

/// A rule: what a right message is changed to, and what is then wrong with it.
pub(crate) type Row<M> = (&'static str, fn(&mut Scene, &mut M), Vec<R>);

/// Each row starts from the same right message and scene; both sides must come to the same reasons.
pub(crate) fn each<M: Message>(message: &M, scene: impl Fn() -> Scene, rows: Vec<Row<M>>) {
    assert_eq!(scene().received(message.clone()), [], "the message that the rows change");
    for (rule, change, reasons) in rows {
        let (mut scene, mut message) = (scene(), message.clone());
        change(&mut scene, &mut message);
        assert_eq!(scene.received(message.clone()), reasons, "{rule}, received");
        assert_eq!(scene.sent(message), reasons, "{rule}, sent");
    }
}

/// The rows that hold for every message about ISPs at a congestion point, which `flex` and `runs` reach.
pub(crate) fn each_about_isps<M: Message>(
    message: &M,
    scene: impl Fn() -> Scene,
    flex: fn(&mut M) -> &mut FlexMessage,
    first: fn(&mut M) -> &mut IspRange,
) {
    assert_eq!(scene().received(message.clone()), [], "the message that is changed");
    let both = |rule: &str, scene: &Scene, message: M, reasons: &[R]| {
        assert_eq!(scene.received(message.clone()), reasons, "{rule}, received");
        assert_eq!(scene.sent(message), reasons, "{rule}, sent");
    };
    let changed = |change: &dyn Fn(&mut FlexMessage)| {
        let mut message = message.clone();
        change(flex(&mut message));
        message
    };
    let zone = |name: &'static str| changed(&|flex| flex.time_zone = name.parse().unwrap());
    both(
        "half an hour",
        &scene(),
        changed(&|flex| flex.isp_duration = IspDuration::PT30M),
        &[R::IspDurationRejected],
    );
    both("another zone with the same offset", &scene(), zone("Europe/Brussels"), &[]);
    both("another offset", &scene(), zone("Europe/London"), &[R::TimeZoneRejected]);
    both("no such zone", &scene(), zone("Europe/Nowhere"), &[R::TimeZoneRejected]);
    both("the same offset in winter alone", &scene(), zone("Africa/Lagos"), &[R::TimeZoneRejected]);
    let mut elsewhere = scene();
    elsewhere.terms.congestion_points = Some([].into());
    both("a point where nothing is traded", &elsewhere, message.clone(), &[R::InvalidCongestionPoint]);
    let mut near = scene();
    near.terms.periods_ahead = Some(1);
    both("tomorrow", &near, message.clone(), &[]);
    near.terms.periods_ahead = Some(0);
    both("too far ahead", &near, message.clone(), &[R::PeriodOutOfBounds]);
    let out_of_day = |start, duration| {
        let mut message = message.clone();
        *first(&mut message) = run_of(start, duration);
        message
    };
    let reasons = scene().received(out_of_day(97, 1));
    assert!(reasons.starts_with(&[R::IspsOutOfBounds]), "ISP 97 of 96: {reasons:?}");
    let reasons = scene().received(out_of_day(96, 2));
    assert!(reasons.starts_with(&[R::IspsOutOfBounds]), "ISPs 96 and 97 of 96: {reasons:?}");
}

pub(crate) fn run_of(start: u16, duration: u16) -> IspRange {
    IspRange::from_numbers(start, duration).unwrap()
}

pub(crate) fn run(start: u16, duration: u16, like: FlexRequestIsp) -> FlexRequestIsp {
    FlexRequestIsp { range: run_of(start, duration), ..like }
}
