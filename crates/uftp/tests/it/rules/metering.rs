use jiff::SignedDuration;
use jiff::civil::date;
use rust_decimal::Decimal;
use tieline_types::{IspDuration, IspNumber};
use tieline_uftp::Fate;
use tieline_uftp::message::{Metering, MeteringIsp, MeteringProfile, ProfileType, Unit};

use super::{R, Scene, conversation, each, instant, message_id, recorded, unknown};

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn profile(profile_type: ProfileType, value: &str) -> MeteringProfile {
    let unit = if profile_type == ProfileType::Power { Unit::Kilowatt } else { Unit::KilowattHour };
    let isps = (1..=96).map(|isp| MeteringIsp { start: IspNumber::new(isp).unwrap(), value: number(value) });
    MeteringProfile { profile_type, unit, isps: isps.collect() }
}

/// The recorded message, with values for the whole day.
fn metering() -> Metering {
    let mut metering: Metering = recorded("Metering-ean18");
    metering.profiles =
        vec![profile(ProfileType::Power, "1.25"), profile(ProfileType::ImportEnergy, "0.3125")];
    metering
}

/// The day is over.
fn after() -> Scene {
    let mut scene = Scene::new();
    scene.now = instant("2026-06-04T22:00:00Z");
    scene
}

#[test]
fn it_is_about_a_day_that_is_over() {
    each(
        &metering(),
        after,
        vec![
            ("a moment early", |s, _| s.now -= SignedDuration::from_nanos(1), vec![R::PeriodOutOfBounds]),
            ("long ago", |_, m| m.period = date(2025, 6, 4), vec![]),
            ("half an hour", |_, m| m.isp_duration = IspDuration::PT30M, vec![R::IspDurationRejected]),
            (
                "another zone with the same offset",
                |_, m| m.time_zone = "Europe/Brussels".parse().unwrap(),
                vec![],
            ),
            (
                "another offset",
                |_, m| m.time_zone = "Europe/London".parse().unwrap(),
                vec![R::TimeZoneRejected],
            ),
            (
                "both",
                |_, m| {
                    m.isp_duration = IspDuration::PT30M;
                    m.time_zone = "Europe/London".parse().unwrap();
                },
                vec![R::IspDurationRejected, R::TimeZoneRejected],
            ),
            ("a day that is no day", |_, m| m.period = date(9999, 12, 31), vec![R::PeriodOutOfBounds]),
        ],
    );
}

#[test]
fn each_profile_is_whole_and_in_its_unit() {
    each(
        &metering(),
        after,
        vec![
            (
                "an ISP is missing",
                |_, m| m.profiles[1].isps.retain(|isp| isp.start.get() != 7),
                vec![R::LackingIsps],
            ),
            (
                "which is agreed",
                |s, m| {
                    s.terms.metering.every_isp = false;
                    m.profiles[1].isps.remove(7);
                },
                vec![],
            ),
            ("no ISP", |_, m| m.profiles[0].isps.clear(), vec![R::IspsOutOfBounds]),
            (
                "ISP 97",
                |_, m| m.profiles[0].isps[95].start = IspNumber::new(97).unwrap(),
                vec![R::IspsOutOfBounds],
            ),
            (
                "an ISP twice",
                |_, m| {
                    let again = m.profiles[0].isps[3];
                    m.profiles[0].isps.push(again);
                },
                vec![R::IspConflict],
            ),
            ("in any order", |_, m| m.profiles[0].isps.reverse(), vec![]),
            (
                "92 ISPs in spring",
                |_, m| {
                    m.period = date(2026, 3, 29);
                    m.profiles.iter_mut().for_each(|profile| profile.isps.truncate(92));
                },
                vec![],
            ),
            ("96 ISPs in spring", |_, m| m.period = date(2026, 3, 29), vec![R::IspsOutOfBounds]),
            ("96 ISPs in autumn", |_, m| m.period = date(2025, 10, 26), vec![R::LackingIsps]),
            (
                "less than no import",
                |_, m| m.profiles[1] = profile(ProfileType::ImportEnergy, "-0.3125"),
                vec![
                    R::PowerValueRejection,
                    R::other("Power is not (ImportEnergy - ExportEnergy) * 60 / ISP minutes"),
                ],
            ),
            (
                "a meter below 0",
                |_, m| m.profiles.push(profile(ProfileType::ExportMeterReading, "-1")),
                vec![R::PowerValueRejection],
            ),
            ("-0 is 0", |_, m| m.profiles.push(profile(ProfileType::ExportMeterReading, "-0.0")), vec![]),
            ("negative power", |_, m| m.profiles = vec![profile(ProfileType::Power, "-1.25")], vec![]),
            (
                "power in kWh",
                |_, m| m.profiles[0].unit = Unit::KilowattHour,
                vec![R::other("A profile is in the wrong unit")],
            ),
            (
                "of a power in kWh nothing is reckoned",
                |_, m| {
                    m.profiles[0].unit = Unit::KilowattHour;
                    m.profiles[0].isps[5].value = number("7");
                },
                vec![R::other("A profile is in the wrong unit")],
            ),
            (
                "a reading in kW",
                |_, m| {
                    m.profiles[0] = profile(ProfileType::ImportMeterReading, "7");
                    m.profiles[0].unit = Unit::Kilowatt;
                },
                vec![R::other("A profile is in the wrong unit")],
            ),
            (
                "a profile twice",
                |_, m| m.profiles.push(profile(ProfileType::Power, "3")),
                vec![R::other("A profile is there twice")],
            ),
            (
                "an agreed one is missing",
                |s, _| s.terms.metering.profiles = [ProfileType::Power, ProfileType::ExportEnergy].into(),
                vec![R::other("An agreed profile is missing")],
            ),
            (
                "the agreed ones",
                |s, _| s.terms.metering.profiles = [ProfileType::ImportEnergy].into(),
                vec![],
            ),
        ],
    );
}

#[test]
fn power_is_energy_by_the_hour() {
    let wrong = || vec![R::other("Power is not (ImportEnergy - ExportEnergy) * 60 / ISP minutes")];
    each(
        &metering(),
        after,
        vec![
            ("as far as its digits tell", |_, m| m.profiles[0].isps[5].value = number("1.26"), vec![]),
            ("further", |_, m| m.profiles[0].isps[5].value = number("1.27"), wrong()),
            ("to the last of them", |_, m| m.profiles[0].isps[5].value = number("1.2505"), vec![]),
            ("with more digits", |_, m| m.profiles[0].isps[5].value = number("1.2506"), wrong()),
            ("less, since export is not told", |_, m| m.profiles[0].isps[5].value = number("-3"), vec![]),
            (
                "import and export",
                |_, m| {
                    m.profiles[0] = profile(ProfileType::Power, "-1.0000");
                    m.profiles.push(profile(ProfileType::ExportEnergy, "0.5625"));
                },
                vec![],
            ),
            (
                "too much export",
                |_, m| {
                    m.profiles[0] = profile(ProfileType::Power, "-1.0000");
                    m.profiles.push(profile(ProfileType::ExportEnergy, "0.5628"));
                },
                wrong(),
            ),
            ("export alone", |_, m| m.profiles[1] = profile(ProfileType::ExportEnergy, "0.1"), vec![]),
            (
                "more exported than that",
                |_, m| {
                    m.profiles[0] = profile(ProfileType::Power, "-2.0");
                    m.profiles[1] = profile(ProfileType::ExportEnergy, "0.3");
                },
                wrong(),
            ),
            ("power alone", |_, m| drop(m.profiles.pop()), vec![]),
            ("energy alone", |_, m| drop(m.profiles.remove(0)), vec![]),
            ("beyond reckoning", |_, m| m.profiles[1].isps[0].value = Decimal::MAX, wrong()),
        ],
    );
}

#[test]
fn each_meter_has_its_own_revisions() {
    let known = || {
        let mut scene = after();
        let mut earlier = metering();
        earlier.revision = 4;
        scene.before(earlier, Fate::Accepted);
        scene
    };
    let mut next = metering();
    next.header.message_id = message_id(1);
    next.header.conversation_id = conversation(1);
    next.revision = 5;
    each(
        &next,
        known,
        vec![
            ("the same", |_, m| m.revision = 4, vec![R::SubordinateSequenceNumber]),
            (
                "the same, of the same meter with a small letter",
                |_, m| {
                    m.revision = 4;
                    m.ean = format!("e{}", m.ean.digits()).parse().unwrap();
                },
                vec![R::SubordinateSequenceNumber],
            ),
            (
                "of another meter",
                |_, m| (m.revision, m.ean) = (1, "E000000000000000000".parse().unwrap()),
                vec![],
            ),
            ("of another day", |_, m| (m.revision, m.period) = (1, date(2026, 6, 3)), vec![]),
            ("an unknown meter", |s, _| s.terms.metering.meters = Some([].into()), vec![unknown("EAN")]),
            (
                "a known one",
                |s, m| {
                    let ean = format!("e{}", m.ean.digits()).parse().unwrap();
                    s.terms.metering.meters = Some([ean].into());
                },
                vec![],
            ),
        ],
    );
}
