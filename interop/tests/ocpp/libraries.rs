//! Every action with the implementations of others, either of them at either end.

use std::collections::BTreeMap;

use serde_json::Value;
use tieline_interop::{OcppLibrary, OcppOutcome, OcppPeer};
use tieline_ocpp::{CallFailure, Peer, Version};
use tokio::runtime::{Builder, Runtime};

use crate::actions::{self, Kind};
use crate::book::Book;
use crate::conforming::{Extent, Maker, VendorData};
use crate::exceptions::{self, Way};
use crate::raw::{Ours, connected, csms, station};
use crate::same::difference;
use crate::shape::{Schemas, Shape};

/// Instances of each message.
const INSTANCES: usize = 5;

/// A session with a peer that a library makes.
struct Session {
    library: OcppLibrary,
    version: Version,
    runtime: Runtime,
    theirs: OcppPeer,
    ours: Peer,
    book: Book,
    /// What went wrong, by action and direction.
    complaints: BTreeMap<(&'static str, Way), Complaint>,
    counts: BTreeMap<Way, usize>,
}

/// What went wrong with an action first, and with how many instances.
struct Complaint {
    first: String,
    instances: usize,
}

impl Session {
    fn open(library: OcppLibrary, ours: Ours, version: Version, directory: &std::path::Path) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let book = Book::default();
        let wire = version.to_string();
        let (mut theirs, ours) = match ours {
            Ours::Csms => {
                let (address, lookup) = runtime.block_on(csms(&book, version));
                // ocpp-rpc adds the identity by itself.
                let identity = if library == OcppLibrary::Python { "/CS001" } else { "" };
                let url = format!("ws://{address}/ocpp{identity}");
                let theirs = OcppPeer::start(library, &wire, Some(&url), directory).expect("a station");
                (theirs, runtime.block_on(connected(lookup.as_ref())))
            }
            Ours::Station => {
                let mut theirs = OcppPeer::start(library, &wire, None, directory).expect("a CSMS");
                let url = format!("ws://127.0.0.1:{}/ocpp", theirs.port().expect("a port"));
                let ours = runtime.block_on(station(&url, version, &book));
                (theirs, ours)
            }
        };
        theirs.connected().expect("a session");
        Self {
            library,
            version,
            runtime,
            theirs,
            ours,
            book,
            complaints: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The peer sends the action, and we answer.
    fn comes(&mut self, kind: Kind, request: &Value, response: &Value) -> Result<(), String> {
        self.book.set_answer(&response.to_string());
        let outcome = self.theirs.call(kind.name, request).map_err(|error| error.to_string())?;
        let noted = self.book.take();
        let read = match outcome {
            OcppOutcome::Answered(read) => read,
            OcppOutcome::Refused(why) => return Err(format!("refused: {why}")),
            OcppOutcome::Unable(why) => return Err(format!("unable: {why}")),
        };
        let [noted] = &*noted else { return Err(format!("{} requests came", noted.len())) };
        if let Some(what) = difference(&request.to_string(), &noted.request) {
            return Err(format!("request {what}"));
        }
        difference(&response.to_string(), &read.to_string())
            .map_or(Ok(()), |what| Err(format!("response {what}")))
    }

    /// We send the action, and the peer answers.
    fn goes(&mut self, kind: Kind, request: &Value, response: &Value) -> Result<(), String> {
        self.theirs.answer(kind.name, response).map_err(|error| error.to_string())?;
        let answered = self.runtime.block_on((kind.call)(self.ours.clone(), request.to_string()));
        let read = match answered {
            Ok(read) => read.ok_or("a SEND is not answered")?,
            Err(CallFailure::InvalidRequest(error)) if kind.is_too_little_to_send(&error) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        if let Some(what) = difference(&response.to_string(), &read) {
            return Err(format!("response {what}"));
        }
        let received = self.theirs.received(kind.name).map_err(|error| error.to_string())?;
        difference(&request.to_string(), &received.to_string())
            .map_or(Ok(()), |what| Err(format!("request {what}")))
    }

    /// Some instances of the action, one way.
    fn try_action(&mut self, kind: Kind, way: Way, (request, response): &(Shape, Shape)) {
        let name = |what: &str| format!("{} {} {way:?} {what}", self.version, kind.name);
        let mut requests = Maker::of(&name("request"), VendorData::None);
        let mut responses = Maker::of(&name("response"), VendorData::None);
        for number in 0..INSTANCES {
            let extent = match number {
                0 => Extent::Minimal,
                1 => Extent::Maximal,
                _ => Extent::Random,
            };
            let (request, response) = (requests.make(request, extent), responses.make(response, extent));
            let tried = match way {
                Way::Comes => self.comes(kind, &request, &response),
                Way::Goes => self.goes(kind, &request, &response),
            };
            if let Err(first) = tried {
                let complaint = Complaint { first, instances: 0 };
                self.complaints.entry((kind.name, way)).or_insert(complaint).instances += 1;
            }
        }
        if !self.complaints.contains_key(&(kind.name, way)) {
            *self.counts.entry(way).or_default() += 1;
        }
    }

    /// What went wrong is what is known to, no more and no less.
    fn close(self, ours: Ours) {
        let Self { library, version, complaints, counts, .. } = self;
        let name = format!("{library:?}, OCPP {version}, {ours:?} of ours");
        let count = |way| counts.get(&way).copied().unwrap_or_default();
        println!("{name}: {} actions came, {} went", count(Way::Comes), count(Way::Goes));
        let known = exceptions::of(library, version);
        let mut surprises = Vec::new();
        for ((action, way), complaint) in &complaints {
            match known.iter().find(|known| known.action == *action && known.way == *way) {
                Some(known) if complaint.first.contains(known.says) => {
                    println!(
                        "  known: {action}, {way:?}, {} of {INSTANCES}: {}",
                        complaint.instances, known.why
                    );
                }
                _ => surprises.push(format!("{action}, {way:?}: {}", complaint.first)),
            }
        }
        assert!(surprises.is_empty(), "{name}:\n{}", surprises.join("\n"));
        let has_failed = |action: &str, way| complaints.contains_key(&(action, way));
        let sent = |action: &str, way: Way| {
            actions::of(version).iter().any(|kind| kind.name == action && way.is_of(*kind, ours))
        };
        let mended: Vec<_> = known
            .iter()
            .filter(|known| sent(known.action, known.way) && !has_failed(known.action, known.way))
            .map(|known| format!("{}, {:?}", known.action, known.way))
            .collect();
        assert!(mended.is_empty(), "{name}: these work now: {}", mended.join("; "));
    }
}

fn try_all(library: OcppLibrary, ours: Ours, version: Version) {
    let Some(schemas) = Schemas::find(version).expect("the schemas") else { return };
    let directory = tempfile::tempdir().expect("a folder");
    let mut session = Session::open(library, ours, version, directory.path());
    for kind in actions::of(version) {
        if kind.is_send {
            // Neither library has a way to send it or to take it (2.1 Part 4 §4.2.4).
            println!("  known: {}: no library knows SEND", kind.name);
            continue;
        }
        let request = schemas.request(kind.name, false).expect("a schema");
        let response = schemas.response(kind.name).expect("a schema");
        let shapes = (request, response);
        for way in [Way::Comes, Way::Goes] {
            if way.is_of(kind, ours) {
                session.try_action(kind, way, &shapes);
            }
        }
    }
    session.close(ours);
}

macro_rules! libraries {
    ($($test:ident: $library:expr, $ours:ident, $version:ident;)*) => {
        $(#[test]
        fn $test() {
            try_all($library, Ours::$ours, Version::$version);
        })*
    };
}

const STRICT: OcppLibrary = OcppLibrary::Node { strict: true };
/// ocpp-rpc 2.2.1 has the schemas of 2.1 under names that its strict mode does not look for.
const LENIENT: OcppLibrary = OcppLibrary::Node { strict: false };

libraries! {
    python_station_1_6: OcppLibrary::Python, Csms, V1_6;
    python_station_2_0_1: OcppLibrary::Python, Csms, V2_0_1;
    python_station_2_1: OcppLibrary::Python, Csms, V2_1;
    python_csms_1_6: OcppLibrary::Python, Station, V1_6;
    python_csms_2_0_1: OcppLibrary::Python, Station, V2_0_1;
    python_csms_2_1: OcppLibrary::Python, Station, V2_1;
    node_station_1_6: STRICT, Csms, V1_6;
    node_station_2_0_1: STRICT, Csms, V2_0_1;
    node_station_2_1: LENIENT, Csms, V2_1;
    node_csms_1_6: STRICT, Station, V1_6;
    node_csms_2_0_1: STRICT, Station, V2_0_1;
    node_csms_2_1: LENIENT, Station, V2_1;
}

/// If this fails, 2.1 can be tried in the strict mode too.
#[test]
fn node_has_no_strict_mode_for_2_1() {
    let Some(schemas) = Schemas::find(Version::V2_1).expect("the schemas") else { return };
    let directory = tempfile::tempdir().expect("a folder");
    let mut session = Session::open(STRICT, Ours::Csms, Version::V2_1, directory.path());
    let heartbeat =
        actions::of(Version::V2_1).into_iter().find(|kind| kind.name == "Heartbeat").expect("an action");
    let response = schemas.response("Heartbeat").expect("a schema");
    let response = Maker::of("strict", VendorData::None).make(&response, Extent::Minimal);
    let refused = session.comes(heartbeat, &serde_json::json!({}), &response);
    assert!(
        refused.as_ref().is_err_and(|why| why.contains("is missing from subprotocol schema")),
        "{refused:?}"
    );
}
