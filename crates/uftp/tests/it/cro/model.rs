//! Beside a slow and obvious common reference: the list of what was accepted, read through for every question.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tieline_uftp::cro::{Keeper, MemoryRegister};
use tieline_uftp::{Tolerance, parse};

use super::*;

const AGRS: [&str; 2] = ["a.nl", "b.nl"];
const DSOS: [&str; 2] = ["d.nl", "e.nl"];
const POINTS: [u32; 2] = [50, 51];
const CONNECTIONS: [u32; 3] = [1, 2, 3];
/// The last one stands for all that follow: no period of these tests begins or ends after the one before.
const ALL_DAYS: std::ops::RangeInclusive<i8> = 1..=26;

#[derive(Clone, Debug)]
enum Update {
    Agr(Vec<(u32, Days)>),
    Dso(Vec<Point>),
}

/// A point with its period, whether it takes several options, and what is behind it.
type Point = (u32, Days, bool, Vec<(u32, Days)>);

#[derive(Clone, Debug)]
struct Sent {
    today: i8,
    sender: &'static str,
    update: Update,
}

fn is_on((start, end): Days, day: i8) -> bool {
    start <= day && end.is_none_or(|end| day <= end)
}

#[derive(Default)]
struct Model(Vec<Sent>);

impl Model {
    /// Whether an AGR has a connection on a day.
    fn has(&self, agr: &str, connection: u32, day: i8) -> bool {
        let mut has = false;
        for sent in self.0.iter().filter(|sent| sent.sender == agr) {
            let Update::Agr(said) = &sent.update else { continue };
            let mut named = said.iter().filter(|(number, _)| *number == connection).peekable();
            if named.peek().is_some() {
                let on_day = named.any(|(_, days)| is_on(*days, day));
                has = on_day || (has && day < sent.today);
            }
        }
        has
    }

    /// Whether offers of several options are taken at a point on a day, and what is behind it; `None` if there is no trade.
    fn point(&self, dso: &str, point: u32, day: i8) -> Option<(bool, BTreeSet<u32>)> {
        let mut state: Option<(bool, BTreeSet<u32>)> = None;
        for sent in self.0.iter().filter(|sent| sent.sender == dso) {
            let Update::Dso(said) = &sent.update else { continue };
            let named: Vec<_> = said.iter().filter(|(number, ..)| *number == point).collect();
            let Some(last) = named.iter().map(|(_, (_, end), ..)| end.unwrap_or(99)).max() else { continue };
            let on_day = named.iter().find(|(_, days, ..)| is_on(*days, day));
            let mut new = on_day.map(|(_, _, mutex, connections)| {
                let behind =
                    connections.iter().filter(|(_, days)| is_on(*days, day)).map(|(number, _)| *number);
                (*mutex, behind.collect::<BTreeSet<_>>())
            });
            if day < sent.today {
                if state.is_none() {
                    state = new;
                }
                continue;
            }
            if last == sent.today
                && let (Some((_, new)), Some((_, old))) = (&mut new, &state)
            {
                let named: BTreeSet<u32> = named
                    .iter()
                    .flat_map(|(.., connections)| connections)
                    .map(|(number, _)| *number)
                    .collect();
                new.extend(old.difference(&named));
            }
            state = new;
        }
        state
    }

    /// No connection has two AGRs or the points of two DSOs, and no point two DSOs, on any day.
    fn is_consistent(&self) -> bool {
        let behind = |dso, connection, day| {
            let at = |point: &u32| self.point(dso, *point, day);
            POINTS.iter().filter_map(at).any(|(_, behind)| behind.contains(&connection))
        };
        ALL_DAYS.into_iter().all(|day| {
            let two_agrs = |connection| AGRS.iter().all(|agr| self.has(agr, connection, day));
            let two_dsos = |connection| DSOS.iter().all(|dso| behind(dso, connection, day));
            let shared = |point| DSOS.iter().all(|dso| self.point(dso, point, day).is_some());
            let mut connections = CONNECTIONS.into_iter();
            !connections.any(|connection| two_agrs(connection) || two_dsos(connection))
                && !POINTS.into_iter().any(shared)
        })
    }

    /// Takes an update that is right, and says whether it was.
    fn take(&mut self, sent: &Sent) -> bool {
        if !is_right(&sent.update) {
            return false;
        }
        self.0.push(sent.clone());
        let consistent = self.is_consistent();
        if !consistent {
            self.0.pop();
        }
        consistent
    }
}

/// Whether an update is right in itself.
fn is_right(update: &Update) -> bool {
    let in_order = |(start, end): Days| end.is_none_or(|end| start <= end);
    // None is named twice for one day.
    let once = |named: &[(u32, Days)]| {
        ALL_DAYS.into_iter().all(|day| {
            let mut on_day = BTreeSet::new();
            named.iter().filter(|(_, days)| is_on(*days, day)).all(|(number, _)| on_day.insert(*number))
        })
    };
    match update {
        Update::Agr(connections) => connections.iter().all(|(_, days)| in_order(*days)) && once(connections),
        Update::Dso(points) => {
            let periods: Vec<_> = points.iter().map(|(number, days, ..)| (*number, *days)).collect();
            periods.iter().all(|(_, days)| in_order(*days))
                && once(&periods)
                && points.iter().all(|(_, (start, end), _, connections)| {
                    once(connections)
                        && connections.iter().all(|(_, days)| {
                            in_order(*days)
                                && days.1.is_some() == end.is_some()
                                && days.0 >= *start
                                && end.is_none_or(|end| days.1.is_some_and(|last| last <= end))
                        })
                })
        }
    }
}

fn days() -> impl Strategy<Value = Days> {
    (2_i8..=16, prop::option::weighted(0.6, 0_i8..8))
        .prop_map(|(start, length)| (start, length.map(|l| start + l)))
}

fn update() -> impl Strategy<Value = (u8, Update)> {
    let agr = prop::collection::vec((prop::sample::select(CONNECTIONS.to_vec()), days()), 1..4);
    // Mostly within the point's period.
    let connection = (prop::sample::select(CONNECTIONS.to_vec()), 0_i8..4, 0_i8..4, 0_u8..30);
    let point = (
        prop::sample::select(POINTS.to_vec()),
        days(),
        any::<bool>(),
        prop::collection::vec(connection, 1..4),
    );
    let point = point.prop_map(|(number, (start, end), mutex, connections)| {
        let connections = connections.into_iter().map(|(connection, later, earlier, odd)| {
            let from = end.map_or(start + later, |end| (start + later).min(end));
            let to = end.map(|end| (end - earlier).max(from));
            match odd {
                0 => (connection, (start - 1, to)),
                1 => (connection, (from, None)),
                2 => (connection, (from, Some(from))),
                _ => (connection, (from, to)),
            }
        });
        (number, (start, end), mutex, connections.collect::<Vec<_>>())
    });
    let dso = prop::collection::vec(point, 1..3);
    (0_u8..2, prop_oneof![agr.prop_map(Update::Agr), dso.prop_map(Update::Dso)])
}

/// Updates in the order of days, some of which end a point on the day itself.
fn story() -> impl Strategy<Value = Vec<Sent>> {
    prop::collection::vec((0_i8..4, update(), 0_u8..4), 1..9).prop_map(|steps| {
        let mut today = 1;
        let sent = |(later, (who, mut update), ending): (i8, (u8, Update), u8)| {
            today += later;
            if let (0, Update::Dso(points)) = (ending, &mut update) {
                for (_, days, _, connections) in points {
                    *days = (days.0.min(today), Some(today));
                    for (_, of_connection) in connections {
                        *of_connection = (of_connection.0.clamp(days.0, today), Some(today));
                    }
                }
            }
            let sender = if matches!(update, Update::Agr(_)) { AGRS } else { DSOS }[usize::from(who)];
            Sent { today: today.min(24), sender, update }
        };
        steps.into_iter().map(sent).collect()
    })
}

fn decide(reference: &CommonReference, sent: &Sent) -> Result<tieline_uftp::cro::Change, Rejected> {
    match &sent.update {
        Update::Agr(connections) => {
            let sender = participant(Role::Agr, sent.sender);
            reference.agr_portfolio_update(&agr_update(sent.sender, connections), &sender, noon(sent.today))
        }
        Update::Dso(points) => {
            let points = points.iter().map(|(number, days, mutex, connections)| {
                let mut point = point(*number, *days, connections);
                point.mutex_offers_supported = *mutex;
                point
            });
            let sender = participant(Role::Dso, sent.sender);
            reference.dso_portfolio_update(
                &dso_update(sent.sender, points.collect()),
                &sender,
                noon(sent.today),
            )
        }
    }
}

/// Whatever is answered is a message that peers take which go by the schemas.
fn answers_read_back(reference: &CommonReference) {
    let reads_back = |query: Payload, answer: Result<Accepted, Rejected>| {
        let is_accepted = answer.is_ok();
        let decision = answer.map_or_else(Decision::from, Decision::from);
        let message = query.respond(&decision, header("cro.nl")).unwrap();
        assert_eq!(message.response().unwrap().1.is_accepted(), is_accepted);
        assert_eq!(parse(&message.to_xml(), &Tolerance::STRICT), Ok(message));
    };
    for day in ALL_DAYS {
        for agr in AGRS {
            let query = agr_query(agr, day);
            let answer = reference.agr_portfolio_query(&query, &participant(Role::Agr, agr));
            reads_back(query.into(), answer);
        }
        for (dso, point) in DSOS.into_iter().flat_map(|dso| POINTS.map(|point| (dso, point))) {
            let query = dso_query(dso, point, day);
            let answer = reference.dso_portfolio_query(&query, &participant(Role::Dso, dso));
            reads_back(query.into(), answer);
        }
    }
}

fn compare(reference: &Reference, model: &Model) {
    for day in ALL_DAYS {
        for dso in DSOS {
            for point in POINTS {
                let told = reference.behind(dso, point, day).ok().flatten();
                let told = told.map(|_| reference.numbers(dso, point, day)).unwrap_or_default();
                let expected = model.point(dso, point, day).map(|(_, behind)| behind).unwrap_or_default();
                assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{dso} {point} June {day}");
            }
        }
        for agr in AGRS {
            let mut expected: BTreeMap<(String, u32), (bool, Vec<u32>)> = BTreeMap::new();
            let mut free = Vec::new();
            for connection in CONNECTIONS.into_iter().filter(|connection| model.has(agr, *connection, day)) {
                let mut is_free = true;
                for dso in DSOS {
                    for point in POINTS {
                        let at =
                            model.point(dso, point, day).filter(|(_, behind)| behind.contains(&connection));
                        if let Some((mutex, _)) = at {
                            is_free = false;
                            let of_point =
                                expected.entry((dso.to_owned(), point)).or_insert((mutex, Vec::new()));
                            of_point.1.push(connection);
                        }
                    }
                }
                if is_free {
                    free.push(connection);
                }
            }
            let view = reference.view(agr, day).unwrap_or_default();
            let number = |address: &str| address.trim_start_matches("ean.").parse::<u32>().unwrap();
            let numbers = |entries: &[tieline_uftp::message::ConnectionEntry]| {
                entries.iter().map(|entry| number(entry.entity_address.as_str())).collect::<Vec<_>>()
            };
            let told: BTreeMap<_, _> = view
                .dso_portfolios
                .iter()
                .flat_map(|of_dso| {
                    of_dso.congestion_points.iter().map(|point| (of_dso.dso_domain.to_string(), point))
                })
                .map(|(dso, point)| {
                    let at = (dso, number(point.entity_address.as_str()));
                    (at, (point.mutex_offers_supported, numbers(&point.connections)))
                })
                .collect();
            assert_eq!(told, expected, "{agr} June {day}");
            assert_eq!(reference.unplaced(agr, day), free.len(), "{agr} June {day}");
            if !expected.is_empty() {
                assert_eq!(numbers(&view.connections), free, "{agr} June {day}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn it_tells_what_the_list_of_updates_tells(story in story()) {
        let mut reference = Reference::new();
        let mut model = Model::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keeper = Keeper::new(policy(), MemoryRegister::new());
        for sent in &story {
            let decided = decide(&reference.0, sent);
            prop_assert_eq!(decided.is_ok(), model.take(sent), "{:?}: {:?}", sent, decided);
            if let Ok(change) = decided {
                keeper.register().keep(&change).unwrap();
                keeper.expect(change.clone());
                reference.0.apply(change).unwrap();
            }
            compare(&reference, &model);
            let kept = runtime.block_on(keeper.current()).unwrap();
            prop_assert!(kept.points().eq(reference.0.points()) && kept.connections().eq(reference.0.connections()));
        }
        let restored = CommonReference::restore(
            policy(),
            reference.0.changes(),
            reference.0.points().cloned(),
            reference.0.connections().cloned(),
        );
        answers_read_back(&restored);
        compare(&Reference(restored), &model);
    }
}
