use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tieline_types::{EntityAddress, IspDay, IspError, IspRange, Power, TimeSpan};

/// Where and on which local day a market message trades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) congestion_point: EntityAddress,
    pub(crate) period: Date,
}

/// The same power in each ISP of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IspPower {
    pub(crate) isps: IspRange,
    pub(crate) power: Power,
}

/// From the start of the earliest run to the end of the latest; `None` without runs.
pub(crate) fn hull(
    day: &IspDay,
    runs: impl IntoIterator<Item = IspRange>,
) -> Result<Option<TimeSpan>, IspError> {
    let mut hull: Option<TimeSpan> = None;
    for run in runs {
        let span = day.range(run)?;
        hull = match hull {
            None => Some(span),
            Some(known) => TimeSpan::new(known.start().min(span.start()), known.end().max(span.end())),
        };
    }
    Ok(hull)
}

/// The power of each single ISP, in order of time.
pub(crate) fn per_isp(powers: &[IspPower]) -> Vec<(tieline_types::IspNumber, Power)> {
    let mut each: Vec<_> =
        powers.iter().flat_map(|run| run.isps.iter().map(|isp| (isp, run.power))).collect();
    each.sort_unstable_by_key(|(isp, _)| *isp);
    each
}
