//! When cars come, how long they stay, what they need and what their drivers say: distributions, and where they are from.
//!
//! | what | source |
//! |---|---|
//! | hours of arrival at workplaces and public chargers | ElaadNL's open data of Dutch chargers, arrivals per quarter of an hour on weekdays, as distributed with EV2Gym (Orfanoudakis et al. 2024) |
//! | stay and energy at workplaces, and how wrong stated departures are | ACN-Data, JPL site, workdays of 2019, 11,493 sessions (Lee, Li, Low: *ACN-Data: Analysis and Applications of an Open EV Charging Dataset*, e-Energy 2019; CC BY 4.0) |
//! | energy at home and at public chargers, and mean stay by hour of arrival | ElaadNL's open data, as above |
//! | three kinds of behaviour: near home overnight, near work by day, and short stops | Sadeghianpourhamami, Refa, Strobbe, Develder: *Quantitive analysis of electric vehicle flexibility: a data-driven approach*, 2018, 390,000 sessions of ElaadNL |
//! | a car is plugged in at home two to three times a week | Gonzalez Venegas, Petit, Perez: *Plug-in behavior of electric vehicles users*, 2021, from the trial Electric Nation |
//!
//! The numbers here are rounded quantiles at 0, 2, 10, 25, 50, 75, 90, 98 and 100 %; where a source gives a mean alone, or nothing, they
//! are chosen so as to have that mean or to look like its kind of behaviour, and the table says "chosen". No data set is copied.

mod quantiles;
mod stated;
mod street;
mod visit;
mod workplace;

pub use quantiles::{Quantiles, QuantilesError};
pub use stated::StatedDeparture;
pub use visit::{Drawn, Leaving, Visit};

/// What kind of place a site is: who comes there and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteKind {
    /// Cars come in the morning and stay for the working day.
    Workplace,
    /// At home or in the street: cars come in the evening and stay overnight, others stop by day.
    Street,
    /// A workplace by day whose neighbours charge there overnight.
    Mixed,
}

impl SiteKind {
    /// Who comes to a charger of such a site on a day. At most one car of each kind of visit.
    pub fn visits(self) -> Vec<Visit> {
        match self {
            Self::Workplace => vec![workplace::morning(), workplace::later()],
            Self::Street => vec![street::stop(), street::evening()],
            Self::Mixed => vec![workplace::morning(), street::evening()],
        }
    }
}
