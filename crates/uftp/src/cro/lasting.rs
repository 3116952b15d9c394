//! What lasts from day to day, and how it is amended.

use jiff::civil::Date;

use super::Days;

/// Something that holds on some days.
pub(super) trait Lasting: Clone {
    fn days(&self) -> Days;

    /// The same on other days.
    fn on(&self, days: Days) -> Self;

    /// Whether the two say the same but for the days.
    fn says_the_same(&self, other: &Self) -> bool;
}

/// What an update adds: all that it says from today on, and of the days before only those that are not `registered`.
pub(super) fn news<T: Lasting>(said: &[T], registered: &[Days], today: Date) -> Vec<T> {
    let mut news = Vec::new();
    for item in said {
        news.extend(item.days().from(today).map(|days| item.on(days)));
        let past = item.days().before(today).map(|past| past.without(registered)).unwrap_or_default();
        news.extend(past.into_iter().map(|days| item.on(days)));
    }
    news
}

/// What an update leaves: what was registered for the days that are over.
pub(super) fn history<T: Lasting>(known: &[T], today: Date) -> Vec<T> {
    known.iter().filter_map(|item| Some(item.on(item.days().before(today)?))).collect()
}

/// In the order of days, with one item for what goes on unchanged.
pub(super) fn joined<T: Lasting + Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    let mut joined: Vec<T> = Vec::with_capacity(items.len());
    for item in items {
        match joined.iter_mut().rev().find(|last| last.says_the_same(&item)) {
            Some(last) if last.days().meets(item.days()) => *last = last.on(last.days().until(item.days())),
            _ => joined.push(item),
        }
    }
    joined
}

/// Whether two of them have a day in common.
pub(super) fn any_overlap(days: &mut [Days]) -> bool {
    days.sort_unstable();
    days.windows(2).any(|pair| pair[0].overlaps(pair[1]))
}
