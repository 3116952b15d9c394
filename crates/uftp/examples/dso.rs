//! A grid operator: orders the first option of each offer.
//!
//! A line on standard input sends a FlexRequest for tomorrow's evening to each AGR, and a query to each CRO.

mod options;

use anyhow::Result;
use clap::Parser as _;
use options::{Options, calendar};
use tieline_service::Call;
use tieline_types::{IspRange, Power};
use tieline_uftp::Role;
use tieline_uftp::message::{
    Disposition, DsoPortfolioQuery, FlexMessage, FlexOffer, FlexOrder, FlexOrderResponse, FlexRequest,
    FlexRequestIsp,
};
use tieline_uftp::service::{Conversation, DsoService, Unsendable};
use tieline_uftp::value::{ActivationFactor, DateTime};

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let clock = options.clock();
    let handlers = DsoService::new().process(order).process(ordered);
    let (agrs, cros) = (options.peers(Role::Agr), options.peers(Role::Cro));
    let now = clock.clone();
    options
        .run(handlers, clock, async |dso| {
            let calendar = calendar()?;
            let tomorrow = calendar.time_zone().to_datetime(now.now()).date().tomorrow()?;
            let flex = FlexMessage {
                isp_duration: calendar.isp_duration(),
                time_zone: "Europe/Amsterdam".parse()?,
                period: tomorrow,
                congestion_point: "ean.871685900012636543".parse()?,
            };
            for agr in &agrs {
                let isps = vec![FlexRequestIsp {
                    disposition: Some(Disposition::Requested),
                    min_power: Power::from_watts(-500_000),
                    max_power: Power::ZERO,
                    range: IspRange::from_numbers(73, 8)?,
                }];
                let expiration_date_time = DateTime::utc(calendar.day(tomorrow)?.span().start());
                let request = |header| FlexRequest {
                    header,
                    flex: flex.clone(),
                    revision: 1,
                    expiration_date_time,
                    contract_id: None,
                    service_type: None,
                    isps,
                };
                let sent = dso.agr_client(agr.clone()).send(request).await?;
                tracing::info!(%agr, request = %sent.message_id, "requested");
            }
            for cro in &cros {
                let (time_zone, entity_address) = (flex.time_zone.clone(), flex.congestion_point.clone());
                let query =
                    |header| DsoPortfolioQuery { header, time_zone, period: tomorrow, entity_address };
                dso.cro_client(cro.clone()).send(query).await?;
            }
            Ok(())
        })
        .await
}

async fn order(offer: Call<FlexOffer>, conversation: Conversation) -> Result<(), Unsendable> {
    let Some(option) = offer.options.first() else { return Ok(()) };
    tracing::info!(option = %option.option_reference, price = %option.price, "ordered");
    conversation.send(|header| FlexOrder {
        flex: offer.flex.clone(),
        unsolicited: None,
        service_type: None,
        flex_offer_message_id: Some(offer.header.message_id),
        contract_id: offer.contract_id.clone(),
        d_prognosis_message_id: offer.d_prognosis_message_id,
        baseline_reference: offer.baseline_reference.clone(),
        price: option.price,
        currency: offer.currency,
        order_reference: header.message_id.to_string().parse().expect("it is a text"),
        option_reference: Some(option.option_reference.clone()),
        activation_factor: ActivationFactor::FULL,
        isps: option.isps.clone(),
        header,
    })?;
    Ok(())
}

async fn ordered(response: Call<FlexOrderResponse>) {
    let (order, result) = (response.flex_order_message_id, response.response.result);
    tracing::info!(%order, ?result, "answered");
}
