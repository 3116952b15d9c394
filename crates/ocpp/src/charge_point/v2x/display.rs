//! Display messages and costs in 2.x (O01 to O06, I02).

use tieline_service::{After, Call, Router, State};

use super::messages::{
    self, ClearDisplayMessageRequest, ClearDisplayMessageResponse, ClearMessageStatus, CostUpdatedRequest,
    CostUpdatedResponse, DisplayMessageStatus, GetDisplayMessagesRequest, GetDisplayMessagesResponse,
    GetDisplayMessagesStatus, MessageInfo, NotifyDisplayMessagesRequest, SetDisplayMessageRequest,
    SetDisplayMessageResponse,
};
use super::variables::{component_key, component_of};
use super::{extra, reason, with_extra};
use crate::charge_point::display::{Criterion, DisplayMessage, MessageContent, MessagePriority};
use crate::charge_point::{ChargePoint, Link};
use crate::types::DateTime;
use crate::{CallError, ErrorCode, Ocpp};

/// How many messages one NotifyDisplayMessages tells.
const PAGE: usize = 10;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(set).on(get).on(clear).on(cost_updated)
}

fn no_display() -> CallError {
    CallError::new(ErrorCode::NotSupported, "This station has no display")
}

/// O01, O02, O06.
async fn set(
    call: Call<SetDisplayMessageRequest>,
    State(point): State<ChargePoint>,
) -> Result<SetDisplayMessageResponse, CallError> {
    let Some(priority) = MessagePriority::from_wire(call.message.priority.as_str()) else {
        return Ok(SetDisplayMessageResponse::new(DisplayMessageStatus::NotSupportedPriority));
    };
    let set = point.set_message(read(&call.message, priority)).ok_or_else(no_display)?;
    let Err((status, why)) = set else {
        return Ok(SetDisplayMessageResponse::new(DisplayMessageStatus::Accepted));
    };
    let status = DisplayMessageStatus::from_wire(status);
    // 2.0.1 knows fewer.
    let status = if status.is_known() { status } else { DisplayMessageStatus::Rejected };
    let mut response = SetDisplayMessageResponse::new(status);
    response.status_info = why.map(reason);
    Ok(response)
}

fn read(info: &MessageInfo, priority: MessagePriority) -> DisplayMessage {
    let content = |content: &messages::MessageContent| MessageContent {
        format: content.format.as_str().to_owned(),
        language: content.language.clone(),
        content: content.content.clone(),
    };
    DisplayMessage {
        id: info.id,
        priority,
        state: info.state.as_ref().map(|state| state.as_str().to_owned()),
        start: info.start_date_time.map(DateTime::timestamp),
        end: info.end_date_time.map(DateTime::timestamp),
        transaction: info.transaction_id.clone(),
        display: info.display.as_ref().map(component_key),
        contents: std::iter::once(&info.message).chain(extra(info)).map(content).collect(),
    }
}

fn written(message: DisplayMessage) -> Option<MessageInfo> {
    let mut contents = message.contents.into_iter().map(|one| {
        let format = messages::MessageFormat::from_wire(&one.format);
        let mut content = messages::MessageContent::new(format, one.content);
        content.language = one.language;
        content
    });
    let priority = messages::MessagePriority::from_wire(message.priority.as_str());
    let mut info = MessageInfo::new(message.id, priority, contents.next()?);
    info.state = message.state.as_deref().map(messages::MessageState::from_wire);
    info.start_date_time = message.start.map(DateTime::from_timestamp);
    info.end_date_time = message.end.map(DateTime::from_timestamp);
    info.transaction_id = message.transaction;
    info.display = message.display.as_ref().map(component_of);
    Some(with_extra(info, contents.collect()))
}

/// O03, O04. The messages come after the answer.
async fn get(
    call: Call<GetDisplayMessagesRequest>,
    State(point): State<ChargePoint>,
) -> Result<(GetDisplayMessagesResponse, After), CallError> {
    point.0.hardware.display().ok_or_else(no_display)?;
    let criterion = Criterion {
        ids: call.id.clone(),
        priority: call.priority.as_ref().and_then(|one| MessagePriority::from_wire(one.as_str())),
        state: call.state.as_ref().map(|state| state.as_str().to_owned()),
    };
    let found = point.locked().messages.found(&criterion);
    if found.is_empty() {
        return Ok((GetDisplayMessagesResponse::new(GetDisplayMessagesStatus::Unknown), After::none()));
    }
    let found: Vec<_> = found.into_iter().filter_map(written).collect();
    let (told, request) = (point.clone(), call.request_id);
    let after = point.afterwards(async move { tell(told.link(), request, &found).await });
    Ok((GetDisplayMessagesResponse::new(GetDisplayMessagesStatus::Accepted), after))
}

async fn tell(link: &Link, request: i32, found: &[MessageInfo]) {
    let mut pages = found.chunks(PAGE).peekable();
    while let Some(page) = pages.next() {
        let mut notify = NotifyDisplayMessagesRequest::new(request);
        notify.tbc = pages.peek().map(|_| true);
        notify.message_info = Some(page.to_vec());
        if let Err(failure) = link.answer(&notify).await {
            tracing::warn!(protocol = "ocpp", request, %failure, "messages were not told to their end");
            return;
        }
    }
}

/// O05.
async fn clear(
    call: Call<ClearDisplayMessageRequest>,
    State(point): State<ChargePoint>,
) -> Result<ClearDisplayMessageResponse, CallError> {
    point.0.hardware.display().ok_or_else(no_display)?;
    let was_there = point.change(|state| state.messages.clear(call.id));
    let status = if was_there { ClearMessageStatus::Accepted } else { ClearMessageStatus::Unknown };
    Ok(ClearDisplayMessageResponse::new(status))
}

/// I02.
async fn cost_updated(
    call: Call<CostUpdatedRequest>,
    State(point): State<ChargePoint>,
) -> Result<CostUpdatedResponse, CallError> {
    if point.cost_updated(&call.transaction_id, call.total_cost) {
        Ok(CostUpdatedResponse::new())
    } else {
        Err(CallError::new(ErrorCode::NotSupported, "This station shows no cost"))
    }
}
