//! Every action of every version through wire, router and handler, as the published schemas have it.

use serde_json::Value;
use tieline_ocpp::{CallFailure, Version, fault};

use crate::actions::{self, Kind};
use crate::conforming::{Extent, Maker, VendorData};
use crate::mutated::{Mutant, Mutator};
use crate::raw::{Link, Ours, PATIENCE, Parts};
use crate::same::difference;
use crate::shape::{Schemas, Shape};
use crate::tally::Tally;

/// Conforming instances of each message, in each test.
const CONFORMING: usize = 100;

/// Instances of each message that break its schema: each in another place, as long as it has such.
const MUTATED: usize = 60;

/// The shapes of an action's messages.
struct Shapes {
    request: Shape,
    /// None of a SEND.
    response: Option<Shape>,
}

/// One test: a session of one version.
struct Walk {
    link: Link,
    version: Version,
    tally: Tally,
    last_id: usize,
}

async fn walk(ours: Ours, version: Version) {
    let Some(schemas) = Schemas::find(version).expect("the schemas") else { return };
    let mut walk =
        Walk { link: Link::open(ours, version).await, version, tally: Tally::default(), last_id: 0 };
    for kind in actions::of(version) {
        let response = (!kind.is_send).then(|| schemas.response(kind.name).expect("a schema"));
        let shapes =
            Shapes { request: schemas.request(kind.name, kind.is_send).expect("a schema"), response };
        let (comes, goes) = match ours {
            Ours::Csms => (kind.origin.from_charging_station(), kind.origin.from_csms()),
            Ours::Station => (kind.origin.from_csms(), kind.origin.from_charging_station()),
        };
        if comes {
            walk.comes(kind, &shapes).await;
        }
        if goes {
            walk.goes(kind, &shapes).await;
        }
    }
    walk.tally.close(&format!("OCPP {version}, {ours:?} of ours"));
}

/// The first is the least that may be, the second the most.
fn extent(number: usize) -> Extent {
    match number {
        0 => Extent::Minimal,
        1 => Extent::Maximal,
        _ => Extent::Random,
    }
}

impl Walk {
    /// The raw end sends the action.
    async fn comes(&mut self, kind: Kind, shapes: &Shapes) {
        let mut requests = Maker::of(&format!("{} {} request", kind.version, kind.name), VendorData::Any);
        let mut responses = Maker::of(&format!("{} {} response", kind.version, kind.name), VendorData::Any);
        for number in 0..CONFORMING {
            let request = requests.make(&shapes.request, extent(number)).to_string();
            let response =
                shapes.response.as_ref().map(|shape| responses.make(shape, extent(number)).to_string());
            self.comes_conforming(kind, &request, response.as_deref()).await;
        }
        let mut mutator = Mutator::default();
        for _ in 0..MUTATED {
            let request = requests.make(&shapes.request, Extent::Random);
            let mutant = mutator.mutate(&shapes.request, request, requests.random());
            self.comes_mutated(kind, &mutant).await;
        }
    }

    async fn comes_conforming(&mut self, kind: Kind, request: &str, response: Option<&str>) {
        self.link.book.set_answer(response.unwrap_or("null"));
        let answer = self.hand_over(kind, request).await;
        let name = kind.name;
        let noted = self.link.book.take();
        let Some(noted) = noted.iter().find(|noted| noted.action == name) else {
            let answer = answer.map(|answer| answer.to_string()).unwrap_or_default();
            self.tally.complain(name, format!("request refused: {answer}: {request:.300}"));
            return;
        };
        match difference(request, &noted.request) {
            None => self.tally.count("requests received", name),
            Some(what) => self.tally.complain(name, format!("request {what}")),
        }
        let (Some(answer), Some(response)) = (answer, response) else { return };
        if answer.kind() == "3" {
            match difference(response, answer.0[2].get()) {
                None => self.tally.count("responses sent", name),
                Some(what) => self.tally.complain(name, format!("response {what}")),
            }
        } else {
            self.tally.complain(name, format!("response not sent: {answer}: {response:.300}"));
        }
    }

    async fn comes_mutated(&mut self, kind: Kind, mutant: &Mutant) {
        self.link.book.set_answer("null");
        let answer = self.hand_over(kind, &mutant.payload.to_string()).await;
        let name = kind.name;
        let said = format!("{:?} at {:?}", mutant.fault, mutant.place);
        if self.link.book.take().iter().any(|noted| noted.action == name) {
            self.tally.complain(name, format!("request with {said} came to the handler"));
            return;
        }
        let Some(answer) = answer else {
            self.tally.count("mutated SENDs dropped", name);
            return;
        };
        let expected = mutant.fault.code(self.version);
        if answer.kind() == "4" && answer.text(2) == expected {
            self.tally.count("mutated requests refused", name);
        } else {
            self.tally.complain(name, format!("request with {said}: {answer} instead of {expected}"));
        }
    }

    /// Sends a CALL, or a SEND and a CALL behind it. What comes back for the former.
    async fn hand_over(&mut self, kind: Kind, request: &str) -> Option<Parts> {
        let (id, name) = (self.next_id(), kind.name);
        if !kind.is_send {
            return Some(self.link.raw.exchange(&format!(r#"[2,"{id}","{name}",{request}]"#)).await);
        }
        self.link.raw.send(&format!(r#"[6,"{id}","{name}",{request}]"#)).await;
        let id = self.next_id();
        let answer = self.link.raw.exchange(&format!(r#"[2,"{id}","Heartbeat",{{}}]"#)).await;
        assert_eq!(answer.text(1), id, "a SEND is never answered");
        None
    }

    /// Our end sends the action.
    async fn goes(&mut self, kind: Kind, shapes: &Shapes) {
        let mut requests = Maker::of(&format!("{} {} our request", kind.version, kind.name), VendorData::Any);
        let mut responses =
            Maker::of(&format!("{} {} our response", kind.version, kind.name), VendorData::Any);
        for number in 0..CONFORMING {
            let request = requests.make(&shapes.request, extent(number)).to_string();
            let response =
                shapes.response.as_ref().map(|shape| responses.make(shape, extent(number)).to_string());
            let (answered, _) = self.call(kind, &request, response.as_deref()).await;
            match (answered, response) {
                (Ok(Some(read)), Some(response)) => match difference(&response, &read) {
                    None => self.tally.count("responses received", kind.name),
                    Some(what) => self.tally.complain(kind.name, format!("response {what}")),
                },
                (Ok(None), None) => {}
                (Err(CallFailure::InvalidRequest(error)), _) if kind.is_too_little_to_send(&error) => {
                    self.tally.count("requests with an empty sampledValue not sent", kind.name);
                }
                (other, response) => self.tally.complain(kind.name, format!("{other:?}: {response:.300?}")),
            }
        }
        let Some(shape) = &shapes.response else { return };
        let mut mutator = Mutator::default();
        for _ in 0..MUTATED {
            let request = requests.make(&shapes.request, Extent::Minimal).to_string();
            let response = responses.make(shape, Extent::Random);
            let mutant = mutator.mutate(shape, response, responses.random());
            self.goes_mutated(kind, &request, &mutant).await;
        }
    }

    async fn goes_mutated(&mut self, kind: Kind, request: &str, mutant: &Mutant) {
        let (answered, objection) = self.call(kind, request, Some(&mutant.payload.to_string())).await;
        let said = format!("response with {:?} at {:?}", mutant.fault, mutant.place);
        let Err(CallFailure::UnusableResult(error)) = answered else {
            self.tally.complain(kind.name, format!("{said}: {answered:?}"));
            return;
        };
        let expected = mutant.fault.code(self.version);
        let refusal = fault::undecodable(self.version, &error);
        let code = refusal.code.as_wire(self.version);
        // 2.1 tells the sender with a CALLRESULTERROR (Part 4 §4.2.5).
        let told = objection.map(|objection| (objection.kind().to_owned(), objection.text(2)));
        let is_told = told.is_none_or(|told| told == ("5".to_owned(), expected.to_owned()));
        if code == expected && is_told {
            self.tally.count("mutated responses refused", kind.name);
        } else {
            self.tally.complain(kind.name, format!("{said}: {code} ({error}) instead of {expected}"));
        }
    }

    /// Calls the raw end, which answers this; and what the raw end is told of its answer, where the version has a way and the
    /// answer is wrong.
    async fn call(
        &mut self,
        kind: Kind,
        request: &str,
        response: Option<&str>,
    ) -> (Result<Option<String>, CallFailure>, Option<Parts>) {
        let mut calling = tokio::spawn((kind.call)(self.link.peer.clone(), request.to_owned()));
        let frame = tokio::select! {
            frame = self.link.raw.next() => frame,
            early = &mut calling => match early.expect("the request can be read") {
                // A SEND has been handed over.
                Ok(None) => self.link.raw.next().await,
                early => return (early, None),
            },
        };
        let (of, name) = if kind.is_send { ("6", "SENDs sent") } else { ("2", "requests sent") };
        assert_eq!((frame.kind(), frame.text(2).as_str()), (of, kind.name), "{frame}");
        match difference(request, frame.0[3].get()) {
            None => self.tally.count(name, kind.name),
            Some(what) => self.tally.complain(kind.name, format!("our request {what}")),
        }
        let Some(response) = response else { return (Ok(None), None) };
        self.link.raw.send(&format!("[3,{},{response}]", frame.id())).await;
        let answered = tokio::time::timeout(PATIENCE, calling).await.expect("an answer in time");
        let answered = answered.expect("the response can be written");
        let is_wrong = matches!(answered, Err(CallFailure::UnusableResult(_)));
        let objection =
            if is_wrong && self.version == Version::V2_1 { Some(self.link.raw.next().await) } else { None };
        (answered, objection)
    }

    fn next_id(&mut self) -> String {
        self.last_id += 1;
        format!("raw-{}", self.last_id)
    }
}

/// The schemas and our actions are the same messages.
#[test]
fn no_message_is_forgotten() {
    for version in [Version::V1_6, Version::V2_0_1, Version::V2_1] {
        let Some(schemas) = Schemas::find(version).expect("the schemas") else { return };
        let mut names = Vec::new();
        for kind in actions::of(version) {
            names.push(schemas.name_of_request(kind.name, kind.is_send));
            if !kind.is_send {
                names.push(format!("{}Response", kind.name));
            }
        }
        names.sort_unstable();
        assert_eq!(names, schemas.names().expect("a folder"));
    }
}

/// Chance leaves no value out.
#[test]
fn every_value_of_every_enumeration_has_its_turn() {
    let Some(schemas) = Schemas::find(Version::V1_6).expect("the schemas") else { return };
    let shape = schemas.request("StatusNotification", false).expect("a schema");
    let mut maker = Maker::of("turns", VendorData::Any);
    let made: Vec<Value> = (0..CONFORMING).map(|number| maker.make(&shape, extent(number))).collect();
    let Shape::Object { members, .. } = &shape else { panic!("a request is an object") };
    for member in members {
        let Shape::Values(values) = &member.shape else { continue };
        for value in values {
            assert!(made.iter().any(|made| made[&member.name] == **value), "{}: {value}", member.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v16_csms() {
    walk(Ours::Csms, Version::V1_6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v16_station() {
    walk(Ours::Station, Version::V1_6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v201_csms() {
    walk(Ours::Csms, Version::V2_0_1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v201_station() {
    walk(Ours::Station, Version::V2_0_1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v21_csms() {
    walk(Ours::Csms, Version::V2_1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v21_station() {
    walk(Ours::Station, Version::V2_1).await;
}
