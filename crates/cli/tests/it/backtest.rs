//! `tieline backtest`, on sessions that are made up and on the ACN sessions, where they are.

use std::path::{Path, PathBuf};

use crate::{text, tieline};

const SESSIONS: &str = "\
arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,session_id,estimated_departure,claimed
2026-03-02 08:00:00-08:00,2026-03-02 10:30:00-08:00,20.0,16.64,A,1,2026-03-02 10:30:00-08:00,True
2026-03-02 08:00:00-08:00,2026-03-02 17:00:00-08:00,30.0,20.0,B,2,2026-03-02 17:30:00-08:00,True
2026-03-02 08:00:00-08:00,2026-03-02 17:00:00-08:00,20.0,20.0,C,3,2026-03-02 17:00:00-08:00,False
";

fn backtest(sessions: &Path, options: &[&str]) -> std::process::Output {
    tieline(&[&["backtest", "--sessions", sessions.to_str().unwrap()], options].concat())
}

/// The four numbers of the node's rule under one cap: kWh short, sessions short, 95th percentile of the peak, percent kept.
fn node(printed: &str, percent: u8) -> [f64; 4] {
    let table = printed.split(&format!("cap at {percent} % of the baseline")).nth(1).unwrap();
    let row = table.lines().find(|line| line.ends_with("<- the node's")).unwrap();
    let numbers: Vec<f64> = row.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [.., short, sessions, p95, _, kept] = numbers[..] else { panic!("{row}") };
    [short, sessions, p95, kept]
}

#[test]
fn a_backtest_prints_a_table_for_each_cap() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sessions.csv");
    std::fs::write(&file, SESSIONS).unwrap();
    let tried = backtest(&file, &["--fewest-sessions", "3", "--cap", "50,20,0"]);
    assert!(tried.status.success(), "{}", text(&tried.stderr));
    let printed = text(&tried.stdout);
    let tried = "An order from 09:00 to 10:00 (America/Los_Angeles). Days: 1; sessions: 3, 0 left out;";
    assert!(printed.starts_with(tried), "{printed}");
    assert_eq!(printed.lines().filter(|line| line.contains("first come, first served")).count(), 3);
    // Uncontrolled the first has all it takes at 10:30. Without the order's hour it lacks 6,656 Wh, whatever the rule.
    assert!((node(printed, 0)[0] - 6.66).abs() < 0.001, "{printed}");
    assert!(node(printed, 50)[0] <= 0.01, "{printed}");
    for percent in [50, 20, 0] {
        assert!((node(printed, percent)[3] - 100.0).abs() < f64::EPSILON, "{printed}");
    }
}

#[test]
fn what_is_wrong_with_the_file_or_the_options_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sessions.csv");
    std::fs::write(&file, SESSIONS.replace("16.64", "sixteen")).unwrap();
    let refused = |options: &[&str]| {
        let tried = backtest(&file, options);
        assert!(!tried.status.success() && tried.stdout.is_empty());
        text(&tried.stderr).to_owned()
    };
    assert!(
        refused(&[]).contains("line 2: column \"delivered_energy (kWh)\": \"sixteen\": "),
        "{}",
        refused(&[])
    );
    std::fs::write(&file, SESSIONS).unwrap();
    assert!(refused(&[]).contains("no day has 30 sessions"));
    assert!(refused(&["--most-sessions", "2"]).contains("line 4: the file has more than 2 sessions"));
    assert!(refused(&["--from", "10:00"]).contains("the order must end after it begins"));
    for options in [["--zone", "Mars/Olympus"], ["--chargers", "32"], ["--cap", "101"], ["--step", "soon"]] {
        assert!(refused(&options).contains(options[0]), "{}", refused(&options));
    }
    let absent = backtest(&directory.path().join("absent.csv"), &[]);
    assert!(text(&absent.stderr).contains("absent.csv"));
}

/// The ACN sessions; `None` where the shared data is absent, which is an error under continuous integration.
fn acn() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    #[expect(
        clippy::disallowed_methods,
        reason = "where the shared data is, and whether this is CI, is said from outside"
    )]
    let (shared, is_ci) = (std::env::var_os("TIELINE_SHARED"), std::env::var_os("CI").is_some());
    let file = shared.map_or_else(beside, PathBuf::from).join("data/acn/jpl_2019-09-01_2019-12-31.csv.gz");
    let found = file.is_file();
    assert!(found || !is_ci, "{}: absent", file.display());
    found.then_some(file)
}

/// Drivers lack no more than under floors and water-fill with stated departures as they were measured elsewhere, and no day sees
/// a new peak after the order.
#[test]
fn on_the_acn_sessions_the_nodes_rule_spares_the_drivers_and_the_peak() {
    let Some(file) = acn() else {
        println!("skipped: no data/acn in the shared data (TIELINE_SHARED, or ../shared)");
        return;
    };
    let tried = backtest(&file, &["--node-only"]);
    assert!(tried.status.success(), "{}", text(&tried.stderr));
    let printed = text(&tried.stdout);
    assert!(printed.contains("Days: 78; sessions: 5449, 355 left out;"), "{printed}");
    for (percent, most_short, most_sessions) in [(50, 0.74, 0.42), (20, 1.95, 0.77)] {
        let [short, sessions, p95, kept] = node(printed, percent);
        assert!(short <= most_short && sessions <= most_sessions, "{printed}");
        assert!(p95 <= 1.0 && kept >= 100.0, "{printed}");
    }
}
