//! What the libraries of others are known to get wrong, action by action. Each is expected: if one is mended, its test says so.

use tieline_interop::OcppLibrary;
use tieline_ocpp::Version;

use crate::actions::Kind;
use crate::raw::Ours;

/// Which way a request goes, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Comes,
    Goes,
}

/// A known fault of a library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) action: &'static str,
    pub(crate) way: Way,
    /// What the complaint says, in part.
    pub(crate) says: &'static str,
    pub(crate) why: &'static str,
}

impl Way {
    /// Whether the action goes this way, if this end is ours.
    pub(crate) fn is_of(self, kind: Kind, ours: Ours) -> bool {
        match (self, ours) {
            (Self::Comes, Ours::Csms) | (Self::Goes, Ours::Station) => kind.origin.from_charging_station(),
            (Self::Comes, Ours::Station) | (Self::Goes, Ours::Csms) => kind.origin.from_csms(),
        }
    }
}

/// The known faults of a library in a version.
pub(crate) fn of(library: OcppLibrary, version: Version) -> Vec<Known> {
    let known = match (library, version) {
        (OcppLibrary::Python, Version::V1_6) => PYTHON_1_6,
        (OcppLibrary::Python, Version::V2_1) => PYTHON_2_1,
        (OcppLibrary::Node { strict: true }, Version::V2_0_1) => NODE_2_0_1,
        _ => &[],
    };
    known.iter().map(|(action, way, says, why)| Known { action, way: *way, says, why }).collect()
}

type Row = (&'static str, Way, &'static str, &'static str);

const DEMANDS: &str = "its data class demands a member that the schema leaves optional";
const DEFAULT: &str = "it writes a member that is absent, with the schema's default";
const RENAMED: &str = "it cannot write the name of a member: SoC for soc, L2 for _L2, URL for Url";

const PYTHON_1_6: &[Row] = &[
    ("LogStatusNotification", Way::Comes, "'request_id'", DEMANDS),
    ("SecurityEventNotification", Way::Comes, "'tech_info'", DEMANDS),
    (
        "SendLocalList",
        Way::Comes,
        "localAuthorizationList was added",
        "it writes a list that is absent as an empty one",
    ),
    ("SignedFirmwareStatusNotification", Way::Comes, "'request_id'", DEMANDS),
];

const PYTHON_2_1: &[Row] = &[
    ("Get15118EVCertificate", Way::Comes, "prioritizedEMAIDs", RENAMED),
    ("GetCompositeSchedule", Way::Goes, "FormatViolation", RENAMED),
    ("NotifyChargingLimit", Way::Comes, "'SoC' was unexpected", RENAMED),
    ("NotifyCustomerInformation", Way::Comes, "tbc was added", DEFAULT),
    ("NotifyDisplayMessages", Way::Comes, "tbc was added", DEFAULT),
    ("NotifyEVChargingNeeds", Way::Comes, "maxChargeApparentPowerL2", RENAMED),
    ("NotifyEVChargingSchedule", Way::Comes, "'SoC' was unexpected", RENAMED),
    ("NotifyEvent", Way::Comes, "tbc was added", DEFAULT),
    ("NotifyMonitoringReport", Way::Comes, "tbc was added", DEFAULT),
    ("NotifyReport", Way::Comes, "tbc was added", DEFAULT),
    ("NotifySettlement", Way::Comes, "receiptUrl", RENAMED),
    ("NotifySettlement", Way::Goes, "InternalError", RENAMED),
    ("PullDynamicScheduleUpdate", Way::Goes, "FormatViolation", RENAMED),
    ("ReportChargingProfiles", Way::Comes, "tbc was added", DEFAULT),
    ("ReportDERControl", Way::Comes, "fixedPFAbsorb", RENAMED),
    ("RequestStartTransaction", Way::Comes, "'SoC' was unexpected", RENAMED),
    ("SetChargingProfile", Way::Comes, "'SoC' was unexpected", RENAMED),
    ("SetDERControl", Way::Comes, "fixedPFAbsorb", RENAMED),
    ("TransactionEvent", Way::Comes, "offline was added", DEFAULT),
    ("UpdateDynamicSchedule", Way::Comes, "dischargeLimitL2", RENAMED),
];

const NODE_2_0_1: &[Row] = &[
    (
        "Get15118EVCertificate",
        Way::Comes,
        "exiResponse must NOT have more than 5600 characters",
        "its schema is older: the limit is 7500 now",
    ),
    ("Get15118EVCertificate", Way::Goes, "InternalError", "its schema is older: the limit is 7500 now"),
];
