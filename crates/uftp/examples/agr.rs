//! An aggregator: offers what is asked for, accepts orders of what it has offered, and then says what it expects.
//!
//! A line on standard input sends a TestMessage to each DSO and asks each CRO for the portfolio of today.

mod options;

use anyhow::Result;
use clap::Parser as _;
use options::{Options, calendar};
use tieline_service::Call;
use tieline_types::{Currency, Power};
use tieline_uftp::Role;
use tieline_uftp::message::{
    AgrPortfolioQuery, DPrognosis, Disposition, FlexOffer, FlexOrder, FlexRequest, Isp, OfferOption,
    TestMessage,
};
use tieline_uftp::service::{AgrService, Conversation, Unsendable};
use tieline_uftp::value::ActivationFactor;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let clock = options.clock();
    let handlers = AgrService::new().process(offer).process(expect);
    let (dsos, cros) = (options.peers(Role::Dso), options.peers(Role::Cro));
    let today = calendar()?.time_zone().to_datetime(clock.now()).date();
    options
        .run(handlers, clock, async |agr| {
            for dso in &dsos {
                agr.dso_client(dso.clone()).send(|header| TestMessage { header }).await?;
            }
            for cro in &cros {
                let time_zone = "Europe/Amsterdam".parse()?;
                let query = |header| AgrPortfolioQuery { header, time_zone, period: today };
                agr.cro_client(cro.clone()).send(query).await?;
            }
            Ok(())
        })
        .await
}

/// Half of what is asked for, in one option that may be ordered in part, at a hundredth of a cent per watt and ISP.
async fn offer(request: Call<FlexRequest>, conversation: Conversation) -> Result<(), Unsendable> {
    let requested = request.isps.iter().filter(|isp| isp.disposition == Some(Disposition::Requested));
    let isps: Vec<Isp> = requested
        .map(|isp| {
            let nearest = if isp.min_power.watts() >= 0 { isp.max_power } else { isp.min_power };
            Isp { power: Power::from_watts(nearest.watts() / 2), range: isp.range }
        })
        .collect();
    let watts: i64 =
        isps.iter().map(|isp| isp.power.watts().abs() * i64::from(isp.range.duration().get())).sum();
    let option = OfferOption {
        option_reference: "half".parse().expect("it is a text"),
        price: tieline_types::Amount::rounded(rust_decimal::Decimal::new(watts, 4)),
        min_activation_factor: ActivationFactor::from_hundredths(10).expect("it is between 1 and 100"),
        isps,
    };
    tracing::info!(request = %request.header.message_id, isps = ?option.isps, "offered");
    conversation.send(|header| FlexOffer {
        header,
        flex: request.flex.clone(),
        expiration_date_time: request.expiration_date_time.clone(),
        unsolicited: None,
        flex_request_message_id: Some(request.header.message_id),
        contract_id: request.contract_id.clone(),
        d_prognosis_message_id: None,
        baseline_reference: None,
        currency: Currency::EUR,
        options: vec![option],
    })?;
    Ok(())
}

/// After an order: the whole day, with what was ordered in it.
async fn expect(order: Call<FlexOrder>, conversation: Conversation) -> Result<(), Unsendable> {
    let Ok(day) = calendar().and_then(|calendar| Ok(calendar.day(order.flex.period)?)) else { return Ok(()) };
    let power =
        |isp| order.isps.iter().find(|run| run.range.contains(isp)).map_or(Power::ZERO, |run| run.power);
    let isps =
        day.isps().map(|(isp, _)| Isp { power: power(isp), range: tieline_types::IspRange::single(isp) });
    let isps = isps.collect();
    tracing::info!(order = %order.order_reference, "accepted");
    conversation.begin(|header| DPrognosis { header, flex: order.flex.clone(), revision: 1, isps })?;
    Ok(())
}
