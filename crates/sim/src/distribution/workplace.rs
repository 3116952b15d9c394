use super::{Leaving, Quantiles, Visit};

/// Who works there. ACN-Data's JPL has 7 such sessions on 10 sessions of a workday, and nearly every charger has one; chosen: 8 of 10
/// chargers from Monday to Friday.
pub(super) fn morning() -> Visit {
    Visit {
        name: "workplace morning",
        weekday: 800,
        weekend: 50,
        // ElaadNL, arrivals at workplaces before noon.
        arrival: Quantiles::at_nine([300, 362, 431, 478, 525, 570, 633, 702, 720]),
        // JPL, arrivals before 10:00; the tail of cars that are left there for days is cut at 20 h.
        leaving: Leaving::After(Quantiles::at_nine([18, 163, 293, 477, 562, 601, 647, 735, 1200])),
        // JPL, the same sessions.
        energy: Quantiles::at_nine([506, 861, 5249, 7374, 12_401, 19_854, 35_109, 50_226, 67_717]),
        // JPL: 97 of 100 claimed their session in the app and stated a departure; chosen: 9 of 10.
        states_departure: 900,
    }
}

/// Who takes the place later. JPL: 4 on 10 chargers and workday.
pub(super) fn later() -> Visit {
    Visit {
        name: "workplace later",
        weekday: 400,
        weekend: 30,
        // ElaadNL, arrivals at workplaces from noon to 18:30.
        arrival: Quantiles::at_nine([720, 725, 743, 779, 839, 922, 993, 1074, 1110]),
        // JPL, arrivals after 10:00; cut at 15 h.
        leaving: Leaving::After(Quantiles::at_nine([20, 37, 81, 121, 186, 276, 357, 521, 900])),
        energy: Quantiles::at_nine([508, 818, 2817, 5672, 9286, 14_622, 24_372, 37_724, 64_202]),
        states_departure: 900,
    }
}
