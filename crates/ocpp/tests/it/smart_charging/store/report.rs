//! GetChargingProfiles and what follows it, and limits from outside.

use tieline_ocpp::smart_charging::{Capabilities, ProfileStore, Refusal};
use tieline_ocpp::{v21, v201};

use super::{NOON, at, ids, profile_21, profile_201, purpose, store_21, store_201};

/// Profiles 1 to 3 of levels 0 to 2 on EVSE 1, 4 on the station, 5 from an energy manager, 6 from a system operator.
fn filled() -> ProfileStore<v201::ChargingProfile> {
    let mut capabilities = Capabilities::new(2);
    capabilities.profiles_per_report = 2;
    let mut store = ProfileStore::new(capabilities);
    for id in 1..=3 {
        store.install(1, profile_201(id, |p| p["stackLevel"] = (id - 1).into()), at(NOON)).unwrap();
    }
    store.install(0, profile_201(4, purpose("ChargingStationMaxProfile")), at(NOON)).unwrap();
    let external = |id| profile_201(id, purpose("ChargingStationExternalConstraints"));
    store.set_external_limit(0, "EMS", external(5), false, at(NOON)).unwrap();
    store.set_external_limit(0, "SO", external(6), true, at(NOON)).unwrap();
    store
}

fn asked(evse: Option<i32>, criterion: v201::ChargingProfileCriterion) -> v201::GetChargingProfilesRequest {
    let mut request = v201::GetChargingProfilesRequest::new(77, criterion);
    request.evse_id = evse;
    request
}

type Told = (i32, &'static str, &'static [i32]);

#[test]
fn a_report_has_what_matches_by_evse_and_source_in_pages() {
    let all = v201::ChargingProfileCriterion::new();
    let by = |change: fn(&mut v201::ChargingProfileCriterion)| {
        let mut criterion = v201::ChargingProfileCriterion::new();
        change(&mut criterion);
        criterion
    };
    let cases: &[(Option<i32>, v201::ChargingProfileCriterion, &[Told])] = &[
        (
            None,
            all.clone(),
            &[(0, "CSO", &[4]), (0, "EMS", &[5]), (0, "SO", &[6]), (1, "CSO", &[1, 2]), (1, "CSO", &[3])],
        ),
        (Some(1), all.clone(), &[(1, "CSO", &[1, 2]), (1, "CSO", &[3])]),
        (Some(0), all.clone(), &[(0, "CSO", &[4]), (0, "EMS", &[5]), (0, "SO", &[6])]),
        (Some(2), all, &[]),
        (None, by(|c| c.stack_level = Some(2)), &[(1, "CSO", &[3])]),
        (None, by(|c| c.charging_profile_id = Some(vec![3, 4, 99])), &[(0, "CSO", &[4]), (1, "CSO", &[3])]),
        (
            None,
            by(|c| {
                c.charging_limit_source =
                    Some(vec![v201::ChargingLimitSource::EMS, v201::ChargingLimitSource::SO]);
            }),
            &[(0, "EMS", &[5]), (0, "SO", &[6])],
        ),
        (
            None,
            by(|c| {
                c.charging_profile_purpose = Some(v201::ChargingProfilePurpose::ChargingStationMaxProfile);
            }),
            &[(0, "CSO", &[4])],
        ),
        (
            None,
            by(|c| c.charging_profile_purpose = Some(v201::ChargingProfilePurpose::from_wire("Solar"))),
            &[],
        ),
    ];
    let store = filled();
    for (evse, criterion, expected) in cases {
        let (response, reports) = store.get_charging_profiles(&asked(*evse, criterion.clone()));
        let none = expected.is_empty();
        assert_eq!(response.status == v201::GetChargingProfileStatus::NoProfiles, none, "{criterion:?}");
        let told: Vec<_> = reports
            .iter()
            .map(|report| {
                let ids: Vec<i32> = report.charging_profile.iter().map(|profile| profile.id).collect();
                (report.evse_id, report.charging_limit_source.as_str(), ids)
            })
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(evse, source, ids)| (*evse, *source, ids.to_vec())).collect();
        assert_eq!(told, expected, "{criterion:?}");
        for (index, report) in reports.iter().enumerate() {
            assert_eq!(report.request_id, 77);
            assert_eq!(report.tbc.unwrap_or(false), index + 1 < reports.len());
        }
    }
}

#[test]
fn a_report_has_profiles_as_they_came() {
    let profile = profile_201(1, |p| {
        p["customData"] = serde_json::json!({ "vendorId": "acme", "colour": "green" });
    });
    let mut store = store_201();
    store.install(1, profile.clone(), at(NOON)).unwrap();
    let (_, reports) = store.get_charging_profiles(&asked(None, v201::ChargingProfileCriterion::new()));
    assert_eq!(reports[0].charging_profile, [profile]);
}

#[test]
fn an_external_limit_is_told_when_it_comes_and_when_it_goes() {
    let mut store = store_21();
    let external = profile_21(5, purpose("ChargingStationExternalConstraints"));
    let told = store.set_external_limit(0, "EMS", external.clone(), true, at(NOON)).unwrap();
    assert_eq!(told.charging_limit.charging_limit_source, "EMS");
    assert_eq!(told.charging_limit.is_grid_critical, Some(true));
    assert_eq!(told.charging_limit.is_local_generation, None);
    assert_eq!(told.charging_schedule, Some(external.charging_schedule.clone()));
    assert_eq!(told.evse_id, Some(0));

    let solar = profile_21(6, purpose("LocalGeneration"));
    let told = store.set_external_limit(0, "EMS", solar, false, at(NOON)).unwrap();
    assert_eq!(told.charging_limit.is_local_generation, Some(true));

    let newer = profile_21(7, purpose("ChargingStationExternalConstraints"));
    store.set_external_limit(0, "EMS", newer, false, at(NOON)).unwrap();
    assert_eq!(ids(store.installed()), [6, 7], "it is in the place of the one of its purpose and level");

    assert_eq!(store.clear_external_limit(1, "EMS"), None);
    assert_eq!(store.clear_external_limit(0, "SO"), None);
    let told = store.clear_external_limit(0, "EMS").unwrap();
    assert_eq!(told, v21::ClearedChargingLimitRequest::new("EMS").with_evse_id(0));
    assert!(store.installed().is_empty());
}

#[test]
fn neither_side_sets_what_is_the_others() {
    let mut store = store_21();
    let external = profile_21(5, purpose("ChargingStationExternalConstraints"));
    let refused = store.set_external_limit(0, "CSO", external.clone(), false, at(NOON));
    assert!(matches!(refused, Err(Refusal::NotExternal(_))));
    let refused = store.set_external_limit(1, "EMS", profile_21(5, |_| ()), false, at(NOON));
    assert!(matches!(refused, Err(Refusal::NotExternal(_))));
    store.set_external_limit(0, "EMS", external.clone(), false, at(NOON)).unwrap();
    assert_eq!(store.install(1, profile_21(5, |_| ()), at(NOON)), Err(Refusal::Id(5)));
    assert_eq!(store.set_external_limit(0, "SO", external, false, at(NOON)), Err(Refusal::Id(5)));
    assert_eq!(ids(store.installed()), [5]);
}
