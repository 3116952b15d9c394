use tieline_types::Power;

use crate::Steering;

/// What a session was seen to draw while it was allowed so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it drew: at an instant, or in the mean over a time in which its limit stayed the same.
    pub drew: Power,
    /// The limit that held: what it was told and accepted, or its charger's maximum.
    pub allowed: Power,
}

/// What a session's meter says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Following {
    /// The most that the EV takes, if it was seen to take less than it was allowed.
    pub draws_at_most: Option<Power>,
    /// Whether it does what it is told.
    pub steering: Steering,
}

/// How exactly a session has to follow its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowingRules {
    /// Parts in a hundred by which it may be off: meters have errors, and EVs regulate in steps.
    pub percent: i64,
    /// Watts by which it may be above its limit besides: an EV that is paused still has its electronics on.
    pub standby: Power,
}

impl Default for FollowingRules {
    fn default() -> Self {
        Self { percent: 5, standby: Power::from_watts(100) }
    }
}

/// How a session follows its limits, from what was seen of it, in order of time.
///
/// If it drew more than it was allowed when it was last seen, it can't be steered. If it drew less, the EV takes no more. If it
/// took all that it was allowed, the EV takes at most what it was last seen to take when it was allowed more.
pub fn following(seen: &[Seen], rules: FollowingRules) -> Following {
    let Some(latest) = seen.last() else { return Following::default() };
    if latest.drew.watts() > with(latest.allowed, rules.percent).saturating_add(rules.standby.watts()) {
        return Following { draws_at_most: None, steering: Steering::Unsteerable { draws: latest.drew } };
    }
    let takes_less = |seen: &&Seen| seen.drew.watts() < with(seen.allowed, -rules.percent);
    let most = seen.iter().rev().find(takes_less).map(|seen| seen.drew);
    let draws_at_most = most.filter(|most| with(*most, rules.percent) >= latest.drew.watts());
    Following { draws_at_most, steering: Steering::Steerable }
}

/// A power and some parts in a hundred of it, in watts.
fn with(power: Power, percent: i64) -> i64 {
    let watts = i128::from(power.watts()) * i128::from(100 + percent) / 100;
    i64::try_from(watts).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(powers: &[(i64, i64)]) -> Vec<Seen> {
        let watts = Power::from_watts;
        powers.iter().map(|(drew, allowed)| Seen { drew: watts(*drew), allowed: watts(*allowed) }).collect()
    }

    fn at_most(powers: &[(i64, i64)]) -> Option<i64> {
        let following = following(&seen(powers), FollowingRules::default());
        assert_eq!(following.steering, Steering::Steerable);
        following.draws_at_most.map(Power::watts)
    }

    #[test]
    fn an_ev_that_takes_less_than_it_may_takes_no_more() {
        assert_eq!(at_most(&[(7400, 22_080)]), Some(7400));
        assert_eq!(at_most(&[(7400, 22_080), (4000, 4000)]), Some(7400));
        assert_eq!(at_most(&[(7400, 22_080), (4000, 4000), (3000, 4000)]), Some(3000));
        assert_eq!(at_most(&[(7400, 22_080), (0, 0)]), Some(7400));
    }

    #[test]
    fn nothing_is_known_of_an_ev_that_takes_all_it_may() {
        assert_eq!(at_most(&[]), None);
        assert_eq!(at_most(&[(11_000, 11_040)]), None);
        assert_eq!(at_most(&[(4000, 4000)]), None);
        assert_eq!(at_most(&[(1000, 4000), (4000, 4000)]), None, "it takes more than it was seen to");
    }

    #[test]
    fn a_charger_that_gives_more_than_it_was_told_can_not_be_steered() {
        let unsteerable = |powers: &[(i64, i64)]| {
            let following = following(&seen(powers), FollowingRules::default());
            match following.steering {
                Steering::Unsteerable { draws } => Some(draws.watts()),
                Steering::Steerable => None,
            }
        };
        assert_eq!(unsteerable(&[(11_000, 4140)]), Some(11_000));
        assert_eq!(unsteerable(&[(2000, 0)]), Some(2000));
        assert_eq!(unsteerable(&[(60, 0)]), None, "electronics");
        assert_eq!(unsteerable(&[(4300, 4140)]), None, "a meter's error");
        assert_eq!(unsteerable(&[(11_000, 4140), (4140, 4140)]), None, "it came round");
    }
}
