//! TriggerMessage of 2.x (F06): the answer first, then the message.

use tieline_service::{After, Call, Router, State};

use super::messages::{MessageTrigger, TriggerMessageRequest, TriggerMessageResponse, TriggerMessageStatus};
use super::reason;
use super::telling::meter_values;
use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::upkeep::Way;
use crate::v21::BootReason;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(trigger)
}

async fn trigger(
    call: Call<TriggerMessageRequest>,
    State(point): State<ChargePoint>,
) -> (TriggerMessageResponse, After) {
    let is_known = matches!(
        call.requested_message,
        MessageTrigger::BootNotification
            | MessageTrigger::LogStatusNotification
            | MessageTrigger::FirmwareStatusNotification
            | MessageTrigger::Heartbeat
            | MessageTrigger::MeterValues
            | MessageTrigger::SignChargingStationCertificate
            | MessageTrigger::StatusNotification
            | MessageTrigger::TransactionEvent
    );
    if !is_known {
        return (TriggerMessageResponse::new(TriggerMessageStatus::NotImplemented), After::none());
    }
    let wanted = call.evse.as_ref().map(|evse| evse.id).filter(|id| *id != 0);
    let evses: Vec<i32> = {
        let state = point.locked();
        let all = state.evses.iter().map(|evse| evse.id);
        all.filter(|id| wanted.is_none_or(|wanted| wanted == *id)).collect()
    };
    if evses.is_empty() {
        let mut response = TriggerMessageResponse::new(TriggerMessageStatus::Rejected);
        response.status_info = Some(reason("UnknownEvse"));
        return (response, After::none());
    }
    let (told, message) = (point.clone(), call.requested_message.clone());
    let after = point.afterwards(async move { tell(&told, &message, evses).await });
    (TriggerMessageResponse::new(TriggerMessageStatus::Accepted), after)
}

async fn tell(point: &ChargePoint, message: &MessageTrigger, evses: Vec<i32>) {
    match message {
        MessageTrigger::BootNotification => point.link().boot(BootReason::Triggered),
        MessageTrigger::Heartbeat => point.link().beat(),
        MessageTrigger::FirmwareStatusNotification => point.tell_firmware_again(Way::Numbered(0)).await,
        MessageTrigger::LogStatusNotification => point.tell_log_again(Way::Numbered(0)).await,
        MessageTrigger::SignChargingStationCertificate => super::security::sign(point).await,
        MessageTrigger::TransactionEvent => point.change(|state| {
            for evse in evses {
                point.update(state, evse, "Trigger");
            }
        }),
        MessageTrigger::StatusNotification => {
            for evse in evses {
                let Some(status) = point.status(evse) else { continue };
                if let Err(failure) = point.tell(&status, true).await {
                    tracing::warn!(protocol = "ocpp", evse, %failure, "a status that was asked for was not told");
                }
            }
        }
        _ => {
            for evse in evses {
                let meter = point.0.hardware.meter(evse);
                if let Err(failure) = meter_values(point.link(), evse, meter, "Trigger").await {
                    tracing::warn!(protocol = "ocpp", evse, %failure, "meter values that were asked for were not told");
                }
            }
        }
    }
}
