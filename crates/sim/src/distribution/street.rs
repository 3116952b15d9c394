use super::{Leaving, Quantiles, Visit};

/// Who comes home. A car does so two to three times a week (Electric Nation); chosen for a charger that several cars share: 11 days
/// of 20.
pub(super) fn evening() -> Visit {
    Visit {
        name: "street evening",
        weekday: 550,
        weekend: 500,
        // ElaadNL, arrivals at public chargers from 15:00 to midnight: half of them between 17:20 and 20:15.
        arrival: Quantiles::at_nine([900, 912, 962, 1040, 1119, 1215, 1326, 1408, 1439]),
        // Chosen so that the mean stay by hour of arrival is that of ElaadNL: 13.9 h at 18:00 and 11.4 h at 21:00 at private chargers.
        leaving: Leaving::NextDay(Quantiles::at_nine([300, 345, 390, 430, 470, 520, 610, 720, 840])),
        // ElaadNL, energy at private chargers.
        energy: Quantiles::at_nine([300, 1000, 3300, 8200, 19_400, 35_800, 51_400, 68_100, 90_000]),
        // Chosen: no source that we know counts it for public chargers.
        states_departure: 500,
    }
}

/// Who stops by day.
pub(super) fn stop() -> Visit {
    Visit {
        name: "street stop",
        weekday: 350,
        weekend: 350,
        // ElaadNL, arrivals at public chargers from 8:00 to 15:00.
        arrival: Quantiles::at_nine([480, 488, 516, 555, 658, 781, 850, 890, 900]),
        // Chosen around ElaadNL's mean of 3 h for these hours.
        leaving: Leaving::After(Quantiles::at_nine([15, 25, 45, 85, 150, 230, 340, 520, 720])),
        // ElaadNL, energy at public chargers.
        energy: Quantiles::at_nine([200, 300, 1600, 4200, 7200, 13_800, 29_000, 56_000, 75_000]),
        states_departure: 300,
    }
}
