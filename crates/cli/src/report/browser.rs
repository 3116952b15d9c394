//! The page in a real browser.

use std::path::{Path, PathBuf};

use jiff::civil::date;
use tieline_interop::{Browser, ColourScheme};
use tieline_types::IspRange;

use super::sample;

const WIDTH: u32 = 1280;
/// More than the page is high.
const HEIGHT: u32 = 3600;
const CHARTS: [&str; 5] = ["chart-load", "chart-window", "chart-charging", "chart-served", "chart-money"];

#[test]
fn a_browser_shows_every_chart_and_number() {
    let Some(browser) = browser() else { return };
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

    let vivid = |page: &Path, scheme, name: &str| -> Vec<usize> {
        let picture = browser.picture(page, (WIDTH, HEIGHT), scheme, &folder.join(name)).unwrap();
        assert_eq!((picture.width, picture.height), (WIDTH, HEIGHT));
        assert_eq!(picture.brightness_of_corner() > 127, scheme == ColourScheme::Light);
        let colours = |chart| picture.colours(document.place(&format!("{chart}-svg")).unwrap()).unwrap();
        CHARTS.map(|chart| colours(chart).into_iter().filter(|colour| is_vivid(*colour)).count()).to_vec()
    };
    for (scheme, name) in [(ColourScheme::Light, "light.png"), (ColourScheme::Dark, "dark.png")] {
        let counts = vivid(&page, scheme, name);
        assert!(counts.iter().all(|count| *count >= 3), "{scheme:?}: {counts:?} of {CHARTS:?}");
    }

    // Axes and text alone would not have passed.
    let blank = folder.join("blank.html");
    let hidden =
        std::fs::read_to_string(&page).unwrap() + "<style>path, rect, circle { visibility: hidden }</style>";
    std::fs::write(&blank, hidden).unwrap();
    let counts = vivid(&blank, ColourScheme::Light, "blank.png");
    assert!(counts.iter().all(|count| *count == 0), "{counts:?} of {CHARTS:?}");
}

#[test]
fn a_crowded_day_fits_a_small_window() {
    let Some(browser) = browser() else { return };
    let temporary = tempfile::tempdir().unwrap();
    let folder = folder(temporary.path());
    let page = folder.join("crowded.html");
    let mut day = sample::day(date(2026, 10, 25), 2_000, 11);
    day.orders = (1..=40)
        .map(|number| {
            let mut order = day.orders[0].clone();
            order.reference = format!("an order with a long reference {number}");
            order.isps = IspRange::from_numbers(2 * number, 2).unwrap();
            order
        })
        .collect();
    super::write(&day, &page).unwrap();
    let size = (620, 6_000);
    let document = browser.open(&page, size).unwrap();
    for id in CHARTS.into_iter().chain(["day", "settlement", "journals", "isps", "sessions"]) {
        let [left, _, width, height] = document.place(id).unwrap();
        assert!(width > 300 && height > 20 && left + width <= size.0, "{id}: {width} × {height} at {left}");
    }
    browser.picture(&page, size, ColourScheme::Light, &folder.join("crowded.png")).unwrap();
}

/// Says so where there is none.
fn browser() -> Option<Browser> {
    let browser = Browser::find().unwrap();
    if browser.is_none() {
        println!("skipped: there is no Chromium on this machine");
    }
    browser
}

/// Whether it is a colour rather than a grey.
fn is_vivid([red, green, blue]: [u8; 3]) -> bool {
    red.max(green).max(blue) - red.min(green).min(blue) > 60
}

/// The pages and pictures stay in `TIELINE_REPORT_DIR` where that is set: to look at them.
#[expect(clippy::disallowed_methods, reason = "who runs the tests may want to see what they saw")]
fn folder(temporary: &Path) -> PathBuf {
    std::env::var_os("TIELINE_REPORT_DIR").map_or_else(|| temporary.to_owned(), PathBuf::from)
}
