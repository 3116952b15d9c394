//! Participants at work.

mod faults;
mod slow_handlers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use tieline_edge::listener::{Listener as _, PlainListener};
use tieline_edge::tls::ClientTls;
use tieline_edge::{Backoff, HttpClient};
use tieline_service::{Call, State as Shared};
use tieline_types::{Amount, Currency, Domain, IspCalendar, IspDuration, IspRange, Power};
use tieline_uftp::message::*;
use tieline_uftp::rules::Terms;
use tieline_uftp::server::{FixedAddressBook, KnownParticipant};
use tieline_uftp::service::{Conversation, RoleRoutes, RoleType, Running, Setup, Unsendable};
use tieline_uftp::storage::MemoryStorage;
use tieline_uftp::value::{ActivationFactor, DateTime, MessageId};
use tieline_uftp::{Client, Header, Received, Role, SigningKey};

/// How often each message was handled.
type Handled = Arc<Mutex<BTreeMap<MessageId, u32>>>;

fn count(handled: &Handled, received: &Received) {
    *handled.lock().unwrap().entry(received.payload.header().message_id).or_default() += 1;
}

async fn offer(
    request: Call<FlexRequest>,
    conversation: Conversation,
    received: Arc<Received>,
    Shared(handled): Shared<Handled>,
) -> Result<(), Unsendable> {
    count(&handled, &received);
    conversation.send(|header| FlexOffer {
        header,
        flex: request.flex.clone(),
        expiration_date_time: request.expiration_date_time.clone(),
        unsolicited: None,
        flex_request_message_id: Some(request.header.message_id),
        contract_id: None,
        d_prognosis_message_id: None,
        baseline_reference: None,
        currency: Currency::EUR,
        options: vec![OfferOption {
            option_reference: "1".parse().unwrap(),
            price: Amount::new("1.5".parse().unwrap()).unwrap(),
            min_activation_factor: ActivationFactor::FULL,
            isps: vec![Isp { power: Power::from_watts(-1000), range: request.isps[0].range }],
        }],
    })?;
    Ok(())
}

async fn ordered(_: Call<FlexOrder>, received: Arc<Received>, Shared(handled): Shared<Handled>) {
    count(&handled, &received);
}

async fn order(
    offer: Call<FlexOffer>,
    conversation: Conversation,
    received: Arc<Received>,
    Shared(handled): Shared<Handled>,
) -> Result<(), Unsendable> {
    count(&handled, &received);
    conversation.send(|header| order_of(&offer, header))?;
    Ok(())
}

fn order_of(offer: &FlexOffer, header: Header) -> FlexOrder {
    let option = &offer.options[0];
    FlexOrder {
        flex: offer.flex.clone(),
        unsolicited: None,
        service_type: None,
        flex_offer_message_id: Some(offer.header.message_id),
        contract_id: None,
        d_prognosis_message_id: None,
        baseline_reference: None,
        price: option.price,
        currency: offer.currency,
        order_reference: header.message_id.to_string().parse().unwrap(),
        option_reference: Some(option.option_reference.clone()),
        activation_factor: ActivationFactor::FULL,
        isps: option.isps.clone(),
        header,
    }
}

async fn answered(_: Call<FlexOrderResponse>, received: Arc<Received>, Shared(handled): Shared<Handled>) {
    count(&handled, &received);
}

type Party<R> = Running<R, MemoryStorage, FixedAddressBook>;
type ToSetUp<R> = Setup<R, MemoryStorage, FixedAddressBook>;

fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&[role as u8 + 1; 32])
}

fn domain(role: Role) -> Domain {
    format!("{}.example.com", role.as_str().to_lowercase()).parse().unwrap()
}

fn calendar() -> IspCalendar {
    IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M)
}

/// A participant that knows `other`, with a short patience.
fn set_up<R: RoleType>(other: (Role, SocketAddr), handlers: impl Into<RoleRoutes<R>>) -> ToSetUp<R> {
    let endpoint = format!("http://{}{}", other.1, tieline_uftp::MESSAGE_PATH).parse().unwrap();
    let known = KnownParticipant::new(vec![key(other.0).verifying_key()]).at(endpoint);
    let book = FixedAddressBook::new().with(other.0, domain(other.0), known);
    let http = HttpClient::new(ClientTls::platform()).allowing_plain_text().build().unwrap();
    let (storage, terms) = (Arc::new(MemoryStorage::new()), Arc::new(Terms::new(calendar())));
    let client = Client::new(http);
    let mut setup = Setup::new(domain(R::ROLE), key(R::ROLE), handlers, book, storage, terms, client);
    setup.delivery.backoff = Backoff::new(Duration::from_millis(2), Duration::from_millis(20));
    setup
}

/// Two listeners, one for an AGR and one for a DSO, with the addresses at which they know each other.
fn listeners() -> [(PlainListener, SocketAddr); 2] {
    [(); 2].map(|()| {
        let listener = PlainListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    })
}

/// A request for power in a place of its own, tomorrow.
fn request(number: usize) -> impl FnOnce(Header) -> FlexRequest {
    let calendar = calendar();
    let period = tomorrow();
    let flex = FlexMessage {
        isp_duration: IspDuration::PT15M,
        time_zone: "Europe/Amsterdam".parse().unwrap(),
        period,
        congestion_point: format!("ean.8716859000126{number:05}").parse().unwrap(),
    };
    let isp = FlexRequestIsp {
        disposition: Some(Disposition::Requested),
        min_power: Power::from_watts(-5000),
        max_power: Power::ZERO,
        range: IspRange::from_numbers(41, 4).unwrap(),
    };
    move |header| FlexRequest {
        header,
        flex,
        revision: 1,
        expiration_date_time: DateTime::utc(calendar.day(period).unwrap().span().start()),
        contract_id: None,
        service_type: None,
        isps: vec![isp],
    }
}

fn tomorrow() -> Date {
    #[expect(clippy::disallowed_methods, reason = "the participants go by the machine's clock")]
    let now = jiff::Timestamp::now();
    calendar().time_zone().to_datetime(now).date().tomorrow().unwrap()
}

async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..3000 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("in vain: {what}");
}
