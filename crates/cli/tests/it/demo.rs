//! The day of the demo, from outside: what it comes to, twice, with kills, and on days that are not like the others.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tieline_interop::Browser;

/// A day that was played, as `--json` wrote it.
struct Played {
    day: Value,
    printed: String,
}

/// Plays a day as fast as it goes.
fn play(arguments: &[&str]) -> Played {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("day.json");
    let fast = ["demo", "--speed", "0", "--json", json.to_str().unwrap()];
    let played = super::tieline(&[&fast[..], arguments].concat());
    let printed = super::text(&played.stdout).to_owned();
    assert!(played.status.success(), "{arguments:?}: {printed}\n{}", super::text(&played.stderr));
    let day = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    Played { day, printed }
}

impl Played {
    /// What a day is about, without what is different each time: how long it took, and identifiers in the journals.
    fn essence(&self) -> Value {
        let mut day = self.day.clone();
        for other in ["took", "journals"] {
            assert!(day.as_object_mut().unwrap().remove(other).is_some(), "{other}");
        }
        day
    }

    fn isps(&self) -> &Vec<Value> {
        self.day["isps"].as_array().unwrap()
    }

    /// The ordered ISPs in which more than five percent of the order is missing, with the reason that was given for it.
    fn missed(&self) -> Vec<(u64, Option<&str>)> {
        let ordered: Vec<&Value> = self
            .isps()
            .iter()
            .filter(|isp| isp["ordered"].as_i64().is_some_and(|watts| watts != 0))
            .collect();
        assert!(ordered.len() >= 4, "hardly anything was ordered: {}", self.printed);
        let is_missed = |isp: &&Value| {
            let ordered = isp["ordered"].as_i64().unwrap().abs();
            isp["deficiency"].as_i64().unwrap() * 20 > ordered
        };
        let missed = ordered.into_iter().filter(is_missed);
        missed.map(|isp| (isp["number"].as_u64().unwrap(), isp["shortfall"].as_str())).collect()
    }

    /// Whether both sides were registered with the CRO, and asked it at the start and each day at nine; all journals are
    /// whole.
    fn is_registered(&self) -> bool {
        let times = |said: &str| self.printed.lines().filter(|line| line.contains(said)).count();
        let accepted = |label: &str| {
            let lines = self.printed.lines().filter(|line| line.contains(label));
            lines.filter(|line| line.ends_with("Accepted")).count()
        };
        ["AGR", "DSO"].iter().all(|role| {
            let asked = times(&format!("{role} → CRO     {role}PortfolioQuery "));
            times(&format!("{role} → CRO     {role}PortfolioUpdate ")) == 1
                && accepted(&format!("CRO → {role}     {role}PortfolioUpdateResponse")) == 1
                && asked >= 2
                && accepted(&format!("CRO → {role}     {role}PortfolioQueryResponse")) == asked
        }) && self.day["journals"].as_array().unwrap().iter().filter(|one| one["verified"] == true).count()
            == 3
    }

    /// Whether both sides have settled, and to the same amounts.
    fn agrees(&self) -> bool {
        let settlement = &self.day["settlement"];
        settlement["dso"].is_object() && settlement["dso"] == settlement["agr"]
    }
}

#[test]
fn every_ordered_isp_is_delivered_and_the_same_seed_is_the_same_day() {
    let first = play(&["--chargers", "50"]);
    assert_eq!(first.missed(), []);
    assert!(first.agrees(), "{}", first.printed);
    assert_eq!(first.isps().len(), 96);
    assert!(first.is_registered(), "{}", first.printed);
    let again = play(&["--chargers", "50"]);
    assert_eq!(again.essence(), first.essence());
    let other = play(&["--chargers", "50", "--seed", "8"]);
    assert_ne!(other.essence()["sessions"], first.essence()["sessions"]);
    assert_eq!(other.missed(), []);
}

#[test]
fn days_with_another_number_of_isps_and_in_another_zone_are_delivered() {
    for (arguments, isps) in [
        (["--date", "2026-03-29", "--zone", "Europe/Amsterdam"], 92),
        (["--date", "2026-10-25", "--zone", "Europe/Amsterdam"], 100),
        (["--date", "2026-12-03", "--zone", "America/New_York"], 96),
    ] {
        let played = play(&[&["--chargers", "30"], &arguments[..]].concat());
        assert_eq!(played.isps().len(), isps, "{arguments:?}");
        assert_eq!(played.missed(), [], "{arguments:?}");
        assert!(played.agrees(), "{arguments:?}: {}", played.printed);
    }
}

#[test]
fn what_disobedient_chargers_draw_is_made_up_for_or_reported() {
    let mut disobedient = 0;
    for seed in ["1", "5"] {
        let played = play(&["--chargers", "50", "--disobedient", "10", "--seed", seed]);
        let sessions = played.day["sessions"].as_array().unwrap();
        disobedient += sessions.iter().filter(|session| session["behaviour"] != "obeys").count();
        let first = played.isps().iter().find(|isp| isp["ordered"].as_i64().is_some_and(|watts| watts != 0));
        let first = first.unwrap()["number"].as_u64().unwrap();
        for (isp, reason) in played.missed() {
            assert!(isp == first || reason.is_some(), "ISP {isp} with seed {seed}: {}", played.printed);
        }
        assert!(played.agrees(), "seed {seed}: {}", played.printed);
    }
    assert!(disobedient >= 4, "only {disobedient} sessions at disobedient chargers");
}

#[test]
fn nodes_that_are_killed_come_to_the_same_orders_energies_and_settlement() {
    for seed in ["7", "11"] {
        let evening = ["--chargers", "20", "--from", "16:00", "--until", "19:00", "--seed", seed];
        let undisturbed = play(&evening);
        assert!(undisturbed.agrees(), "{}", undisturbed.printed);
        let killed = play(&[&evening[..], &["--kill", "20"]].concat());
        assert_eq!(killed.essence(), undisturbed.essence(), "seed {seed}");
    }
}

#[test]
fn a_browser_shows_the_day_as_it_was() {
    let Some(browser) = Browser::find().unwrap() else {
        eprintln!("skipped: there is no Chromium here");
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "somebody wants to look at the pictures")]
    let kept = std::env::var_os("TIELINE_REPORT_DIR").map(PathBuf::from);
    let page = kept.as_deref().unwrap_or(temporary.path()).join("demo.html");
    let played = play(&["--chargers", "50", "--report", page.to_str().unwrap()]);
    let (width, height) = (1280, 3200);
    let document = browser.open(&page, (width, height)).unwrap();
    let net = played.day["settlement"]["dso"]["net"].as_str().unwrap();
    assert_eq!(document.attribute("total-dso", "data-net").unwrap(), net);
    assert_eq!(document.attribute("total-agr", "data-net").unwrap(), net);
    let sessions = played.day["sessions"].as_array().unwrap().len().to_string();
    assert_eq!(document.attribute("key-drivers", "data-sessions").unwrap(), sessions);
    assert_eq!(document.attribute("key-journals", "data-verified").unwrap(), "3");
    for isp in played.isps().iter().filter(|isp| isp["ordered"].is_i64()) {
        let row = format!("isp-{}", isp["number"]);
        assert_eq!(document.attribute(&row, "data-baseline").unwrap(), isp["baseline"].to_string());
    }
    let picture = page.with_extension("png");
    let picture = browser
        .picture(&page, (width, height), tieline_interop::ColourScheme::Light, Path::new(&picture))
        .unwrap();
    assert_eq!((picture.width, picture.height), (width, height));
    for chart in ["chart-load", "chart-window", "chart-charging", "chart-served", "chart-money"] {
        let colours = picture.colours(document.place(&format!("{chart}-svg")).unwrap()).unwrap();
        assert!(colours.len() > 8, "{chart} has {} colours", colours.len());
    }
}
