//! Our grid operator trades with the Python aggregator.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_interop::{
    AGR_KEY, DSO_KEY, DsoConfig, Event, IspWindow, Node, PeerConfig, UftpConfig, UftpPeer, free_port,
};

use crate::market;

const NEED: i64 = -30_000;
const OFFERED: i64 = -25_000;
const QUIET: Duration = Duration::from_millis(1_500);

/// A moment of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    RequestReceived,
    RequestAnswered,
    OfferDelivered,
    OfferAnswered,
    OrderReceived,
    OrderAnswered,
}

struct Trade {
    node: Node,
    agr: UftpPeer,
    window: IspWindow,
    directory: TempDir,
    kill_at: Option<Moment>,
    /// The AGR says of the request that it had been submitted before, and only then that it accepts it.
    repeats_are_answered: bool,
}

impl Trade {
    fn start(kill_at: Option<Moment>, maximum_price: Option<&'static str>) -> Result<Self> {
        let directory = TempDir::new().context("cannot create a directory")?;
        let (dso_port, agr_port) = (free_port()?, free_port()?);
        let window = IspWindow::after(Timestamp::now(), 4)?;
        let config = DsoConfig {
            uftp: UftpConfig {
                role: "DSO",
                key: DSO_KEY,
                port: dso_port,
                peer: PeerConfig { role: "AGR", key: AGR_KEY, port: agr_port },
            },
            congestion_point: market::CONGESTION_POINT.to_owned(),
            window: window.clone(),
            minimum_power: NEED,
            maximum_price,
        };
        let agr = UftpPeer::agr(AGR_KEY, agr_port, DSO_KEY, dso_port, directory.path())?;
        let node = Node::start(&config, directory.path())?;
        Ok(Self { node, agr, window, directory, kill_at, repeats_are_answered: false })
    }

    fn at(&mut self, moment: Moment) -> Result<()> {
        if self.kill_at == Some(moment) {
            self.node.kill()?;
            self.node.restart()?;
        }
        Ok(())
    }

    fn offer(&self, request: &Event) -> Result<Value> {
        let conversation = request.required("conversation_id")?;
        Ok(market::with(
            self.window.flex_message(market::CONGESTION_POINT),
            &json!({
                "ConversationID": conversation,
                "ExpirationDateTime": self.window.begin(0).to_string(),
                "FlexRequestMessageID": request.required("message_id")?,
                "Currency": "EUR",
                "OfferOption": [{
                    "OptionReference": "OPTION-1",
                    "Price": "2.1250",
                    "ISP": [{ "Power": OFFERED, "Start": self.window.first, "Duration": self.window.count }],
                }],
            }),
        ))
    }

    /// Request, offer, order. Gives the order.
    fn run(&mut self) -> Result<Event> {
        self.try_run().map_err(|error| error.context(self.node.quoted_log()))
    }

    fn try_run(&mut self) -> Result<Event> {
        let request = self.offered()?;
        let conversation = request.required("conversation_id")?.to_owned();
        let order = self.agr.received("FlexOrder", &conversation)?;
        self.at(Moment::OrderReceived)?;
        self.agr.send("FlexOrderResponse", &market::accepted(&order, "FlexOrderMessageID")?)?;
        self.agr.delivered("FlexOrderResponse", &conversation)?;
        self.at(Moment::OrderAnswered)?;
        thread::sleep(QUIET);
        market::check(&mut self.agr, "DSO", self.directory.path())?;
        let journal = self.node.verified_journal()?;
        ensure!(journal.contains(&conversation), "the journal lacks the conversation: {journal}");
        Ok(order)
    }

    /// The request, up to the answer to the offer.
    fn offered(&mut self) -> Result<Event> {
        let request = self.agr.received_any("FlexRequest")?;
        let conversation = request.required("conversation_id")?.to_owned();
        self.at(Moment::RequestReceived)?;
        if self.repeats_are_answered {
            self.agr
                .send("FlexRequestResponse", &market::already_submitted(&request, "FlexRequestMessageID")?)?;
        }
        self.agr.send("FlexRequestResponse", &market::accepted(&request, "FlexRequestMessageID")?)?;
        self.agr.delivered("FlexRequestResponse", &conversation)?;
        self.at(Moment::RequestAnswered)?;
        self.agr.send("FlexOffer", &self.offer(&request)?)?;
        self.agr.delivered("FlexOffer", &conversation)?;
        self.at(Moment::OfferDelivered)?;
        let response = self.agr.received("FlexOfferResponse", &conversation)?;
        ensure!(response.text("fields.Result") == Some("Accepted"), "{response}");
        self.at(Moment::OfferAnswered)?;
        Ok(request)
    }
}

fn trade(kill_at: Option<Moment>) -> Result<()> {
    complete(Trade::start(kill_at, None)?)
}

fn complete(mut trade: Trade) -> Result<()> {
    let order = trade.run()?;
    let messages = market::business_messages(&mut trade.agr);
    assert_eq!(
        messages,
        market::expected(&[("FlexRequest", ""), ("FlexOfferResponse", "Accepted"), ("FlexOrder", "")])
    );
    assert_eq!(market::powers(order.value("fields.ISP").context("no ISPs")?, &trade.window)?, [OFFERED; 4]);
    assert_eq!(order.text("fields.Price"), Some("2.1250"));
    assert_eq!(order.text("fields.OptionReference"), Some("OPTION-1"));
    Ok(())
}

#[test]
fn asks_for_what_it_needs_and_orders_what_it_is_offered() -> Result<()> {
    trade(None)
}

/// "Already Submitted" is said of a message that was sent twice; it decides nothing.
#[test]
fn orders_after_a_request_that_was_submitted_already() -> Result<()> {
    let mut trade = Trade::start(None, None)?;
    trade.repeats_are_answered = true;
    complete(trade)
}

#[test]
fn asks_in_the_terms_of_its_need() -> Result<()> {
    let mut trade = Trade::start(None, None)?;
    let request =
        trade.agr.received_any("FlexRequest").map_err(|error| error.context(trade.node.quoted_log()))?;
    assert_eq!(request.text("fields.CongestionPoint"), Some(market::CONGESTION_POINT));
    assert_eq!(request.text("fields.Period"), Some(trade.window.period.to_string().as_str()));
    assert_eq!(request.text("fields.ISP.0.Disposition"), Some("Requested"));
    let number = |path: &str| request.value(path).and_then(Value::as_i64);
    assert_eq!(number("fields.ISP.0.MinPower"), Some(NEED));
    assert_eq!(number("fields.ISP.0.MaxPower"), Some(0));
    assert_eq!(number("fields.ISP.0.Start"), Some(trade.window.first));
    assert_eq!(number("fields.ISP.0.Duration"), Some(trade.window.count));
    let expires: Timestamp = request.required("fields.ExpirationDateTime")?.parse()?;
    assert_eq!(expires, trade.window.begin(0));
    Ok(())
}

#[test]
fn orders_nothing_that_costs_more_than_it_will_pay() -> Result<()> {
    let mut trade = Trade::start(None, Some("2.12"))?;
    trade.offered().map_err(|error| error.context(trade.node.quoted_log()))?;
    // It decides one second after the request at the latest.
    thread::sleep(QUIET * 2);
    let messages = market::business_messages(&mut trade.agr);
    assert_eq!(messages, market::expected(&[("FlexRequest", ""), ("FlexOfferResponse", "Accepted")]));
    Ok(())
}

macro_rules! killed {
    ($($name:ident: $moment:ident,)*) => {
        $(
            #[test]
            fn $name() -> Result<()> {
                trade(Some(Moment::$moment))
            }
        )*
    };
}

killed! {
    killed_after_its_request: RequestReceived,
    killed_after_the_flex_request_response: RequestAnswered,
    killed_after_the_offer: OfferDelivered,
    killed_after_its_flex_offer_response: OfferAnswered,
    killed_after_its_order: OrderReceived,
    killed_after_the_flex_order_response: OrderAnswered,
}
