use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tieline_types::{Amount, Energy, Power, TimeSpan};

use super::day::Day;

/// How the instants of a day are written: in local time, and never so that one text means two instants.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    time_zone: TimeZone,
    date: jiff::civil::Date,
    /// Whether the day has hours that come twice or are left out, so that each must say its offset.
    switches: bool,
}

impl Clock {
    pub(super) fn of(day: &Day) -> Self {
        let time_zone = day.time_zone.clone();
        let switches = day.span().is_some_and(|span| {
            let last = span.end() - SignedDuration::from_secs(1);
            time_zone.to_offset(span.start()) != time_zone.to_offset(last)
        });
        Self { time_zone, date: day.date, switches }
    }

    /// `17:15`; with the zone's abbreviation on days on which clocks change, with the date on other days.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.time_zone.clone());
        let form = match (local.date() == self.date, self.switches) {
            (true, false) => "%H:%M",
            (true, true) => "%H:%M %Z",
            (false, false) => "%-d %b %H:%M",
            (false, true) => "%-d %b %H:%M %Z",
        };
        local.strftime(form).to_string()
    }

    /// `17:15 to 17:30`; the end of the day is `24:00`.
    pub(super) fn span(&self, span: TimeSpan) -> String {
        format!("{} to {}", self.time(span.start()), self.end(span.end()))
    }

    /// The local minute of the day.
    pub(super) fn minute(&self, at: Timestamp) -> i64 {
        let local = self.time_zone.to_datetime(at);
        i64::from(local.hour()) * 60 + i64::from(local.minute())
    }

    /// The same for an end that is not reached: the end of the day is `24:00`.
    pub(super) fn end(&self, at: Timestamp) -> String {
        let local = self.time_zone.to_datetime(at);
        let midnight = local.time() == jiff::civil::Time::midnight();
        let ends = midnight && self.date.tomorrow().is_ok_and(|tomorrow| tomorrow == local.date());
        if ends { "24:00".to_owned() } else { self.time(at) }
    }
}

/// Kilowatts with one fraction digit.
pub(super) fn kilowatts(power: Power) -> String {
    fraction(power.watts().into(), 1000, 1)
}

/// Kilowatts, or nothing that could be taken for a number.
pub(super) fn kilowatts_or_none(power: Option<Power>) -> String {
    power.map_or_else(String::new, kilowatts)
}

/// Kilowatt-hours with one fraction digit.
pub(super) fn kilowatt_hours(energy: Energy) -> String {
    fraction(energy.watt_seconds().into(), 3_600_000, 1)
}

/// Energy in the unit that suits it, and the unit.
pub(super) fn energy(energy: Energy) -> (String, &'static str) {
    if energy.watt_seconds().unsigned_abs() >= 3_600_000_000 {
        (fraction(energy.watt_seconds().into(), 3_600_000_000, 2), "MWh")
    } else {
        (kilowatt_hours(energy), "kWh")
    }
}

/// `99.4 %` of tenths of a percent.
pub(super) fn percent(permille: Option<i64>) -> String {
    permille.map_or_else(String::new, |permille| format!("{} %", fraction(permille.into(), 10, 1)))
}

/// Money with two fraction digits, or as many as it has.
pub(super) fn money(amount: Amount) -> String {
    let mut value = amount.value().normalize();
    if value.scale() < 2 {
        value.rescale(2);
    }
    value.to_string()
}

/// The beginning of a name that is too long for a chart.
pub(super) fn shortened(name: &str) -> String {
    const MOST: usize = 17;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or(name).trim_end()),
        None => name.to_owned(),
    }
}

/// `value / unit` with so many fraction digits, the last rounded, a half away from zero.
fn fraction(value: i128, unit: i128, digits: u32) -> String {
    let power = 10_i128.pow(digits);
    let rounded = (value.abs() * power * 2 + unit) / (unit * 2);
    let sign = if value < 0 && rounded != 0 { "-" } else { "" };
    let width = digits as usize;
    format!("{sign}{}.{:0width$}", rounded / power, rounded % power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_once_and_keep_their_sign() {
        for (watts, text) in
            [(0, "0.0"), (49, "0.0"), (50, "0.1"), (-49, "0.0"), (-50, "-0.1"), (123_450, "123.5")]
        {
            assert_eq!(kilowatts(Power::from_watts(watts)), text);
        }
        assert_eq!(energy(Energy::from_watt_seconds(3_599_999_999)), ("1000.0".to_owned(), "kWh"));
        assert_eq!(energy(Energy::from_watt_seconds(4_440_000_000)), ("1.23".to_owned(), "MWh"));
        assert_eq!(percent(Some(994)), "99.4 %");
        assert_eq!(percent(None), "");
        assert_eq!(kilowatts(Power::from_watts(i64::MIN)), "-9223372036854775.8");
    }

    #[test]
    fn only_long_names_are_shortened_and_no_letter_is_cut() {
        assert_eq!(shortened("demo-1"), "demo-1");
        assert_eq!(shortened("éééééééééééééééééé"), "ééééééééééééééééé…");
        assert_eq!(shortened("5f2c9a7e-demo-order"), "5f2c9a7e-demo-ord…");
    }

    #[test]
    fn money_has_cents_and_no_digit_is_lost() {
        for (amount, text) in [("12", "12.00"), ("-0.5", "-0.50"), ("1.7000", "1.70"), ("1.2345", "1.2345")] {
            assert_eq!(money(amount.parse().unwrap()), text);
        }
    }
}
