//! The page in a real browser.

use std::path::{Path, PathBuf};

use jiff::civil::date;
use tieline_interop::{Browser, ColourScheme};

use super::sample;

const WIDTH: u32 = 1280;
/// More than the page is high.
const HEIGHT: u32 = 3600;
const CHARTS: [&str; 5] = ["chart-load", "chart-window", "chart-charging", "chart-served", "chart-money"];

#[test]
fn a_browser_shows_every_chart_and_number() {
    let Some(browser) = Browser::find().unwrap() else {
        println!("skipped: there is no Chromium on this machine");
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    let folder = folder(temporary.path());
    let page = folder.join("report.html");
    let day = sample::day(date(2026, 6, 4), 180, 7);
    super::write(&day, &page).unwrap();

    let document = browser.open(&page, (WIDTH, HEIGHT)).unwrap();
    assert!(document.attribute("tip", "hidden").is_ok(), "the script did not run");
    for (id, attribute, value) in [
        ("day", "data-isps", "96"),
        ("key-ordered", "data-watt-seconds", ""),
        ("key-delivered", "data-permille", ""),
        ("key-paid", "data-agrees", "true"),
        ("key-drivers", "data-sessions", "180"),
        ("key-journals", "data-verified", "2"),
        ("isp-96", "data-baseline", ""),
        ("session-180", "data-charger", "CP-0180"),
        ("total-agr", "data-net", &day.settlement.agr.unwrap().net.to_string()),
    ] {
        let found = document.attribute(id, attribute).unwrap();
        assert!(value.is_empty() && !found.is_empty() || found == value, "{id} {attribute}: {found}");
    }

    for scheme in [ColourScheme::Light, ColourScheme::Dark] {
        let to = folder.join(format!("{scheme:?}.png").to_lowercase());
        let picture = browser.picture(&page, (WIDTH, HEIGHT), scheme, &to).unwrap();
        assert_eq!((picture.width, picture.height), (WIDTH, HEIGHT));
        assert_eq!(picture.brightness_of_corner() > 127, scheme == ColourScheme::Light);
        for chart in CHARTS {
            let place = document.place(&format!("{chart}-svg")).unwrap();
            let colours = picture.colours(place).unwrap();
            assert!(colours.len() > 24, "{chart} has {} colours in {scheme:?}", colours.len());
        }
    }
}

/// The pages and pictures stay in `TIELINE_REPORT_DIR` where that is set: to look at them.
#[expect(clippy::disallowed_methods, reason = "who runs the tests may want to see what they saw")]
fn folder(temporary: &Path) -> PathBuf {
    std::env::var_os("TIELINE_REPORT_DIR").map_or_else(|| temporary.to_owned(), PathBuf::from)
}
