//! TriggerMessage and ExtendedTriggerMessage of 1.6 (§5.17, whitepaper §5.5): the answer first, then the message.

use tieline_service::{After, Call, Router, State};

use super::telling::meter_values;
use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::upkeep::Way;
use crate::v16::{
    ExtendedMessageTrigger, ExtendedTriggerMessageRequest, ExtendedTriggerMessageResponse, MessageTrigger,
    TriggerMessageRequest, TriggerMessageResponse, TriggerMessageStatus,
};
use crate::v21::BootReason;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(trigger).on(extended_trigger)
}

/// What is wanted.
enum Wanted {
    Boot,
    Heartbeat,
    Status,
    MeterValues,
    Firmware(Way),
    Log(Way),
    Certificate,
}

async fn trigger(
    call: Call<TriggerMessageRequest>,
    State(point): State<ChargePoint>,
) -> (TriggerMessageResponse, After) {
    let wanted = match call.requested_message {
        MessageTrigger::BootNotification => Wanted::Boot,
        MessageTrigger::Heartbeat => Wanted::Heartbeat,
        MessageTrigger::StatusNotification => Wanted::Status,
        MessageTrigger::MeterValues => Wanted::MeterValues,
        MessageTrigger::FirmwareStatusNotification => Wanted::Firmware(Way::Plain),
        MessageTrigger::DiagnosticsStatusNotification => Wanted::Log(Way::Plain),
        _ => return (TriggerMessageResponse::new(TriggerMessageStatus::NotImplemented), After::none()),
    };
    let (status, after) = answered(&point, wanted, call.connector_id);
    (TriggerMessageResponse::new(status), after)
}

async fn extended_trigger(
    call: Call<ExtendedTriggerMessageRequest>,
    State(point): State<ChargePoint>,
) -> (ExtendedTriggerMessageResponse, After) {
    let wanted = match call.requested_message {
        ExtendedMessageTrigger::BootNotification => Wanted::Boot,
        ExtendedMessageTrigger::Heartbeat => Wanted::Heartbeat,
        ExtendedMessageTrigger::StatusNotification => Wanted::Status,
        ExtendedMessageTrigger::MeterValues => Wanted::MeterValues,
        ExtendedMessageTrigger::FirmwareStatusNotification => Wanted::Firmware(Way::Numbered(0)),
        ExtendedMessageTrigger::LogStatusNotification => Wanted::Log(Way::Numbered(0)),
        ExtendedMessageTrigger::SignChargePointCertificate => Wanted::Certificate,
        _ => {
            return (
                ExtendedTriggerMessageResponse::new(TriggerMessageStatus::NotImplemented),
                After::none(),
            );
        }
    };
    let (status, after) = answered(&point, wanted, call.connector_id);
    (ExtendedTriggerMessageResponse::new(status), after)
}

fn answered(point: &ChargePoint, wanted: Wanted, connector: Option<i32>) -> (TriggerMessageStatus, After) {
    let evses: Vec<i32> = {
        let state = point.locked();
        let all = std::iter::once(0).chain(state.evses.iter().map(|evse| evse.id));
        all.filter(|id| connector.is_none_or(|wanted| wanted == *id)).collect()
    };
    if evses.is_empty() {
        return (TriggerMessageStatus::Rejected, After::none());
    }
    let told = point.clone();
    (TriggerMessageStatus::Accepted, point.afterwards(async move { tell(&told, wanted, evses).await }))
}

async fn tell(point: &ChargePoint, wanted: Wanted, evses: Vec<i32>) {
    match wanted {
        Wanted::Boot => point.link().boot(BootReason::Triggered),
        Wanted::Heartbeat => point.link().beat(),
        Wanted::Firmware(way) => point.tell_firmware_again(way).await,
        Wanted::Log(way) => point.tell_log_again(way).await,
        Wanted::Certificate => super::security::sign(point).await,
        Wanted::Status => {
            for evse in evses {
                let Some(status) = point.status(evse) else { continue };
                if let Err(failure) = point.tell(&status, true).await {
                    tracing::warn!(protocol = "ocpp", evse, %failure, "a status that was asked for was not told");
                }
            }
        }
        Wanted::MeterValues => {
            for evse in evses.into_iter().filter(|evse| *evse > 0) {
                let told = tell_meter(point, evse).await;
                if let Err(failure) = told {
                    tracing::warn!(protocol = "ocpp", evse, %failure, "meter values that were asked for were not told");
                }
            }
        }
    }
}

/// Meter values of a transaction go the way of all that is about it.
async fn tell_meter(point: &ChargePoint, evse: i32) -> Result<(), crate::CallFailure> {
    let in_transaction = point.change(|state| {
        let running = state.evse(evse).is_some_and(|known| known.kept.transaction.is_some());
        if running {
            point.update(state, evse, "Trigger");
        }
        running
    });
    if in_transaction {
        return Ok(());
    }
    meter_values(point.link(), evse, point.0.hardware.meter(evse), "Trigger").await
}
