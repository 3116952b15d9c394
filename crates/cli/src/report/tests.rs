//! What page and text show, whatever the day.

use jiff::civil::date;

use super::day::Day;
use super::{Rows, page, sample, text};

fn html(day: &Day) -> String {
    page::page(day).into_string()
}

/// The elements that are still open where the page ends, after each was closed by its own end.
fn assert_well_formed(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = html.split_once("<body>").unwrap().1;
    let (body, script) = body.split_once("<script>").unwrap();
    assert_eq!(script.matches("</script>").count(), 1);
    for tag in body.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("<{tag}"));
        let name = tag.split([' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{tag}"),
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn ids(html: &str) -> Vec<&str> {
    html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_page_has_every_part_once_and_nothing_from_elsewhere() {
    let day = sample::day(date(2026, 6, 4), 40, 1);
    let html = html(&day);
    assert_well_formed(&html);
    let mut ids = ids(&html);
    for id in [
        "day",
        "key-ordered",
        "key-delivered",
        "key-paid",
        "key-drivers",
        "key-journals",
        "alarms",
        "chart-load",
        "chart-window",
        "chart-charging",
        "chart-served",
        "chart-money",
        "settlement",
        "order-1",
        "total-dso",
        "total-agr",
        "journals",
        "journal-1",
        "journal-2",
        "isps",
        "isp-1",
        "isp-96",
        "sessions",
        "session-1",
        "session-40",
    ] {
        assert_eq!(ids.iter().filter(|found| **found == id).count(), 1, "{id}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id comes twice");
    for elsewhere in ["http://", "https://", "src=", "href=", "url(", "@import"] {
        assert!(!html.contains(elsewhere), "{elsewhere}");
    }
    // Every drawing says in words what it is.
    assert_eq!(html.matches("<svg").count(), html.matches("<desc").count());
}

#[test]
fn days_on_which_clocks_change_have_all_their_isps_and_no_label_twice() {
    for (date, count, around) in [
        (date(2026, 3, 29), 92, ["01:45 CET to 03:00 CEST", "03:00 CEST to 03:15 CEST"]),
        (date(2026, 10, 25), 100, ["02:45 CEST to 02:00 CET", "02:00 CET to 02:15 CET"]),
        (date(2026, 6, 4), 96, ["02:00 to 02:15", "23:45 to 24:00"]),
    ] {
        let day = sample::day(date, 12, 3);
        let html = html(&day);
        assert_well_formed(&html);
        assert_eq!(html.matches(" id=\"isp-").count(), count);
        // Two charts have a strip for each ISP; the second has only some.
        assert!(html.matches("class=\"strip\"").count() > count);
        let text = text(&day, Rows::All);
        for label in around {
            assert!(html.contains(label), "{label}");
            assert!(text.contains(label), "{label}\n{text}");
        }
        let cells = html.split("<td>").skip(1).map(|rest| rest.split('<').next().unwrap());
        let mut times: Vec<&str> = cells.filter(|cell| cell.contains(" to ") && cell.contains(':')).collect();
        times.sort_unstable();
        times.dedup();
        assert_eq!(times.len(), count, "two ISPs have the same label");
    }
}

#[test]
fn names_from_elsewhere_stay_text() {
    const HOSTILE: &str = "</title></script><script>alert(1)</script>\"'&<img src=x onerror=y>\u{1b}[31m";
    let mut day = sample::day(date(2026, 6, 4), 8, 1);
    for session in &mut day.sessions {
        session.asked = session.asked.checked_mul(3).unwrap();
        for name in [&mut session.charger, &mut session.ocpp, &mut session.behaviour] {
            HOSTILE.clone_into(name);
        }
    }
    for isp in &mut day.isps {
        isp.shortfall = Some(HOSTILE.to_owned());
    }
    for order in &mut day.orders {
        HOSTILE.clone_into(&mut order.reference);
        HOSTILE.clone_into(&mut order.state);
    }
    for journal in &mut day.journals {
        HOSTILE.clone_into(&mut journal.role);
        HOSTILE.clone_into(&mut journal.head);
    }
    for alarm in &mut day.alarms {
        HOSTILE.clone_into(&mut alarm.text);
    }
    let html = html(&day);
    assert_well_formed(&html);
    assert_eq!(html.matches("<script").count(), 1);
    assert!(!html.contains("<img"));
    // In an attribute it ends nothing.
    assert!(html.contains(
        "data-reference=\"&lt;/title&gt;&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;"
    ));
    let text = text(&day, Rows::All);
    assert!(text.contains("onerror=y>\u{fffd}[31m"));
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn an_empty_day_is_shown_without_charts() {
    let mut day = sample::day(date(2026, 6, 4), 0, 1);
    for kind in [&mut day.isps.clone(), &mut Vec::new()] {
        day.isps.clone_from(kind);
        day.orders.clear();
        day.settlement = super::Settlement { dso: None, agr: None };
        assert_well_formed(&html(&day));
        assert!(text(&day, Rows::Traded).contains("NOT agree"));
    }
    assert!(!html(&day).contains("<svg"));
}

#[test]
fn thousands_of_sessions_make_a_page_of_bounded_size() {
    let day = sample::day(date(2026, 6, 4), 2_000, 5);
    let html = html(&day);
    assert_well_formed(&html);
    assert_eq!(html.matches(" id=\"session-").count(), 2_000);
    assert!(html.contains("of 2000 sessions"));
    let drawing = html.split("id=\"chart-charging-svg\"").nth(1).unwrap().split("</svg>").next().unwrap();
    assert!(drawing.matches("class=\"strip\"").count() <= 300);
    assert!(html.len() < 2_000_000, "{}", html.len());
}

#[test]
fn the_text_fits_a_terminal_and_sums_up_what_was_not_traded() {
    let day = sample::day(date(2026, 6, 4), 180, 7);
    let text = text(&day, Rows::Traded);
    println!("{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(text.contains("Who is short of energy"));
    let longest = super::text(&sample::day(date(2026, 10, 25), 180, 7), Rows::All);
    for line in longest.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(text.contains("1 to 68") && text.contains("85 to 96"));
    assert!(text.contains("missed in ISPs 73 to 74: 2 chargers did not take their limits"));
    assert!(text.contains("both sides agree"));
    for journal in &day.journals {
        assert!(text.contains(&journal.head));
    }
    let crowded = super::text(&sample::day(date(2026, 6, 4), 2_000, 5), Rows::Traded);
    assert_eq!(crowded.matches("\n  CP-").count(), 10, "only the worst ten are named");
    let all = super::text(&day, Rows::All);
    assert!(all.lines().count() > text.lines().count() + 70);
}

#[test]
fn a_day_is_json() {
    let day = sample::day(date(2026, 10, 25), 3, 1);
    let json: serde_json::Value = serde_json::to_value(&day).unwrap();
    assert_eq!(json["time_zone"], "Europe/Amsterdam");
    assert_eq!(json["isps"].as_array().unwrap().len(), 100);
    assert_eq!(json["isps"][68]["requested"]["disposition"], "Requested");
}
