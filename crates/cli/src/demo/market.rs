//! What the day is about: who charges when, what was to be expected, and where the transformer would be overloaded.

use anyhow::{Context as _, bail};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tieline_sim::grid::{GridNeed, Transformer};
use tieline_sim::{Population, PopulationConfig, SessionSpec, SiteKind};
use tieline_types::{IspCalendar, IspDay, IspDuration, Power, TimeSpan};

use super::Demo;

/// How many earlier days of the same kind the prognosis is the mean of.
const EARLIER_DAYS: usize = 10;

/// How long before the first congested ISP the grid operator requests.
const BEFORE: SignedDuration = SignedDuration::from_mins(60);

/// How much of what the chargers are expected to draw at the peak is too much for the transformer, in percent.
const TOO_MUCH: i64 = 30;

/// The day as it was drawn.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) calendar: IspCalendar,
    pub(super) day: IspDay,
    /// When the simulation starts.
    pub(super) start: Timestamp,
    pub(super) population: Population,
    pub(super) sessions: Vec<SessionSpec>,
    /// What the chargers are expected to draw in each ISP: the aggregator's knowledge.
    pub(super) expected: Vec<Power>,
    /// What they would draw if nobody steered them.
    pub(super) uncontrolled: Vec<Power>,
    pub(super) transformer: Transformer,
    /// What the grid operator needs.
    pub(super) needs: Vec<GridNeed>,
    /// When it says so.
    pub(super) request_at: Timestamp,
}

impl Market {
    pub(super) fn draw(demo: &Demo) -> anyhow::Result<Self> {
        let zone = TimeZone::get(&demo.zone).with_context(|| format!("--zone {}", demo.zone))?;
        let calendar = IspCalendar::new(zone.clone(), IspDuration::from_minutes(15)?);
        let day = calendar.day(demo.date).with_context(|| format!("--date {}", demo.date))?;
        let at = |time: Option<jiff::civil::Time>| -> anyhow::Result<Option<Timestamp>> {
            Ok(time.map(|time| zone.to_timestamp(demo.date.to_datetime(time))).transpose()?)
        };
        let start = at(demo.from)?.unwrap_or(day.start());
        let end = at(demo.until)?.unwrap_or(Timestamp::MAX);
        let mut config = PopulationConfig::new(demo.chargers as usize, zone.clone());
        config.sites = vec![(SiteKind::Street, 7), (SiteKind::Mixed, 2), (SiteKind::Workplace, 1)];
        let population = Population::draw(demo.seed, config)?;
        let sessions = within(population.sessions_of(demo.date.yesterday()?..=demo.date)?, start, end);
        let spans: Vec<TimeSpan> = day.isps().map(|(_, span)| span).collect();
        let uncontrolled = population.uncontrolled(&sessions, &spans);
        let expected = expected(&population, &calendar, &day, start, end)?;
        let transformer = Transformer { rating: Power::ZERO, households: demo.chargers, noise: 30 };
        let others = transformer.household_load(&day, &zone, demo.seed);
        // What is over, or too near to be asked for, is nothing to trade.
        let from = start + if start > day.start() { BEFORE } else { SignedDuration::ZERO };
        let before = day.isps().filter(|(_, span)| span.start() < from).count();
        let transformer =
            Transformer { rating: rating(&expected[before..], &others[before..]), ..transformer };
        let mut needs = wanted(&transformer.needs(&day, &expected, &others));
        needs.retain(|need| day.range(need.isps).is_ok_and(|span| span.start() >= from));
        let Some(first) = needs.iter().find(|need| need.requested) else {
            bail!("there is no congestion to trade in this time: try more chargers, or --from another time");
        };
        let request_at = (day.range(first.isps)?.start() - BEFORE).max(start + SignedDuration::from_mins(5));
        Ok(Self {
            calendar,
            day,
            start,
            population,
            sessions,
            expected,
            uncontrolled,
            transformer,
            needs,
            request_at,
        })
    }

    /// From the first congested ISP to the last.
    pub(super) fn congestion(&self) -> anyhow::Result<TimeSpan> {
        let requested: Vec<&GridNeed> = self.needs.iter().filter(|need| need.requested).collect();
        let (first, last) = requested.first().zip(requested.last()).context("no ISP is congested")?;
        let (first, last) = (self.day.range(first.isps)?, self.day.range(last.isps)?);
        TimeSpan::new(first.start(), last.end()).context("the congestion has no length")
    }
}

/// The sessions that are there at any time from `start` to `end`; all have left by then.
fn within(sessions: Vec<SessionSpec>, start: Timestamp, end: Timestamp) -> Vec<SessionSpec> {
    let cut = |mut session: SessionSpec| {
        if session.departure() <= start {
            return None;
        }
        session.stay = TimeSpan::new(session.arrival(), session.departure().min(end))?;
        Some(session)
    };
    sessions.into_iter().filter_map(cut).collect()
}

/// The mean over earlier days of the same kind, by the local clock: what an aggregator that has measured them expects.
fn expected(
    population: &Population,
    calendar: &IspCalendar,
    day: &IspDay,
    start: Timestamp,
    end: Timestamp,
) -> anyhow::Result<Vec<Power>> {
    let shifted = |at: Timestamp, to: &IspDay| -> anyhow::Result<Timestamp> {
        let local = calendar.time_zone().to_datetime(at);
        let days = local.date().since(day.date())?.get_days();
        let date = to.date().checked_add(jiff::Span::new().days(days))?;
        Ok(calendar.time_zone().to_timestamp(date.to_datetime(local.time()))?)
    };
    let mut sums = vec![0_i64; usize::from(day.count())];
    let mut date = day.date();
    let mut found = 0;
    while found < EARLIER_DAYS {
        date = date.yesterday()?;
        let Ok(earlier) = calendar.day(date) else { continue };
        if is_weekend(date) != is_weekend(day.date()) {
            continue;
        }
        found += 1;
        let end = if end == Timestamp::MAX { end } else { shifted(end, &earlier)? };
        let sessions = population.sessions_of(date.yesterday()?..=date)?;
        let sessions = within(sessions, shifted(start, &earlier)?, end);
        let spans: Vec<TimeSpan> = day
            .isps()
            .map(|(_, span)| {
                let begin = shifted(span.start(), &earlier)?;
                TimeSpan::new(begin, begin + span.duration()).context("an ISP has a length")
            })
            .collect::<Result<_, _>>()?;
        for (sum, power) in sums.iter_mut().zip(population.uncontrolled(&sessions, &spans)) {
            *sum += power.watts();
        }
    }
    let days = i64::try_from(EARLIER_DAYS)?;
    Ok(sums.into_iter().map(|sum| Power::from_watts(sum / days)).collect())
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// So small that at the highest load a good part of the charging is too much.
fn rating(expected: &[Power], others: &[Power]) -> Power {
    let too_much = |(charging, other): (&Power, &Power)| {
        let all = charging.watts() + other.watts();
        (all, all - charging.watts() * TOO_MUCH / 100)
    };
    let peak = expected.iter().zip(others).map(too_much).max();
    Power::from_watts(peak.map_or(0, |(_, rating)| rating))
}

/// What the operator asks for: what is too much, up to a tenth more of it, in whole 100 W.
fn wanted(needs: &[GridNeed]) -> Vec<GridNeed> {
    let round = |power: Power| Power::from_watts(power.watts().div_euclid(100) * 100);
    let each = needs.iter().map(|need| {
        if need.requested {
            let max = round(need.max);
            let min = round(Power::from_watts(max.watts() + max.watts() / 10)).max(need.min).min(max);
            GridNeed { min, max, ..*need }
        } else {
            GridNeed { max: round(need.max), ..*need }
        }
    });
    each.collect()
}
