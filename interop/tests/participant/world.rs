//! Participants of both implementations who know each other, and single exchanges between them.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_interop::{
    AGR_KEY, CRO_KEY, DSO_KEY, Event, KeyPair, Known, Schema, UftpPeer, UftpSettings, free_port,
};
use tieline_types::{IspCalendar, IspDuration};
use tieline_uftp::rules::Terms;
use tieline_uftp::server::{FixedAddressBook, KnownParticipant};
use tieline_uftp::service::DeliveryConfig;
use tieline_uftp::value::{ConversationId, DateTime};
use tieline_uftp::{
    Accepted, Decision, Fate, Header, MessageType, Participant, Payload, RejectionReason, Role, Text,
    Tolerance, Version, parse,
};
use tokio::runtime::{Builder, Runtime};

use crate::coverage::{Coverage, Maker};
use crate::driver::Step;
use crate::ours::{Ours, Settings, known, signing_key};

/// One participant: whose implementation, and which role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side(pub(crate) Maker, pub(crate) Role);

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Verdict<'a> {
    /// It is accepted. Where the library decides, its answer says this; ours works it out.
    Accepted(Accepted),
    /// It breaks no rule, and whoever is asked rejects it for this reason.
    Rejected(&'a str),
    /// It breaks rules: ours rejects it for these reasons. The library has no rules.
    Broken(&'a str),
}

/// What the library does not do as the published schemas have it.
pub(crate) const LIBRARY: Tolerance =
    Tolerance { result_on_test_message_response: true, ..Tolerance::STRICT };

/// When everything begins: a Wednesday, ten in the morning in Amsterdam.
const BEGIN: &str = "2026-06-03T08:00:00Z";

/// How a world is set up.
pub(crate) struct WorldSettings<'a> {
    pub(crate) version: Version,
    /// What was agreed; changed from what the standard gives.
    pub(crate) agree: fn(&mut Terms),
    pub(crate) delivery: DeliveryConfig,
    /// Our participants.
    pub(crate) ours: &'a [Role],
    /// The library's participants.
    pub(crate) library: &'a [Role],
    /// Whether the library's services are as they come, and how long their handlers take.
    pub(crate) bare: Option<Duration>,
    /// What we forgive the library.
    pub(crate) tolerance: Tolerance,
}

impl Default for WorldSettings<'_> {
    fn default() -> Self {
        Self {
            version: Version::V3_1_0,
            agree: |_| {},
            delivery: DeliveryConfig::default(),
            ours: &[],
            library: &[],
            bare: None,
            tolerance: LIBRARY,
        }
    }
}

/// Participants of both implementations. Each knows those of the other implementation.
pub(crate) struct World {
    ours: Vec<Ours>,
    library: Vec<(Role, UftpPeer)>,
    pub(crate) coverage: Coverage,
    pub(crate) version: Version,
    next: u64,
    directory: TempDir,
    // After those who run on it.
    _runtime: Arc<Runtime>,
}

impl World {
    pub(crate) fn start(settings: &WorldSettings<'_>) -> Result<Self> {
        let directory = TempDir::new().context("cannot create a directory")?;
        let ports =
            |roles: &[Role]| roles.iter().map(|role| Ok((*role, free_port()?))).collect::<Result<Vec<_>>>();
        let (ours, library) = (ports(settings.ours)?, ports(settings.library)?);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let runtime = Arc::new(runtime);
        let book = book(&library, settings)?;
        let start = |(role, port): &(Role, u16)| our_participant(*role, *port, &book, settings, &runtime);
        let at_work = ours.iter().map(start).collect::<Result<_>>()?;
        let contacts: Vec<Known> =
            ours.iter().map(|(role, port)| known(&participant(Side(Maker::Ours, *role)), *port)).collect();
        Ok(Self {
            ours: at_work,
            library: start_library(&library, &contacts, settings, directory.path())?,
            coverage: Coverage::default(),
            version: settings.version,
            next: 0,
            directory,
            _runtime: runtime,
        })
    }

    pub(crate) fn ours(&self, role: Role) -> Result<&Ours> {
        let found = self.ours.iter().find(|ours| ours.participant.role == role);
        found.with_context(|| format!("no {role} of ours"))
    }

    pub(crate) fn library(&mut self, role: Role) -> Result<&mut UftpPeer> {
        let found = self.library.iter_mut().find(|(known, _)| *known == role);
        found.map(|(_, peer)| peer).with_context(|| format!("no {role} of the library's"))
    }

    /// An identifier that was not used before.
    pub(crate) fn id<T: From<uuid::Uuid>>(&mut self) -> T {
        self.next += 1;
        uuid::Uuid::from_u128(u128::from(self.next) | 0x4000_8000_0000_0000_0000).into()
    }

    /// The header of a new message, in a conversation or one that it begins.
    pub(crate) fn header(&mut self, from: Side, to: Side, conversation: Option<ConversationId>) -> Header {
        Header {
            version: self.version,
            sender_domain: participant(from).domain,
            recipient_domain: participant(to).domain,
            time_stamp: instant(BEGIN),
            message_id: self.id(),
            conversation_id: conversation.unwrap_or_else(|| self.id()),
        }
    }

    /// One request and its answer, which is given. Both implementations must have read what the other has written, and ours
    /// must know what has become of it.
    pub(crate) fn ask(
        &mut self,
        from: Side,
        to: Side,
        request: impl Into<Payload>,
        verdict: &Verdict<'_>,
    ) -> Result<Option<Payload>> {
        let request = request.into();
        let what = format!("{} from {from:?} to {to:?}: {verdict:?}", request.message_type());
        let answer = match (from.0, to.0) {
            // Rules are ours: nothing that breaks them is sent.
            (Maker::Ours, Maker::Library) if matches!(verdict, Verdict::Broken(_)) => return Ok(None),
            (Maker::Ours, Maker::Library) => self.ours_asks(from, to, &request, verdict),
            (Maker::Library, Maker::Ours) => self.library_asks(from, to, &request, verdict),
            _ => Err(anyhow!("both are of the same implementation")),
        };
        Ok(Some(answer.context(what)?))
    }

    fn ours_asks(
        &mut self,
        from: Side,
        to: Side,
        request: &Payload,
        verdict: &Verdict<'_>,
    ) -> Result<Payload> {
        let header = self.ours(from.1)?.send(&participant(to), request.clone())?;
        let arrived = self.arrived(to.1, request.message_type(), &header.message_id.to_string())?;
        let request = read_alike(&arrived)?;
        ensure!(*request.header() == header, "sent under {header:?}, arrived {request:?}");
        self.coverage.note(Maker::Ours, &request);

        let own = header.conversation_id;
        if request.message_type() == MessageType::TestMessage {
            // The library answers by itself.
            let is_answer = |known: &Payload| {
                known.message_type() == MessageType::TestMessageResponse
                    && known.header().conversation_id == own
            };
            let answer = self.ours(from.1)?.noted("a TestMessageResponse", is_answer)?;
            self.coverage.note(Maker::Library, &answer);
            return Ok(answer);
        }
        let (decision, fate) = match verdict {
            Verdict::Accepted(accepted) => (Decision::from(accepted.clone()), Fate::Accepted),
            Verdict::Rejected(reason) | Verdict::Broken(reason) => {
                (Decision::from(RejectionReason::other(reason)), Fate::Rejected)
            }
        };
        let answer = self.header(to, from, Some(header.conversation_id));
        let answer = request.respond(&decision, answer).context("a request has an answer")?;
        self.library_sends(to, from, &answer, &json!({}))?;
        let id = answer.header().message_id;
        let noted = self.ours(from.1)?.noted("its answer", |known| known.header().message_id == id)?;
        ensure!(noted == answer, "answered {answer:?}, noted {noted:?}");
        let known = self.ours(from.1)?.fate(&participant(to), header.message_id)?;
        ensure!(known == fate, "{known:?} is taken for its fate");
        self.coverage.note(Maker::Library, &noted);
        Ok(noted)
    }

    fn library_asks(
        &mut self,
        from: Side,
        to: Side,
        request: &Payload,
        verdict: &Verdict<'_>,
    ) -> Result<Payload> {
        if let Verdict::Rejected(reason) = verdict {
            self.ours(to.1)?.driver.reject_next(reason);
        }
        self.library_sends(from, to, request, &json!({}))?;
        let answer = self.answer_to(from.1, request)?;
        let id = request.header().message_id;
        let fate = match (verdict, answer.response()) {
            (Verdict::Accepted(_), Some((_, response))) => {
                ensure!(response.is_accepted(), "{response:?}");
                Fate::Accepted
            }
            (Verdict::Rejected(reason) | Verdict::Broken(reason), Some((_, response))) => {
                let given = response.rejection_reason.as_ref().map(Text::as_str);
                ensure!(!response.is_accepted() && given == Some(*reason), "{response:?}");
                Fate::Rejected
            }
            (_, None) => Fate::Accepted,
        };
        let exchanged = self.ours(to.1)?.exchanged(&participant(from), id)?.context("it is not kept")?;
        ensure!(exchanged.fate == fate, "{:?} is kept as its fate", exchanged.fate);
        ensure!(exchanged.payload == *request, "sent {request:?}, kept {:?}", exchanged.payload);
        // What breaks the rules between AGR and DSO comes to no handler.
        let times = self.ours(to.1)?.driver.times(Step::PreProcess, id);
        let ruled = to.1 != Role::Cro && matches!(verdict, Verdict::Broken(_));
        ensure!(times == usize::from(!ruled), "handled {times} times");
        self.coverage.note(Maker::Library, request);
        self.coverage.note(Maker::Ours, &answer);
        Ok(answer)
    }

    /// Lets the library read a message, and write it anew to somebody of ours.
    pub(crate) fn library_sends(
        &mut self,
        from: Side,
        to: Side,
        message: &Payload,
        more: &Value,
    ) -> Result<()> {
        let (version, xml) = (self.version.to_string(), String::from_utf8(message.to_xml())?);
        self.library(from.1)?.send_xml(&to.1.to_string(), &version, &xml, more)
    }

    /// The answer of ours that the library in this role has received to a request of its own.
    pub(crate) fn answer_to(&mut self, role: Role, request: &Payload) -> Result<Payload> {
        let answer = request.message_type().answer().context("a request has an answer")?;
        let header = request.header();
        let named = if answer == MessageType::TestMessageResponse {
            header.conversation_id.to_string()
        } else {
            header.message_id.to_string()
        };
        let arrived = self.arrived(role, answer, &named)?;
        read_alike(&arrived)
    }

    /// The arrival of a message that names this identifier at the library's participant in this role.
    fn arrived(&mut self, role: Role, message_type: MessageType, named: &str) -> Result<Event> {
        let quoted = format!("=\"{named}\"");
        let fits = |event: &Event| {
            event.name() == "received"
                && event.text("type") == Some(message_type.as_str())
                && event.text("payload").is_some_and(|payload| payload.contains(&quoted))
        };
        self.library(role)?.peer().wait(message_type.as_str(), fits)
    }

    /// What must hold of a world in the end: nothing failed, nothing was sent twice, nothing is owed, nobody is held; and the
    /// schema of its version finds valid whatever we wrote.
    pub(crate) fn finish(&mut self) -> Result<()> {
        for ours in &self.ours {
            ours.settled()?;
            let held = ours.held()?;
            ensure!(held.is_empty(), "{held:?}");
        }
        let mut schema = Schema::of(&self.version.to_string(), self.directory.path())?;
        for (role, peer) in &mut self.library {
            for event in peer.peer().events() {
                ensure!(!matches!(event.name(), "refused" | "expired" | "failed"), "{role}: {event}");
            }
            let repeats = peer.repeats();
            ensure!(repeats.is_empty(), "{role} received twice: {repeats:?}");
            if let Some(schema) = &mut schema {
                for message in peer.messages() {
                    let complaints = schema.complaints(message.required("payload")?)?;
                    ensure!(complaints.is_empty(), "{complaints:?} in {message}");
                }
            }
        }
        crate::every_message::say_if_absent(schema.as_ref());
        Ok(())
    }
}

/// What we wrote, as we read it; the library must have read the same.
fn read_alike(arrived: &Event) -> Result<Payload> {
    let wrote = parse(arrived.required("payload")?.as_bytes(), &Tolerance::STRICT)?;
    let read = parse(arrived.required("read")?.as_bytes(), &LIBRARY)?;
    let alike = match (&wrote, &read) {
        // The library makes up a Result.
        (Payload::TestMessageResponse(wrote), Payload::TestMessageResponse(read)) => {
            wrote.header == read.header
        }
        _ => wrote == read,
    };
    ensure!(alike, "we wrote {wrote:?}, the library read {read:?}");
    Ok(wrote)
}

/// Who this is.
pub(crate) fn participant(side: Side) -> Participant {
    let Side(maker, role) = side;
    let name = role.to_string().to_lowercase();
    let domain = match maker {
        Maker::Ours => format!("{name}.tieline.example"),
        Maker::Library => format!("{name}.library.example"),
    };
    Participant { role, domain: domain.parse().expect("it is a domain") }
}

pub(crate) fn instant(text: &str) -> DateTime {
    text.parse().expect("it is an instant")
}

/// Days of Amsterdam in quarter-hours.
pub(crate) fn calendar() -> IspCalendar {
    let zone = TimeZone::get("Europe/Amsterdam").expect("the zone is known");
    IspCalendar::new(zone, IspDuration::PT15M)
}

fn library_key(role: Role) -> KeyPair {
    match role {
        Role::Agr => AGR_KEY,
        Role::Cro => CRO_KEY,
        Role::Dso => DSO_KEY,
    }
}

/// What ours know of the library's participants.
fn book(library: &[(Role, u16)], settings: &WorldSettings<'_>) -> Result<FixedAddressBook> {
    library.iter().try_fold(FixedAddressBook::new(), |book, (role, port)| {
        let key = library_key(*role).public.parse()?;
        let endpoint = format!("http://127.0.0.1:{port}/shapeshifter/api/v3/message").parse()?;
        let known = KnownParticipant::new(vec![key])
            .at(endpoint)
            .speaking(settings.version)
            .tolerating(settings.tolerance);
        Ok(book.with(*role, participant(Side(Maker::Library, *role)).domain, known))
    })
}

fn our_participant(
    role: Role,
    port: u16,
    book: &FixedAddressBook,
    settings: &WorldSettings<'_>,
    runtime: &Arc<Runtime>,
) -> Result<Ours> {
    let mut terms = Terms::new(calendar());
    (settings.agree)(&mut terms);
    let now: Timestamp = BEGIN.parse()?;
    let settings = Settings {
        role,
        domain: participant(Side(Maker::Ours, role)).domain,
        key: signing_key(role),
        port,
        book: book.clone(),
        terms,
        delivery: settings.delivery.clone(),
        now,
    };
    Ours::start(settings, runtime)
}

/// Starts the library's participants side by side: each takes seconds.
fn start_library(
    library: &[(Role, u16)],
    contacts: &[Known],
    settings: &WorldSettings<'_>,
    directory: &Path,
) -> Result<Vec<(Role, UftpPeer)>> {
    thread::scope(|scope| {
        let starts: Vec<_> = library
            .iter()
            .map(|(role, port)| {
                scope.spawn(move || {
                    let own = participant(Side(Maker::Library, *role));
                    // A message goes to no one of the sender's own role.
                    let peers: Vec<Known> =
                        contacts.iter().filter(|known| known.role != role.to_string()).cloned().collect();
                    let (name, domain) = (role.to_string(), own.domain.to_string());
                    let settings = UftpSettings {
                        role: &name,
                        domain: &domain,
                        key: library_key(*role),
                        port: *port,
                        peers: &peers,
                        bare: settings.bare,
                    };
                    Ok((*role, UftpPeer::start(settings, directory)?))
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().map_err(|_| anyhow!("a start panicked"))?).collect()
    })
}
