//! Every message of the standard in both directions between the implementations, accepted and rejected.

use anyhow::Result;
use tieline_interop::Schema;
use tieline_uftp::{Role, Tolerance, Version};

use crate::agr_dso::{Trade, agree};
use crate::coverage::Maker::{Library, Ours};
use crate::cro::Registration;
use crate::world::{LIBRARY, Side, World, WorldSettings};

const ROLES: [Role; 3] = [Role::Agr, Role::Cro, Role::Dso];

#[test]
fn in_3_0_0() -> Result<()> {
    every_message(Version::V3_0_0)
}

#[test]
fn in_3_1_0() -> Result<()> {
    every_message(Version::V3_1_0)
}

/// All six pairs of roles, each with either implementation on either side.
fn every_message(version: Version) -> Result<()> {
    let tolerance = Tolerance { eighteen_digit_ean: true, ..LIBRARY };
    let settings = WorldSettings {
        version,
        agree,
        tolerance,
        ours: &ROLES,
        library: &ROLES,
        ..WorldSettings::default()
    };
    let mut world = World::start(&settings)?;
    let of = |maker| ROLES.map(|role| Side(maker, role));
    let ([our_agr, our_cro, our_dso], [agr, cro, dso]) = (of(Ours), of(Library));

    Registration { world: &mut world, agr, dso, cro: our_cro }.run()?;
    Registration { world: &mut world, agr: our_agr, dso: our_dso, cro }.run()?;
    Trade { world: &mut world, agr: our_agr, dso }.run()?;
    Trade { world: &mut world, agr, dso: our_dso }.run()?;
    world.coverage.is_whole()?;
    world.finish()
}

/// Whoever runs the tests should see what they could not check.
#[expect(clippy::print_stdout, reason = "whoever runs the tests should see what they could not check")]
pub(crate) fn say_if_absent(schema: Option<&Schema>) {
    if schema.is_none() {
        println!("the payloads are not validated: no XML schemas beside the workspace");
    }
}
