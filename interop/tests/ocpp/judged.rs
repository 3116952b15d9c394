//! Other judges of what is made here: Python's `jsonschema`, and the validation with JSON Schema of our own crate.

use serde_json::Value;
use tieline_interop::JsonSchemas;
use tieline_ocpp::json_schema::Schemas as OurSchemas;
use tieline_ocpp::{DecodeError, RawValue, Version, fault};

use crate::conforming::{Extent, Maker, VendorData};
use crate::mutated::{Mutant, Mutator};
use crate::shape::Schemas;

/// Instances of each message, right ones and wrong ones.
const INSTANCES: usize = 12;

fn judge(version: Version) {
    let Some(schemas) = Schemas::find(version).expect("the schemas") else { return };
    let directory = tempfile::tempdir().expect("a folder");
    let ours = OurSchemas::read(version, schemas.folder()).expect("the schemas");
    let mut judge = JsonSchemas::load(schemas.folder(), directory.path()).expect("a validator");
    let (mut right, mut wrong) = (0, 0);
    for name in schemas.names().expect("a folder") {
        let shape = schemas.read(&name).expect("a schema");
        let mut maker = Maker::of(&format!("{version} {name} judged"), VendorData::Any);
        let made: Vec<_> = [Extent::Minimal, Extent::Maximal]
            .into_iter()
            .chain([Extent::Random; INSTANCES])
            .map(|extent| maker.make(&shape, extent))
            .collect();
        for (payload, complaints) in made.iter().zip(judge.complaints(&name, &made).expect("a verdict")) {
            assert!(complaints.is_empty(), "{version} {name}: {complaints:?} about {payload:.600}");
            check(&ours, &name, payload)
                .unwrap_or_else(|error| panic!("{version} {name}: {error} about {payload:.600}"));
            right += 1;
        }
        let mut mutator = Mutator::default();
        let mutants: Vec<_> = (0..INSTANCES)
            .map(|_| {
                let payload = maker.make(&shape, Extent::Random);
                mutator.mutate(&shape, payload, maker.random())
            })
            .collect();
        let payloads: Vec<_> = mutants.iter().map(|mutant| mutant.payload.clone()).collect();
        for (mutant, complaints) in mutants.iter().zip(judge.complaints(&name, &payloads).expect("a verdict"))
        {
            let said = format!("{:?} at {:?}", mutant.fault, mutant.place);
            // A member that is absent or not defined is told of the object that it belongs to.
            let object = mutant.place.rsplit_once('/').map_or("", |(object, _)| object);
            let is_meant = complaints.iter().all(|(place, _)| *place == mutant.place || place == object);
            assert!(
                is_meant && !complaints.is_empty(),
                "{version} {name}: {said}: {complaints:?}: {:.600}",
                mutant.payload
            );
            refuses(&ours, &name, mutant);
            wrong += 1;
        }
    }
    println!("OCPP {version}: jsonschema finds {right} payloads right, and one fault in each of {wrong}");
}

fn check(schemas: &OurSchemas, name: &str, payload: &Value) -> Result<(), DecodeError> {
    let payload = RawValue::from_string(payload.to_string()).expect("JSON");
    match name.strip_suffix("Response") {
        Some(action) => schemas.check_response(action, &payload),
        None => schemas.check_request(name.strip_suffix("Request").unwrap_or(name), &payload),
    }
}

/// With the code of the version, at the place that is wrong.
fn refuses(schemas: &OurSchemas, name: &str, mutant: &Mutant) {
    let version = schemas.version();
    let said = format!("{version} {name}: {:?} at {:?}", mutant.fault, mutant.place);
    let Err(error) = check(schemas, name, &mutant.payload) else { panic!("{said}: {:.600}", mutant.payload) };
    let code = fault::undecodable(version, &error).code.as_wire(version).to_owned();
    assert_eq!((code.as_str(), &error.path), (mutant.fault.code(version), &mutant.place), "{said}: {error}");
}

#[test]
fn v16() {
    judge(Version::V1_6);
}

#[test]
fn v201() {
    judge(Version::V2_0_1);
}

#[test]
fn v21() {
    judge(Version::V2_1);
}
