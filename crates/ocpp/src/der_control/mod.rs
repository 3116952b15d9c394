//! Controls of distributed energy resources (2.1, functional block R): what a grid code asks of an EVSE that discharges.
//!
//! A control is a default, in force while nothing else is, or scheduled. Of the controls of one type that are in force at the same time the one
//! with the highest priority is followed, and of equals the latest; the others are superseded. A control of a type that has no
//! start, EnterService and Gradients, can only be a default. Instants and durations are cut to whole seconds.
//!
//! Part 2 of 2.1 was not at hand: the rules are those that the descriptions of the messages' members state.
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use tieline_ocpp::der_control::DerControls;
//! use tieline_ocpp::types::Decimal;
//! use tieline_ocpp::v21::*;
//!
//! let mut controls = DerControls::new(BTreeSet::from([DERControl::Gradients]));
//! let mut set = SetDERControlRequest::new(true, "ramp", DERControl::Gradients);
//! set.gradient = Some(Gradient::new(0, Decimal::from_i64(10), Decimal::from_i64(30)));
//! assert_eq!(controls.set(set).status, DERControlStatus::Accepted);
//! assert_eq!(controls.followed("2026-06-01T12:00:00Z".parse()?).len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod control;
mod report;

use std::collections::BTreeSet;

use ocpp_kit::standard::reason_codes::ReasonCode;

use control::Control;

use crate::smart_charging::second;
use crate::types::DateTime;
use crate::v21::{
    ClearDERControlRequest, ClearDERControlResponse, DERControl, DERControlStatus, SetDERControlRequest,
    SetDERControlResponse, StatusInfo,
};

/// The controls of a station.
#[derive(Clone, Debug)]
pub struct DerControls {
    supported: BTreeSet<DERControl>,
    /// In the order in which they came.
    controls: Vec<Control>,
    /// The most that are kept. Default: 100.
    pub most: usize,
    /// The most of one ReportDERControl, at least one. Default: 10; the schema allows 24 of a kind.
    pub per_report: usize,
}

impl DerControls {
    /// A station without controls that carries out these types.
    pub const fn new(supported: BTreeSet<DERControl>) -> Self {
        Self { supported, controls: Vec::new(), most: 100, per_report: 10 }
    }

    /// A station with controls that were set before: what [`controls`](Self::controls) told. Those that are none are left out.
    pub fn restore(supported: BTreeSet<DERControl>, controls: Vec<SetDERControlRequest>) -> Self {
        let controls = controls.into_iter().filter_map(|set| Control::new(set).ok());
        Self { controls: controls.collect(), ..Self::new(supported) }
    }

    /// The controls that are set, in the order in which they came, to be made durable.
    pub fn controls(&self) -> impl Iterator<Item = &SetDERControlRequest> {
        self.controls.iter().map(|control| &control.set)
    }

    /// Answers SetDERControl. One with the id of another takes its place.
    pub fn set(&mut self, request: SetDERControlRequest) -> SetDERControlResponse {
        let refused = |status, reason: ReasonCode| {
            SetDERControlResponse::new(status).with_status_info(StatusInfo::new(reason.as_str()))
        };
        if !self.supported.contains(&request.control_type) {
            return refused(DERControlStatus::NotSupported, ReasonCode::UnsupportedParam);
        }
        let control = match Control::new(request) {
            Ok(control) => control,
            Err(reason) => return refused(DERControlStatus::Rejected, reason),
        };
        let others = self.controls.iter().filter(|one| one.set.control_id != control.set.control_id);
        if others.clone().count() >= self.most {
            return refused(DERControlStatus::Rejected, ReasonCode::OutOfStorage);
        }
        let superseded = others.filter(|one| control.supersedes(one, true));
        let superseded: Vec<String> = superseded.map(|one| one.set.control_id.clone()).collect();
        self.controls.retain(|one| one.set.control_id != control.set.control_id);
        self.controls.push(control);
        let mut response = SetDERControlResponse::new(DERControlStatus::Accepted);
        response.superseded_ids = Some(superseded).filter(|ids| !ids.is_empty());
        response
    }

    /// Answers ClearDERControl: of the defaults or of the scheduled ones that with the id, or those of the type, or all.
    pub fn clear(&mut self, request: &ClearDERControlRequest) -> ClearDERControlResponse {
        if request.control_type.as_ref().is_some_and(|kind| !self.supported.contains(kind)) {
            return ClearDERControlResponse::new(DERControlStatus::NotSupported);
        }
        let before = self.controls.len();
        self.controls.retain(|one| {
            let id = request.control_id.as_ref().is_none_or(|id| *id == one.set.control_id);
            let kind = request.control_type.as_ref().is_none_or(|kind| *kind == one.set.control_type);
            !(one.set.is_default == request.is_default && id && kind)
        });
        let found = self.controls.len() < before;
        ClearDERControlResponse::new(if found {
            DERControlStatus::Accepted
        } else {
            DERControlStatus::NotFound
        })
    }

    /// Drops the scheduled controls that are over. Returns their ids.
    pub fn expire(&mut self, now: DateTime) -> Vec<String> {
        let over = self.controls.iter().filter(|one| one.is_over(second(now)));
        let ids = over.map(|one| one.set.control_id.clone()).collect();
        self.controls.retain(|one| !one.is_over(second(now)));
        ids
    }

    /// The controls that are followed at a moment: of each type the scheduled one in force, or else the default, with the highest
    /// priority.
    pub fn followed(&self, now: DateTime) -> Vec<&SetDERControlRequest> {
        let at = second(now);
        let of_kind = |kind: &DERControl, default: bool| {
            let in_force = |one: &&Control| {
                one.set.control_type == *kind && one.set.is_default == default && one.applies(at)
            };
            let mut followed: Option<&Control> = None;
            for one in self.controls.iter().filter(in_force) {
                if followed.is_none_or(|before| one.supersedes(before, true)) {
                    followed = Some(one);
                }
            }
            followed
        };
        let kinds = self.supported.iter();
        kinds
            .filter_map(|kind| of_kind(kind, false).or_else(|| of_kind(kind, true)))
            .map(|one| &one.set)
            .collect()
    }

    /// Whether there is any type that it carries out.
    pub fn is_supported(&self) -> bool {
        !self.supported.is_empty()
    }

    /// The second since 1970 after `now` in which a scheduled control begins or ends next.
    pub fn next_change(&self, now: DateTime) -> Option<i64> {
        self.controls.iter().flat_map(Control::bounds).filter(|at| *at > second(now)).min()
    }

    /// Whether another one supersedes the control with this index.
    fn is_superseded(&self, index: usize) -> bool {
        let others = self.controls.iter().enumerate().filter(|(other, _)| *other != index);
        others.into_iter().any(|(other, one)| one.supersedes(&self.controls[index], other > index))
    }
}
