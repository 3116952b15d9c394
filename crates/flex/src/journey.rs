use tieline_types::TimeSpan;

use crate::fill::{Part, fill, total};
use crate::floor::{Course, seconds};
use crate::tree::{ALL, Places, Tree};
use crate::{ChargingSession, Departure, Fleet, Miss, Steering};

/// A fleet on its way through a plan, span by span.
#[derive(Clone, Debug)]
pub(crate) struct Journey<'a> {
    /// Those that do what they are told, in the order of their names.
    pub(crate) steerable: Vec<Traveller<'a>>,
    /// Those that do not.
    pub(crate) unsteerable: Vec<Traveller<'a>>,
    pub(crate) tree: Tree,
}

/// A session, and its place in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traveller<'a> {
    pub(crate) course: Course<'a>,
    pub(crate) node: usize,
}

/// What a span is filled with.
#[derive(Debug)]
pub(crate) struct Filled {
    /// For each of those that do what they are told.
    pub(crate) parts: Vec<Part>,
    /// What each of the others draws, in watts.
    pub(crate) unsteered: Vec<i64>,
    /// What these leave of the limits.
    pub(crate) tree: Tree,
}

impl<'a> Journey<'a> {
    pub(crate) fn new(fleet: &'a Fleet) -> Self {
        let (tree, places) = Tree::of(fleet);
        let mut sessions: Vec<&ChargingSession> = fleet.sessions.iter().collect();
        sessions.sort_by(|one, other| one.id.cmp(&other.id));
        let (steerable, unsteerable) =
            sessions.into_iter().partition::<Vec<_>, _>(|session| session.steering == Steering::Steerable);
        let travellers = |sessions: Vec<&'a ChargingSession>, places: &Places<'_>| {
            let traveller = |session| Traveller { course: Course::new(session), node: places.of(session) };
            sessions.into_iter().map(traveller).collect()
        };
        let (steerable, unsteerable) = (travellers(steerable, &places), travellers(unsteerable, &places));
        Self { steerable, unsteerable, tree }
    }

    /// Shares `watts` out over the sessions in `span`. For an increase among those who can use it before the span ends, if
    /// that reaches it.
    pub(crate) fn fill(&self, span: TimeSpan, watts: i64, miss: Miss) -> Filled {
        if miss == Miss::Above {
            let useful = self.fill_usefully(span, watts);
            if useful.total() == watts {
                return useful;
            }
        }
        self.fill_alike(span, watts, miss)
    }

    /// Shares `watts` out over the sessions in `span`, whether they can use it before it ends or not.
    pub(crate) fn fill_alike(&self, span: TimeSpan, watts: i64, miss: Miss) -> Filled {
        let unsteered = |course: &Course<'_>| course.unsteered(span);
        self.filled(span, watts, miss, unsteered, |Traveller { course, node }| {
            Part::new(course.range(span), course.session.supply, *node)
        })
    }

    /// Shares out `watts` or more, and gives nobody more than it can use before the span ends.
    pub(crate) fn fill_usefully(&self, span: TimeSpan, watts: i64) -> Filled {
        let mean = |course: &Course<'_>| mean(course.drawn(span, course.unsteered(span)), span);
        self.filled(span, watts, Miss::Above, mean, |Traveller { course, node }| {
            Part::new(course.useful(span), course.session.supply, *node)
        })
    }

    /// Gives every session what it takes by itself.
    pub(crate) fn fill_freely(&self, span: TimeSpan) -> Filled {
        let unsteered = |course: &Course<'_>| course.unsteered(span);
        self.filled(span, ALL, Miss::Below, unsteered, |Traveller { course, node }| {
            Part::new(course.appetite(span), course.session.supply.without_steps(), *node)
        })
    }

    fn filled(
        &self,
        span: TimeSpan,
        watts: i64,
        miss: Miss,
        unsteered: impl Fn(&Course<'_>) -> i64,
        part: impl Fn(&Traveller<'_>) -> Part,
    ) -> Filled {
        let mut parts: Vec<Part> = self.steerable.iter().map(part).collect();
        let loads = self.unsteerable.iter().map(|Traveller { course, node }| (*node, course.unsteered(span)));
        let tree = self.tree.after(loads);
        let unsteered: Vec<i64> = self.unsteerable.iter().map(|one| unsteered(&one.course)).collect();
        let left = watts.saturating_sub(sum(&unsteered));
        fill(&mut parts, left, miss, &tree);
        Filled { parts, unsteered, tree }
    }

    /// What is drawn over `span`, in watt seconds.
    pub(crate) fn drawn(&self, span: TimeSpan, filled: &Filled) -> i64 {
        let steered = self.steerable.iter().zip(&filled.parts);
        let steered = steered.map(|(one, part)| one.course.drawn(span, part.watts));
        let unsteered = self.unsteerable.iter().map(|one| one.course.drawn(span, one.course.unsteered(span)));
        steered.chain(unsteered).fold(0, i64::saturating_add)
    }

    /// The mean of what is drawn over `span`, in watts, rounded down.
    pub(crate) fn mean_drawn(&self, span: TimeSpan, filled: &Filled) -> i64 {
        mean(self.drawn(span, filled), span)
    }

    /// Goes on to the end of `span`.
    pub(crate) fn advance(&mut self, span: TimeSpan, filled: &Filled) {
        for (one, part) in self.steerable.iter_mut().zip(&filled.parts) {
            one.course.advance(span, part.watts);
        }
        for one in &mut self.unsteerable {
            let draws = one.course.unsteered(span);
            one.course.advance(span, draws);
        }
    }

    /// What those who may leave earlier than they said, or said nothing, could need besides their floors, in watts.
    pub(crate) fn uncertain(&self, filled: &Filled) -> i64 {
        let certain = |one: &Traveller<'_>| matches!(one.course.session.departure, Departure::Known(_));
        let uncertain = self.steerable.iter().zip(&filled.parts).filter(|(one, _)| !certain(one));
        uncertain.map(|(_, part)| part.range.maximum - part.must).sum()
    }
}

impl Filled {
    /// What the fleet draws.
    pub(crate) fn total(&self) -> i64 {
        total(&self.parts).saturating_add(sum(&self.unsteered))
    }

    /// What it can't do without.
    pub(crate) fn must(&self) -> i64 {
        self.parts.iter().map(|part| part.must).fold(sum(&self.unsteered), i64::saturating_add)
    }
}

fn sum(watts: &[i64]) -> i64 {
    watts.iter().copied().fold(0, i64::saturating_add)
}

fn mean(watt_seconds: i64, span: TimeSpan) -> i64 {
    watt_seconds.checked_div(seconds(span.start(), span.end())).unwrap_or(0)
}
