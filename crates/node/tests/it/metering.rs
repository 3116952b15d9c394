//! What an aggregator measured, and what a grid operator says to it.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_types::{IspNumber, ManualClock};
use tieline_uftp::message::{
    Metering, MeteringIsp, MeteringProfile, MeteringResponse, ProfileType, Response, Unit,
};
use tieline_uftp::{Payload, RejectionReason as R};

use crate::daemon::eventually;
use crate::market::Party;
use crate::operator::DSO;
use crate::reckoning::reckoning;
use crate::scene::{CONNECTION, MORNING, Scene, at};

fn metering(payload: &Payload) -> Option<Metering> {
    if let Payload::Metering(metering) = payload { Some(metering.clone()) } else { None }
}

async fn of_day(dso: &Party, day: &str, count: usize) -> Vec<Metering> {
    let day = day.parse().unwrap();
    let what = format!("{count} Metering messages for {day}");
    dso.mailbox.wait_for(&what, count, |payload| metering(payload).filter(|known| known.period == day)).await
}

fn values(metering: &Metering, wanted: ProfileType) -> Vec<Decimal> {
    let profile = metering.profiles.iter().find(|profile| profile.profile_type == wanted).unwrap();
    profile.isps.iter().map(|isp| isp.value).collect()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Moves past midnight and an hour, on 11 June.
fn to_the_next_day(clock: &ManualClock) {
    clock.set(at("2026-06-10T23:00:00Z"));
}

async fn nothing_more(scene: &Scene, count: usize) {
    scene.agr.settle().await;
    let all: Vec<Metering> = scene.dso.mailbox.payloads().iter().filter_map(metering).collect();
    assert_eq!(all.len(), count);
}

#[tokio::test]
async fn a_day_is_metered_after_its_end_and_again_when_late_readings_change_it() {
    let mut scene = Scene::reporting(MORNING, "").await;
    let (charger, transaction) = scene.charging().await;
    let minutes = |after: i64| at(MORNING) + SignedDuration::from_mins(after);
    charger.meter(&transaction, &[(minutes(15), 2000), (minutes(30), 3000)]).await;
    to_the_next_day(&scene.clock);
    let first = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    assert_eq!((first.revision, first.ean.as_str()), (1, "E871685900012345001"));
    let mut energies = vec![Decimal::ZERO; 96];
    (energies[40], energies[41]) = (decimal("2"), decimal("1"));
    assert_eq!(values(&first, ProfileType::ImportEnergy), energies);
    let mut powers = vec![Decimal::ZERO; 96];
    (powers[40], powers[41]) = (decimal("8"), decimal("4"));
    assert_eq!(values(&first, ProfileType::Power), powers);
    scene.agr.restart().await;
    nothing_more(&scene, 1).await;

    // A reading between two that are known, one before them, and one after a gap.
    let charger =
        crate::charger::Charger::connect(scene.agr.ocpp(), "CP-1", tieline_ocpp::Version::V1_6).await;
    charger.meter(&transaction, &[(minutes(75), 9000), (minutes(5), 1500)]).await;
    let second = of_day(&scene.dso, "2026-06-10", 2).await.remove(1);
    assert_eq!((second.revision, second.header.conversation_id), (2, first.header.conversation_id));
    (energies[42], energies[43], energies[44]) = (decimal("2"), decimal("2"), decimal("2"));
    assert_eq!(values(&second, ProfileType::ImportEnergy), energies);
    let key = format!("dso.example.com {CONNECTION} 2026-06-10");
    let kept = scene.agr.record("metering", &key).await.unwrap();
    assert_eq!(kept["interpolated"], serde_json::json!([43, 44, 45]));

    // The same again is no news.
    charger.meter(&transaction, &[(minutes(5), 1500), (minutes(75), 9000)]).await;
    nothing_more(&scene, 2).await;
}

#[tokio::test]
async fn a_reading_of_the_next_day_ends_the_line_of_the_day_before() {
    let scene = Scene::reporting("2026-06-10T21:45:00Z", "").await;
    let (charger, transaction) = scene.charging().await;
    to_the_next_day(&scene.clock);
    let first = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    assert_eq!(values(&first, ProfileType::ImportEnergy), vec![Decimal::ZERO; 96]);
    charger.meter(&transaction, &[(at("2026-06-10T22:15:00Z"), 3000)]).await;
    let second = of_day(&scene.dso, "2026-06-10", 2).await.remove(1);
    assert_eq!(values(&second, ProfileType::ImportEnergy)[95], decimal("1.5"));
}

#[tokio::test]
async fn days_of_92_96_and_100_isps_are_complete_and_a_node_that_was_away_catches_up() {
    for (now, after, days) in [
        ("2026-03-28T10:00:00Z", "2026-03-30T10:00:00Z", [("2026-03-28", 96), ("2026-03-29", 92)]),
        ("2026-10-24T10:00:00Z", "2026-10-26T10:00:00Z", [("2026-10-24", 96), ("2026-10-25", 100)]),
    ] {
        let mut scene = Scene::reporting(now, "").await;
        let (charger, transaction) = scene.charging().await;
        // 1 kW from the start to the end of the second day.
        let hours = at(now).duration_until(at(after)).as_hours();
        let readings: Vec<(Timestamp, i64)> = (1..=hours * 4)
            .map(|quarter| (at(now) + SignedDuration::from_mins(15 * quarter), 250 * quarter))
            .collect();
        charger.meter(&transaction, &readings).await;
        scene.agr.stop().await;
        scene.clock.set(at(after));
        scene.agr.resume().await;
        for (day, count) in days {
            let metering = of_day(&scene.dso, day, 1).await.remove(0);
            let energies = values(&metering, ProfileType::ImportEnergy);
            assert_eq!(energies.len(), count, "{day}");
            assert_eq!(*energies.last().unwrap(), decimal("0.25"), "{day}");
            let first = if day == days[0].0 { Decimal::ZERO } else { decimal("0.25") };
            assert_eq!(energies[0], first, "{day}");
        }
    }
}

#[tokio::test]
async fn rejected_metering_is_an_alarm() {
    let scene = Scene::reporting(MORNING, "").await;
    to_the_next_day(&scene.clock);
    let metering = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    let mut header = scene.dso.header("agr.example.com");
    header.conversation_id = metering.header.conversation_id;
    let answer = MeteringResponse {
        header,
        response: Response::rejected(&[R::other("Unknown EAN")]),
        metering_message_id: metering.header.message_id,
    };
    scene.dso.post(scene.agr.uftp(), answer).await;
    let alarm = eventually("the rejection is journalled", async || {
        let journal = scene.agr.journal().await;
        journal.into_iter().find(|found| found.entry.label == "MeteringRejected")
    })
    .await;
    assert_eq!(alarm.entry.bytes[..], b"2026-06-10: Unknown EAN"[..]);
}

#[tokio::test]
async fn what_could_not_be_delivered_is_told_later() {
    let scene = Scene::reporting(MORNING, "").await;
    scene.agr.settle().await;
    scene.dso.mailbox.answer_with(503);
    to_the_next_day(&scene.clock);
    let key = format!("dso.example.com {CONNECTION} 2026-06-10");
    eventually("the metering is given up", async || {
        scene.clock.advance(SignedDuration::from_mins(5));
        scene.agr.record("metering", &key).await?["state"].get("Undeliverable").map(|_| ())
    })
    .await;
    scene.dso.mailbox.answer_with(200);
    scene.clock.advance(SignedDuration::from_hours(1));
    let metering = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    assert_eq!(metering.revision, 2);
}

#[tokio::test]
async fn the_mean_of_measured_days_is_what_is_expected() {
    let scene = Scene::expecting("2026-06-09T21:30:00Z", "", None).await;
    let (charger, transaction) = scene.charging().await;
    // From midnight on 4 kW until noon, then 8 kW, on 10 June.
    let midnight = at("2026-06-09T22:00:00Z");
    let mut register = 0;
    let mut readings = vec![(midnight, 0)];
    for quarter in 1..=96 {
        register += if quarter <= 48 { 1000 } else { 2000 };
        readings.push((midnight + SignedDuration::from_mins(15 * quarter), register));
    }
    charger.meter(&transaction, &readings).await;
    scene.clock.set(at("2026-06-11T08:00:00Z"));
    let tomorrow = scene
        .dso
        .mailbox
        .wait("the prognosis for 12 June", |payload| match payload {
            Payload::DPrognosis(known) if known.flex.period == "2026-06-12".parse().unwrap() => {
                Some(known.clone())
            }
            _ => None,
        })
        .await;
    let runs: Vec<(u16, i64)> =
        tomorrow.isps.iter().map(|isp| (isp.range.duration().get(), isp.power.watts())).collect();
    assert_eq!(runs, [(48, 4000), (48, 8000)]);
}

/// 1 kWh in each ISP of 10 June.
pub(crate) fn metered(agr: &Party, revision: i64, energies: &[(u16, &str)]) -> Metering {
    let value = |number: u16| {
        energies.iter().find(|(isp, _)| *isp == number).map_or(decimal("1"), |(_, value)| decimal(value))
    };
    Metering {
        header: agr.header(DSO),
        revision,
        isp_duration: "PT15M".parse().unwrap(),
        time_zone: "Europe/Amsterdam".parse().unwrap(),
        currency: None,
        period: "2026-06-10".parse().unwrap(),
        ean: "E871685900012345001".parse().unwrap(),
        profiles: vec![MeteringProfile {
            profile_type: ProfileType::ImportEnergy,
            unit: Unit::KilowattHour,
            isps: (1..=96)
                .map(|number| MeteringIsp { start: IspNumber::new(number).unwrap(), value: value(number) })
                .collect(),
        }],
    }
}

#[tokio::test]
async fn every_mistake_in_metering_is_named_and_nothing_is_kept() {
    type Case = (&'static str, fn(&mut Metering), Vec<R>);
    let cases: [Case; 13] = [
        ("another ISP duration", |m| m.isp_duration = "PT60M".parse().unwrap(), vec![R::IspDurationRejected]),
        ("another offset", |m| m.time_zone = "Europe/Helsinki".parse().unwrap(), vec![R::TimeZoneRejected]),
        (
            "an ISP that the day lacks",
            |m| m.profiles[0].isps[95].start = IspNumber::new(97).unwrap(),
            vec![R::IspsOutOfBounds],
        ),
        ("an ISP twice", |m| m.profiles[0].isps[95].start = IspNumber::FIRST, vec![R::IspConflict]),
        ("an ISP too few", |m| m.profiles[0].isps.truncate(95), vec![R::LackingIsps]),
        (
            "another unit",
            |m| m.profiles[0].unit = Unit::Kilowatt,
            vec![R::other("A profile is in the wrong unit")],
        ),
        ("negative import", |m| m.profiles[0].isps[7].value = decimal("-1"), vec![R::PowerValueRejection]),
        (
            "readings alone",
            |m| m.profiles[0].profile_type = ProfileType::ImportMeterReading,
            vec![R::other("There is neither ImportEnergy nor Power, or it is too large")],
        ),
        (
            "a profile twice",
            |m| m.profiles.push(m.profiles[0].clone()),
            vec![R::other("A profile is there twice")],
        ),
        (
            "an unknown EAN",
            |m| m.ean = "E871685900012345009".parse().unwrap(),
            vec![R::UnknownReference("EAN".parse().unwrap())],
        ),
        (
            "more than can be counted",
            |m| m.profiles[0].isps[7].value = Decimal::MAX,
            vec![R::other("There is neither ImportEnergy nor Power, or it is too large")],
        ),
        ("an old revision", |m| m.revision = 2, vec![R::SubordinateSequenceNumber]),
        ("a day that is not over", |m| m.period = "2026-06-11".parse().unwrap(), vec![R::PeriodOutOfBounds]),
    ];
    let operator = reckoning("day", "").await;
    operator.clock.set(at("2026-06-10T22:30:00Z"));
    assert!(operator.ask(metered(&operator.agr, 2, &[])).await.is_accepted());
    for (name, spoil, reasons) in cases {
        let mut wrong = metered(&operator.agr, 3, &[(1, "9")]);
        spoil(&mut wrong);
        let answer = operator.ask(wrong).await;
        assert_eq!((answer.is_accepted(), answer.reasons()), (false, reasons), "{name}");
    }
    let key = format!("agr.example.com {CONNECTION} 2026-06-10");
    let kept = operator.dso.record("metering", &key).await.unwrap();
    assert_eq!((&kept["revision"], &kept["energies"][0]), (&2.into(), &3_600_000.into()));
    assert!(operator.ask(metered(&operator.agr, 3, &[(1, "9")])).await.is_accepted());
    let kept = operator.dso.record("metering", &key).await.unwrap();
    assert_eq!((&kept["revision"], &kept["energies"][0]), (&3.into(), &32_400_000.into()));
}
