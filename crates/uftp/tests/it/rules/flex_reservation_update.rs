use jiff::SignedDuration;
use jiff::civil::time;
use tieline_uftp::Fate;
use tieline_uftp::message::FlexReservationUpdate;
use tieline_uftp::rules::{ContractTerms, ReservationDeadline};

use super::{R, Scene, each, each_about_isps, instant, isps, message_id, recorded, text, unknown, watts};

/// -3000 W in the ISPs 1 to 4, nothing in ISP 5.
fn update() -> FlexReservationUpdate {
    recorded("FlexReservationUpdate")
}

/// Until the day before at 17:00 -5000 W may be reduced.
fn agreed() -> Scene {
    let mut scene = Scene::new();
    let deadline = ReservationDeadline { days_before: 1, time: time(17, 0, 0, 0) };
    let contract = ContractTerms { reserved: watts(-5000), deadline: Some(deadline) };
    scene.terms.contracts = Some([(text("C-1"), contract)].into());
    scene
}

#[test]
fn it_releases_a_part_of_what_is_reserved_in_time() {
    each_about_isps(&update(), agreed, |m| &mut m.flex, |m| &mut m.isps[1].range);
    each(
        &update(),
        agreed,
        vec![
            ("another contract", |_, m| m.contract_id = text("C-2"), vec![unknown("ContractID")]),
            ("all of it", |_, m| m.isps[0].power = watts(-5000), vec![]),
            ("more", |_, m| m.isps[0].power = watts(-5001), vec![R::PowerValueRejection]),
            ("the other way", |_, m| m.isps[0].power = watts(1), vec![R::PowerValueRejection]),
            ("at the deadline", |s, _| s.now = instant("2026-06-03T15:00:00Z"), vec![]),
            (
                "after it",
                |s, _| s.now = instant("2026-06-03T15:00:00Z") + SignedDuration::from_nanos(1),
                vec![R::DeadlineExpired],
            ),
            (
                "in any contract, before the day",
                |s, m| {
                    s.terms.contracts = None;
                    s.now = instant("2026-06-03T22:00:00Z");
                    m.isps[0].power = watts(-1_000_000);
                },
                vec![],
            ),
            (
                "on the day",
                |s, _| {
                    s.terms.contracts = None;
                    s.now = instant("2026-06-03T22:00:01Z");
                },
                vec![R::DeadlineExpired],
            ),
            (
                "more than a terawatt",
                |s, m| {
                    s.terms.contracts = None;
                    m.isps[0].power = watts(i64::MIN);
                },
                vec![R::PowerValueRejection],
            ),
        ],
    );
}

#[test]
fn what_was_released_stays_so() {
    let known = || {
        let mut scene = agreed();
        scene.before(update(), Fate::Accepted);
        let mut second = update();
        second.header.message_id = message_id(1);
        second.isps = vec![isps(1, 1, -2000)];
        scene.before(second, Fate::Accepted);
        let mut rejected = update();
        rejected.header.message_id = message_id(2);
        rejected.isps = vec![isps(1, 5, 0)];
        scene.before(rejected, Fate::Rejected);
        scene
    };
    let mut third = update();
    third.header.message_id = message_id(3);
    third.isps = vec![isps(1, 1, -2000), isps(2, 3, -3000), isps(5, 1, 0), isps(6, 1, -5000)];
    each(
        &third,
        known,
        vec![
            (
                "the second counts in ISP 1",
                |_, m| m.isps[0].power = watts(-2001),
                vec![R::PowerValueRejection],
            ),
            ("the first in ISP 2", |_, m| m.isps[1].power = watts(-3001), vec![R::PowerValueRejection]),
            ("what was given up", |_, m| m.isps[2].power = watts(-1), vec![R::PowerValueRejection]),
            ("the contract in ISP 6", |_, m| m.isps[3].power = watts(-5001), vec![R::PowerValueRejection]),
        ],
    );
}
