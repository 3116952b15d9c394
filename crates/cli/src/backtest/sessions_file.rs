//! Recorded sessions from a CSV file, as the public ACN data has them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use csv::StringRecord;
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use tieline_flex::backtest::RecordedSession;
use tieline_types::Energy;

/// The first bytes of a gzip file (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

const WATT_SECONDS_PER_KWH: i64 = 3_600_000;

/// No EV takes more, in kWh.
const MOST_ENERGY: i64 = 10_000;

/// How much is read at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Rows.
    pub(super) sessions: usize,
    /// Bytes, unpacked.
    pub(super) bytes: u64,
}

/// Reads a file, plain or gzipped.
pub(super) fn read(path: &Path, limits: Limits) -> anyhow::Result<Vec<RecordedSession>> {
    let mut file = BufReader::new(File::open(path)?);
    if file.fill_buf()?.starts_with(&GZIP) {
        rows(MultiGzDecoder::new(file), limits)
    } else {
        rows(file, limits)
    }
}

fn rows(input: impl Read, limits: Limits) -> anyhow::Result<Vec<RecordedSession>> {
    let mut reader = csv::Reader::from_reader(input.take(limits.bytes));
    let columns = Columns::of(reader.headers().context("line 1")?)?;
    let mut sessions = Vec::new();
    let mut row = StringRecord::new();
    loop {
        let line = reader.position().line();
        let read = reader.read_record(&mut row);
        if reader.get_ref().limit() == 0 {
            bail!("line {line}: the file has more than {} bytes", limits.bytes);
        }
        // The error says where.
        if !read? {
            return Ok(sessions);
        }
        if sessions.len() == limits.sessions {
            bail!("line {line}: the file has more than {} sessions", limits.sessions);
        }
        let line = row.position().map_or(line, csv::Position::line);
        sessions.push(columns.session(&row).with_context(|| format!("line {line}"))?);
    }
}

/// Where the columns are.
struct Columns {
    arrival: Column,
    departure: Column,
    delivered: Column,
    requested: Option<Column>,
    stated: Option<Column>,
    claimed: Option<Column>,
}

#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    index: usize,
}

impl Columns {
    fn of(headers: &StringRecord) -> anyhow::Result<Self> {
        let optional = |name: &'static str| {
            let index =
                headers.iter().position(|header| header.trim_start_matches('\u{feff}').trim() == name);
            index.map(|index| Column { name, index })
        };
        let required = |name| optional(name).ok_or_else(|| anyhow!("line 1: there is no column \"{name}\""));
        Ok(Self {
            arrival: required("arrival")?,
            departure: required("departure")?,
            delivered: required("delivered_energy (kWh)")?,
            requested: optional("requested_energy (kWh)"),
            stated: optional("estimated_departure"),
            claimed: optional("claimed"),
        })
    }

    /// What was not claimed was not said by a driver: the file then has the real departure in its place.
    fn session(&self, row: &StringRecord) -> anyhow::Result<RecordedSession> {
        let claimed =
            self.claimed.map_or(Ok(Some(true)), |column| column.read(row, boolean))?.unwrap_or(false);
        let said = |column: Option<Column>| column.filter(|_| claimed);
        let (arrival, departure) =
            (self.arrival.required(row, instant)?, self.departure.required(row, instant)?);
        if departure <= arrival {
            bail!("column \"departure\": {departure} is not after the arrival, {arrival}");
        }
        Ok(RecordedSession {
            arrival,
            departure,
            stated: said(self.stated).map_or(Ok(None), |column| column.read(row, instant))?,
            asked: said(self.requested).map_or(Ok(None), |column| column.read(row, energy))?,
            taken: self.delivered.required(row, energy)?,
        })
    }
}

impl Column {
    /// `None` where the cell is empty.
    fn read<T>(self, row: &StringRecord, parse: fn(&str) -> anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        let text = row.get(self.index).unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(None);
        }
        parse(text).map(Some).with_context(|| format!("column \"{}\": {text:?}", self.name))
    }

    fn required<T>(self, row: &StringRecord, parse: fn(&str) -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.read(row, parse)?.ok_or_else(|| anyhow!("column \"{}\" is empty", self.name))
    }
}

fn instant(text: &str) -> anyhow::Result<Timestamp> {
    text.parse().map_err(|_| anyhow!("not a time with an offset, such as 2019-09-01 10:32:07-07:00"))
}

fn energy(text: &str) -> anyhow::Result<Energy> {
    let kwh = text.parse().or_else(|_| Decimal::from_scientific(text));
    let kwh = kwh.map_err(|_| anyhow!("not a number of kWh"))?;
    if kwh.is_sign_negative() && !kwh.is_zero() || kwh > Decimal::from(MOST_ENERGY) {
        bail!("not from 0 to {MOST_ENERGY} kWh");
    }
    let watt_seconds = (kwh * Decimal::from(WATT_SECONDS_PER_KWH)).round().to_i64();
    Ok(Energy::from_watt_seconds(watt_seconds.context("too much")?))
}

fn boolean(text: &str) -> anyhow::Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => bail!("not True or False"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const HEADER: &str =
        "arrival,departure,requested_energy (kWh),delivered_energy (kWh),estimated_departure,claimed\n";
    const ROW: &str =
        "2019-09-02 07:00:00-07:00,2019-09-02 11:00:00-07:00,10.0,5.669,2019-09-02 10:00:00-07:00,True\n";
    const LIMITS: Limits = Limits { sessions: 3, bytes: 1_000 };

    fn parsed(text: &str) -> anyhow::Result<Vec<RecordedSession>> {
        rows(text.as_bytes(), LIMITS)
    }

    fn refused(text: &str) -> String {
        format!("{:#}", parsed(text).unwrap_err())
    }

    #[test]
    fn a_row_is_a_session() {
        let sessions = parsed(&format!("{HEADER}{ROW}")).unwrap();
        let instant = |text: &str| text.parse::<Timestamp>().unwrap();
        let expected = RecordedSession {
            arrival: instant("2019-09-02T14:00:00Z"),
            departure: instant("2019-09-02T18:00:00Z"),
            stated: Some(instant("2019-09-02T17:00:00Z")),
            asked: Some(Energy::from_watt_seconds(36_000_000)),
            taken: Energy::from_watt_seconds(20_408_400),
        };
        assert_eq!(sessions, [expected]);
    }

    #[test]
    fn what_was_not_claimed_is_not_known() {
        let sessions = parsed(&format!("{HEADER}{}", ROW.replace("True", "False"))).unwrap();
        assert_eq!((sessions[0].stated, sessions[0].asked), (None, None));
        let fewer =
            "arrival,departure,delivered_energy (kWh)\n2019-09-02T07:00:00Z,2019-09-02T08:00:00Z,1e0\n";
        assert_eq!(parsed(fewer).unwrap()[0].taken, Energy::from_watt_seconds(3_600_000));
    }

    #[test]
    fn an_error_names_line_and_column() {
        let second = |row: &str| refused(&format!("{HEADER}{ROW}{row}"));
        let wrong = |from: &str, to: &str| second(&ROW.replacen(from, to, 1));
        assert!(
            wrong("2019-09-02 07:00:00-07:00", "2019-09-02 07:00:00")
                .starts_with("line 3: column \"arrival\": ")
        );
        assert!(wrong("2019-09-02 11", "2019-09-02 05").starts_with("line 3: column \"departure\": "));
        assert!(wrong("10.0", "much").starts_with("line 3: column \"requested_energy (kWh)\": \"much\": "));
        assert!(wrong("5.669", "-1").starts_with("line 3: column \"delivered_energy (kWh)\": \"-1\": "));
        assert!(wrong("5.669", "").contains("\"delivered_energy (kWh)\" is empty"));
        assert!(wrong("True", "perhaps").starts_with("line 3: column \"claimed\": "));
        assert!(second("2019-09-02 07:00:00-07:00\n").contains("line: 3"), "{}", second("x\n"));
        assert_eq!(refused("arrival,departure\n"), "line 1: there is no column \"delivered_energy (kWh)\"");
        assert_eq!(refused(""), "line 1: there is no column \"arrival\"");
    }

    #[test]
    fn a_file_is_read_up_to_its_limits() {
        assert!(parsed(&format!("{HEADER}{}", ROW.repeat(3))).is_ok());
        assert_eq!(
            refused(&format!("{HEADER}{}", ROW.repeat(4))),
            "line 5: the file has more than 3 sessions"
        );
        let short = rows(format!("{HEADER}{ROW}").as_bytes(), Limits { bytes: 150, ..LIMITS }).unwrap_err();
        assert!(short.to_string().ends_with("the file has more than 150 bytes"), "{short}");
    }

    #[test]
    fn a_packed_file_is_the_same_and_a_cut_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.csv.gz");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(format!("{HEADER}{ROW}").as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read(&path, LIMITS).unwrap(), parsed(&format!("{HEADER}{ROW}")).unwrap());
        std::fs::write(&path, &packed[..packed.len() - 12]).unwrap();
        assert!(read(&path, LIMITS).is_err());
    }
}
