//! CustomerInformation of 2.x (N09, N10).

use tieline_service::{After, Call, Router, State};

use super::messages::{
    CustomerInformationRequest, CustomerInformationResponse, CustomerInformationStatus,
    NotifyCustomerInformationRequest,
};
use super::reason;
use super::security::hash_of;
use crate::Ocpp;
use crate::charge_point::customer::{Customer, parts};
use crate::charge_point::{ChargePoint, Link};

/// How many characters one NotifyCustomerInformation tells.
const PART: usize = 512;

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(customer_information)
}

/// What it tells comes after the answer.
async fn customer_information(
    call: Call<CustomerInformationRequest>,
    State(point): State<ChargePoint>,
) -> (CustomerInformationResponse, After) {
    let refused = |status, why| {
        let mut response = CustomerInformationResponse::new(status);
        response.status_info = Some(reason(why));
        (response, After::none())
    };
    let customer = Customer {
        id_token: call.id_token.as_ref().map(|token| token.id_token.clone()),
        customer_identifier: call.customer_identifier.clone(),
        certificate: call.customer_certificate.as_ref().map(hash_of),
    };
    if !customer.is_named() {
        return refused(CustomerInformationStatus::Invalid, "MissingParam");
    }
    // N09.FR.07.
    if !call.report && !call.clear {
        return refused(CustomerInformationStatus::Rejected, "InvalidValue");
    }
    let lines = point.customer(&customer, call.clear);
    let text = match (call.report, lines.is_empty()) {
        // N09.FR.06, N10.FR.04.
        (true, true) => "No data found".to_owned(),
        (true, false) => lines.join("\n"),
        // N10.FR.06.
        (false, _) => "Data cleared".to_owned(),
    };
    let (told, request) = (point.clone(), call.request_id);
    let after = point.afterwards(async move { tell(told.link(), request, &text).await });
    (CustomerInformationResponse::new(CustomerInformationStatus::Accepted), after)
}

async fn tell(link: &Link, request: i32, text: &str) {
    let mut parts = parts(text, PART).into_iter().peekable();
    let mut number = 0;
    while let Some(part) = parts.next() {
        let mut notify = NotifyCustomerInformationRequest::new(part, number, link.now(), request);
        notify.tbc = parts.peek().map(|_| true);
        if let Err(failure) = link.answer(&notify).await {
            tracing::warn!(protocol = "ocpp", request, number, %failure, "customer information was not told to its end");
            return;
        }
        number += 1;
    }
}
