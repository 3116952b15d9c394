use std::collections::BTreeSet;

use tieline_uftp::cro::{Access, ReferenceLimits};

use super::*;

#[test]
fn what_is_named_is_replaced_from_today_on_and_the_rest_stays() {
    let mut reference = Reference::new();
    reference.agr(1, "a.nl", &[(1, (1, None)), (2, (1, None))]).unwrap();
    // On the 10th, connection 1 is given up from the 15th on. Connection 2 is not named.
    assert_eq!(reference.agr(10, "a.nl", &[(1, (1, Some(14)))]), Ok(1));
    for (day, connections) in [(1, 2), (14, 2), (15, 1), (28, 1)] {
        assert_eq!(reference.unplaced("a.nl", day), connections, "June {day}");
    }
    // That it begins later takes nothing from the days that are over.
    reference.agr(10, "a.nl", &[(2, (20, None))]).unwrap();
    for (day, connections) in [(9, 2), (10, 1), (14, 1), (20, 1)] {
        assert_eq!(reference.unplaced("a.nl", day), connections, "June {day}");
    }
    assert_eq!(reference.view("a.nl", 15), Err("No connections available".to_owned()));
}

#[test]
fn an_update_that_is_sent_again_changes_nothing() {
    let mut reference = Reference::new();
    let connections = [(1, (3, None)), (2, (1, Some(9)))];
    assert_eq!(reference.agr(1, "a.nl", &connections), Ok(2));
    let points = || vec![point(50, (1, None), &[(1, (2, None)), (2, (1, None))])];
    assert_eq!(reference.dso(1, "d.nl", points()), Ok(3));
    for today in [1, 2, 5, 9, 10, 28] {
        assert_eq!(reference.agr(today, "a.nl", &connections), Ok(0), "June {today}");
        assert_eq!(reference.dso(today, "d.nl", points()), Ok(0), "June {today}");
    }
    assert_eq!(reference.0.changes(), 2);
}

#[test]
fn days_that_are_over_can_be_added_to_and_not_changed() {
    let mut reference = Reference::new();
    reference.agr(10, "a.nl", &[(1, (5, Some(7)))]).unwrap();
    reference.agr(20, "a.nl", &[(1, (1, Some(2)))]).unwrap();
    for (day, there) in [(1, true), (2, true), (3, false), (5, true), (7, true), (8, false)] {
        assert_eq!(reference.unplaced("a.nl", day) == 1, there, "June {day}");
    }
    // Trading terms of a day that is over stay what they were.
    reference.dso(1, "d.nl", vec![point(50, (1, None), &[(1, (1, None))])]).unwrap();
    let mut other = point(50, (1, None), &[(1, (1, None))]);
    other.mutex_offers_supported = false;
    reference.dso(6, "d.nl", vec![other]).unwrap();
    for (day, mutex) in [(5, true), (7, false)] {
        let view = reference.view("a.nl", day).unwrap();
        assert_eq!(view.dso_portfolios[0].congestion_points[0].mutex_offers_supported, mutex, "June {day}");
    }
}

#[test]
fn a_connection_that_is_left_out_is_no_longer_behind_the_point() {
    let mut reference = Reference::new();
    reference.dso(1, "d.nl", vec![point(50, (1, None), &[(1, (1, None)), (2, (1, None))])]).unwrap();
    reference.dso(10, "d.nl", vec![point(50, (1, None), &[(2, (1, None)), (3, (12, None))])]).unwrap();
    assert_eq!(reference.numbers("d.nl", 50, 9), [1, 2]);
    assert_eq!(reference.numbers("d.nl", 50, 10), [2]);
    assert_eq!(reference.numbers("d.nl", 50, 12), [2, 3]);
}

#[test]
fn a_point_is_ended_by_an_end_of_today() {
    let mut reference = Reference::new();
    reference.dso(1, "d.nl", vec![point(50, (1, None), &[(1, (1, None)), (2, (1, None))])]).unwrap();
    reference.dso(10, "d.nl", vec![point(50, (1, Some(10)), &[(1, (1, Some(10)))])]).unwrap();
    assert_eq!(reference.numbers("d.nl", 50, 10), [1, 2], "the last day is a whole day");
    assert_eq!(reference.numbers("d.nl", 50, 11), [0_u32; 0]);
    assert_eq!(reference.numbers("d.nl", 50, 9), [1, 2]);
    // An end that is over already can't take the days since: they are over, too.
    reference.dso(12, "d.nl", vec![point(51, (1, None), &[(1, (1, None))])]).unwrap();
    reference.dso(20, "d.nl", vec![point(51, (1, Some(15)), &[(1, (1, Some(15)))])]).unwrap();
    assert_eq!(reference.numbers("d.nl", 51, 19), [1]);
    assert_eq!(reference.numbers("d.nl", 51, 20), [0_u32; 0]);
}

#[test]
fn several_periods_say_what_changes_later() {
    let mut reference = Reference::new();
    let mut later = point(50, (11, None), &[(2, (11, None))]);
    later.mutex_offers_supported = false;
    reference.dso(1, "d.nl", vec![point(50, (1, Some(10)), &[(1, (1, Some(10)))]), later]).unwrap();
    assert_eq!(reference.numbers("d.nl", 50, 10), [1]);
    assert_eq!(reference.numbers("d.nl", 50, 11), [2]);
}

#[test]
fn everything_that_is_wrong_with_an_update_of_a_dso_is_said_at_once() {
    let mut reference = Reference::new();
    reference.dso(1, "other.nl", vec![point(59, (1, None), &[(9, (1, None))])]).unwrap();
    let wrong = vec![
        point(50, (5, Some(4)), &[(1, (5, Some(4)))]),
        point(51, (5, Some(20)), &[(2, (4, Some(20))), (3, (5, Some(21))), (4, (21, Some(22)))]),
        point(52, (5, Some(20)), &[(5, (5, None))]),
        point(53, (5, None), &[(6, (5, Some(20))), (7, (9, Some(8)))]),
        point(54, (5, None), &[(9, (5, None)), (8, (5, None)), (8, (6, None))]),
        point(59, (5, None), &[(10, (5, None))]),
        point(55, (5, None), &[(1, (5, None))]),
        point(55, (9, None), &[(1, (9, None))]),
    ];
    let a = |number| address(number);
    let told = reference.dso(1, "d.nl", wrong).unwrap_err();
    assert_eq!(
        told.split("; ").collect::<Vec<_>>(),
        [
            format!("{}: EndPeriod 2026-06-04 is before StartPeriod 2026-06-05", a(50)),
            format!("{} is not within the periods of {}", a(2), a(51)),
            format!("{} is not within the periods of {}", a(3), a(51)),
            format!("{} is not within the periods of {}", a(4), a(51)),
            format!("{} has an EndPeriod if and only if {} has one", a(5), a(52)),
            format!("{} has an EndPeriod if and only if {} has one", a(6), a(53)),
            format!("{}: EndPeriod 2026-06-08 is before StartPeriod 2026-06-09", a(7)),
            format!("{} is named twice for one day", a(8)),
            format!("{} is behind a congestion point of another DSO in that period", a(9)),
            format!("{} is named twice for one day", a(55)),
            format!("{} is a congestion point of another DSO in that period", a(59)),
        ]
    );
    assert!(!told.contains("other.nl"), "who else is registered is nobody's business");
    assert_eq!(reference.0.changes(), 1, "all of it is registered, or nothing");
}

#[test]
fn everything_that_is_wrong_with_an_update_of_an_agr_is_said_at_once() {
    let mut reference = Reference::new();
    reference.agr(1, "other.nl", &[(1, (1, Some(9))), (2, (1, None))]).unwrap();
    let told = reference.agr(
        1,
        "a.nl",
        &[(1, (9, None)), (2, (20, Some(21))), (3, (5, Some(4))), (4, (5, Some(9))), (4, (9, Some(9)))],
    );
    let a = |number| address(number);
    let told = told.unwrap_err();
    assert_eq!(
        told.split("; ").collect::<Vec<_>>(),
        [
            format!("{}: EndPeriod 2026-06-04 is before StartPeriod 2026-06-05", a(3)),
            format!("{} is represented by another AGR in that period", a(1)),
            format!("{} is represented by another AGR in that period", a(2)),
            format!("{} is named twice for one day", a(4)),
        ]
    );
    assert!(!told.contains("other.nl"));
    // From the day after the other's last one it is free, and the other gives up what he no longer has.
    assert_eq!(reference.agr(1, "a.nl", &[(1, (10, None))]), Ok(1));
    reference.agr(5, "other.nl", &[(2, (1, Some(5)))]).unwrap();
    assert_eq!(reference.agr(5, "a.nl", &[(2, (6, None))]), Ok(1));
}

#[test]
fn a_connection_may_be_behind_several_points_of_one_dso() {
    let mut reference = Reference::new();
    let both = vec![point(50, (1, None), &[(1, (1, None))]), point(51, (1, None), &[(1, (1, None))])];
    reference.dso(1, "d.nl", both).unwrap();
    assert_eq!(reference.numbers("d.nl", 50, 1), [1]);
    assert_eq!(reference.numbers("d.nl", 51, 1), [1]);
    // And a point may go from one DSO to another.
    reference.dso(5, "d.nl", vec![point(50, (1, Some(9)), &[(1, (1, Some(9)))])]).unwrap();
    reference.dso(5, "d.nl", vec![point(51, (1, Some(9)), &[(1, (1, Some(9)))])]).unwrap();
    reference.dso(5, "e.nl", vec![point(50, (10, None), &[(1, (10, None))])]).unwrap();
    assert_eq!(reference.numbers("d.nl", 50, 9), [1]);
    assert_eq!(reference.numbers("e.nl", 50, 10), [1]);
}

#[test]
fn a_closed_common_reference_serves_its_members() {
    let mut policy = policy();
    let members = [participant(Role::Agr, "a.nl"), participant(Role::Dso, "d.nl")];
    policy.access = Access::Closed(BTreeSet::from(members));
    let mut reference = Reference::with(policy);
    assert_eq!(reference.agr(1, "a.nl", &[(1, (1, None))]), Ok(1));
    // Not even whether the rest of the message is right is told.
    assert_eq!(reference.agr(1, "b.nl", &[(1, (5, Some(4)))]), Err("Unauthorized".to_owned()));
    assert_eq!(
        reference.dso(1, "a.nl", vec![point(50, (1, None), &[(1, (1, None))])]),
        Err("Unauthorized".to_owned()),
        "a member is one in its role"
    );
    assert_eq!(reference.view("b.nl", 1), Err("Unauthorized".to_owned()));
    assert_eq!(reference.behind("b.nl", 50, 1), Err("Unauthorized".to_owned()));
}

#[test]
fn the_days_of_another_time_zone_are_others() {
    let mut reference = Reference::new().0;
    let agr = participant(Role::Agr, "a.nl");
    let mut update = agr_update("a.nl", &[(1, (1, None))]);
    for (zone, right) in [
        ("Europe/Brussels", true),
        ("Europe/London", false),
        ("America/New_York", false),
        ("Europe/Nowhere", false),
    ] {
        update.time_zone = zone.parse().unwrap();
        let decided = reference.agr_portfolio_update(&update, &agr, noon(1));
        if right {
            let _ = decided.unwrap();
        } else {
            assert_eq!(decided, Err(Rejected::from(RejectionReason::TimeZoneRejected)), "{zone}");
        }
    }
    update.time_zone = "Europe/Brussels".parse().unwrap();
    let change = reference.agr_portfolio_update(&update, &agr, noon(1)).unwrap();
    reference.apply(change).unwrap();
    let mut query = agr_query("a.nl", 1);
    query.time_zone = "Africa/Cairo".parse().unwrap();
    assert_eq!(reference.agr_portfolio_query(&query, &agr), Err(RejectionReason::TimeZoneRejected.into()));
}

#[test]
fn today_is_that_of_the_markets_time_zone() {
    let mut reference = Reference::new().0;
    let agr = participant(Role::Agr, "a.nl");
    let mut at = |text: &str, end| {
        let update = agr_update("a.nl", &[(1, (1, end))]);
        let change = reference.agr_portfolio_update(&update, &agr, text.parse().unwrap()).unwrap();
        let rows = change.connections().to_vec();
        reference.apply(change).unwrap();
        rows.first().map(|row| row.representations[0].days.end())
    };
    at("2026-06-01T10:00:00Z", None);
    // In Amsterdam it is the 10th already, so the 9th is over and stays.
    assert_eq!(at("2026-06-09T22:00:00Z", Some(5)), Some(Some(june(9))));
}

#[test]
fn each_limit_is_named() {
    let mut policy = policy();
    policy.limits =
        ReferenceLimits { connections_per_update: 3, connections: 4, congestion_points: 1, periods: 3 };
    let mut reference = Reference::with(policy);
    let many: Vec<_> = (1..=4).map(|number| (number, (1, None))).collect();
    assert_eq!(
        reference.agr(1, "a.nl", &many),
        Err("No more than 3 connections are taken in one message".to_owned())
    );
    assert_eq!(reference.agr(1, "a.nl", &many[..3]), Ok(3));
    assert_eq!(
        reference.agr(1, "a.nl", &[(5, (1, None)), (6, (1, None))]),
        Err("No more than 4 connections are kept".to_owned())
    );
    reference.dso(1, "d.nl", vec![point(50, (1, None), &[(1, (1, None))])]).unwrap();
    assert_eq!(
        reference.dso(1, "d.nl", vec![point(51, (1, None), &[(1, (1, None))])]),
        Err("No more than 1 congestion points are kept".to_owned())
    );
    let pieces = [(2, (1, Some(1))), (2, (3, Some(3))), (2, (5, Some(5)))];
    assert_eq!(reference.agr(1, "a.nl", &pieces), Ok(1));
    assert_eq!(
        reference.agr(6, "a.nl", &[(2, (7, Some(7)))]),
        Err(format!("No more than 3 periods of {} are kept", address(2)))
    );
}

#[test]
fn a_rejection_is_short_whatever_it_is_about() {
    let mut reference = Reference::new();
    let wrong: Vec<_> = (1..=1000).map(|number| (number, (5, Some(4)))).collect();
    let told = reference.agr(1, "a.nl", &wrong).unwrap_err();
    assert!(told.ends_with("; and 988 more"), "{told}");
    assert!(told.len() < 8 * 1024);
}

#[test]
fn a_change_applies_to_the_state_that_it_was_decided_in() {
    let mut reference = Reference::new().0;
    let agr = participant(Role::Agr, "a.nl");
    let decide = |reference: &CommonReference, number| {
        reference.agr_portfolio_update(&agr_update("a.nl", &[(number, (1, None))]), &agr, noon(1)).unwrap()
    };
    let (first, second) = (decide(&reference, 1), decide(&reference, 2));
    reference.apply(first).unwrap();
    let refused = reference.apply(second).unwrap_err();
    assert_eq!((refused.change, refused.last), (1, 1));
    assert_eq!(reference.connections().count(), 1);
}
