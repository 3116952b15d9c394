//! GetDERControl and the reports that follow it.

use super::DerControls;
use super::control::Control;
use crate::v21::{
    DERControl, DERControlStatus, DERCurveGet, EnterServiceGet, FixedPFGet, FixedVarGet, FreqDroopGet,
    GetDERControlRequest, GetDERControlResponse, GradientGet, LimitMaxDischargeGet, ReportDERControlRequest,
};

impl DerControls {
    /// Answers GetDERControl, with the ReportDERControl that follow the answer, in order.
    pub fn get(
        &self,
        request: &GetDERControlRequest,
    ) -> (GetDERControlResponse, Vec<ReportDERControlRequest>) {
        if request.control_type.as_ref().is_some_and(|kind| !self.supported.contains(kind)) {
            return (GetDERControlResponse::new(DERControlStatus::NotSupported), Vec::new());
        }
        let found = self.controls.iter().enumerate().filter(|(_, one)| {
            request.is_default.is_none_or(|default| default == one.set.is_default)
                && request.control_type.as_ref().is_none_or(|kind| *kind == one.set.control_type)
                && request.control_id.as_ref().is_none_or(|id| *id == one.set.control_id)
        });
        let found: Vec<_> = found.map(|(index, one)| (one, self.is_superseded(index))).collect();
        if found.is_empty() {
            return (GetDERControlResponse::new(DERControlStatus::NotFound), Vec::new());
        }
        let pages = found.chunks(self.per_report.clamp(1, 24));
        let last = pages.len() - 1;
        let reports = pages.enumerate().map(|(index, page)| {
            let mut report = ReportDERControlRequest::new(request.request_id);
            report.tbc = (index < last).then_some(true);
            for (one, is_superseded) in page {
                add(&mut report, one, *is_superseded);
            }
            report
        });
        (GetDERControlResponse::new(DERControlStatus::Accepted), reports.collect())
    }
}

fn add(report: &mut ReportDERControlRequest, one: &Control, is_superseded: bool) {
    let (set, id, default) = (&one.set, one.set.control_id.clone(), one.set.is_default);
    match set.control_type {
        DERControl::EnterService => {
            let told = set.enter_service.clone().map(|content| EnterServiceGet::new(content, id));
            report.enter_service.get_or_insert_default().extend(told);
        }
        DERControl::Gradients => {
            let told = set.gradient.clone().map(|content| GradientGet::new(content, id));
            report.gradient.get_or_insert_default().extend(told);
        }
        DERControl::FreqDroop => {
            let told =
                set.freq_droop.clone().map(|content| FreqDroopGet::new(content, id, default, is_superseded));
            report.freq_droop.get_or_insert_default().extend(told);
        }
        DERControl::FixedPFAbsorb => {
            let told = set
                .fixed_pf_absorb
                .clone()
                .map(|content| FixedPFGet::new(content, id, default, is_superseded));
            report.fixed_pf_absorb.get_or_insert_default().extend(told);
        }
        DERControl::FixedPFInject => {
            let told = set
                .fixed_pf_inject
                .clone()
                .map(|content| FixedPFGet::new(content, id, default, is_superseded));
            report.fixed_pf_inject.get_or_insert_default().extend(told);
        }
        DERControl::FixedVar => {
            let told =
                set.fixed_var.clone().map(|content| FixedVarGet::new(content, id, default, is_superseded));
            report.fixed_var.get_or_insert_default().extend(told);
        }
        DERControl::LimitMaxDischarge => {
            let told = set
                .limit_max_discharge
                .clone()
                .map(|content| LimitMaxDischargeGet::new(id, default, is_superseded, content));
            report.limit_max_discharge.get_or_insert_default().extend(told);
        }
        _ => {
            let kind = set.control_type.clone();
            let told =
                set.curve.clone().map(|content| DERCurveGet::new(content, id, kind, default, is_superseded));
            report.curve.get_or_insert_default().extend(told);
        }
    }
}
