//! One control of distributed energy resources.

use std::cmp::Ordering;

use ocpp_kit::standard::reason_codes::ReasonCode;

use crate::smart_charging::second;
use crate::types::{DateTime, Decimal};
use crate::v21::{DERControl, SetDERControlRequest};

/// A control that is set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Control {
    pub(super) set: SetDERControlRequest,
    priority: i32,
    /// The seconds since 1970 in which it begins and ends. `None`: a default.
    span: Option<(i64, i64)>,
}

impl Control {
    /// Reads a control, or says why it is none.
    pub(super) fn new(set: SetDERControlRequest) -> Result<Self, ReasonCode> {
        let members = [
            set.curve.is_some(),
            set.enter_service.is_some(),
            set.fixed_pf_absorb.is_some(),
            set.fixed_pf_inject.is_some(),
            set.fixed_var.is_some(),
            set.freq_droop.is_some(),
            set.gradient.is_some(),
            set.limit_max_discharge.is_some(),
        ];
        let (priority, start, duration) = content(&set).ok_or(ReasonCode::MissingParam)?;
        if members.into_iter().filter(|given| *given).count() > 1 {
            return Err(ReasonCode::InvalidValue);
        }
        let span = match (set.is_default, start, duration) {
            (true, None, None) => None,
            (false, Some(start), Some(duration)) => Some(span(start, duration)?),
            (true, _, _) => return Err(ReasonCode::InvalidValue),
            (false, _, _) => return Err(ReasonCode::MissingParam),
        };
        if priority < 0 {
            return Err(ReasonCode::ValuePositiveOnly);
        }
        Ok(Self { set, priority, span })
    }

    /// Whether it is in force in a second if none supersedes it.
    pub(super) fn applies(&self, at: i64) -> bool {
        self.span.is_none_or(|(start, end)| (start..end).contains(&at))
    }

    /// The seconds since 1970 in which it begins and ends.
    pub(super) fn bounds(&self) -> impl Iterator<Item = i64> + use<> {
        self.span.into_iter().flat_map(|(start, end)| [start, end])
    }

    /// Whether it is over.
    pub(super) fn is_over(&self, at: i64) -> bool {
        self.span.is_some_and(|(_, end)| end <= at)
    }

    /// Whether it supersedes another one: of the same type, both defaults or both scheduled at the same time, it has the higher
    /// priority (the lower number), or the same and came later.
    pub(super) fn supersedes(&self, other: &Self, came_later: bool) -> bool {
        let together = match (self.span, other.span) {
            (None, None) => true,
            (Some((start, end)), Some((other_start, other_end))) => start < other_end && other_start < end,
            _ => false,
        };
        let stronger = match self.priority.cmp(&other.priority) {
            Ordering::Less => true,
            Ordering::Equal => came_later,
            Ordering::Greater => false,
        };
        self.set.control_type == other.set.control_type && together && stronger
    }
}

/// Priority, start and duration of the member that the type of control has.
fn content(set: &SetDERControlRequest) -> Option<(i32, Option<DateTime>, Option<Decimal>)> {
    match set.control_type {
        DERControl::EnterService => set.enter_service.as_ref().map(|one| (one.priority, None, None)),
        DERControl::Gradients => set.gradient.as_ref().map(|one| (one.priority, None, None)),
        DERControl::FreqDroop => {
            set.freq_droop.as_ref().map(|one| (one.priority, one.start_time, one.duration))
        }
        DERControl::FixedPFAbsorb => {
            set.fixed_pf_absorb.as_ref().map(|one| (one.priority, one.start_time, one.duration))
        }
        DERControl::FixedPFInject => {
            set.fixed_pf_inject.as_ref().map(|one| (one.priority, one.start_time, one.duration))
        }
        DERControl::FixedVar => {
            set.fixed_var.as_ref().map(|one| (one.priority, one.start_time, one.duration))
        }
        DERControl::LimitMaxDischarge => {
            set.limit_max_discharge.as_ref().map(|one| (one.priority, one.start_time, one.duration))
        }
        _ => set.curve.as_ref().map(|one| (one.priority, one.start_time, one.duration)),
    }
}

fn span(start: DateTime, duration: Decimal) -> Result<(i64, i64), ReasonCode> {
    let whole =
        duration.mantissa() / 10_i64.checked_pow(duration.scale().into()).ok_or(ReasonCode::ValueTooLow)?;
    if whole <= 0 {
        return Err(ReasonCode::ValueTooLow);
    }
    let start = second(start);
    Ok((start, start.saturating_add(whole)))
}
