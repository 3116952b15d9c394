//! SetNetworkProfile of 2.x (B09).

use tieline_service::{Call, Router, State};

use super::messages::{
    OCPPTransport, SetNetworkProfileRequest, SetNetworkProfileResponse, SetNetworkProfileStatus,
};
use super::{credentials, reason};
use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::networks::{NetworkProfile, SlotRefusal};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(set)
}

async fn set(
    call: Call<SetNetworkProfileRequest>,
    State(point): State<ChargePoint>,
) -> SetNetworkProfileResponse {
    let data = &call.connection_data;
    let (identity, password) = credentials(data);
    let profile = NetworkProfile {
        csms_url: data.ocpp_csms_url.clone(),
        security_profile: data.security_profile,
        interface: data.ocpp_interface.as_str().to_owned(),
        message_timeout: data.message_timeout,
        identity,
        password,
        apn: data.apn.as_ref().and_then(|apn| serde_json::to_value(apn).ok()),
        vpn: data.vpn.as_ref().and_then(|vpn| serde_json::to_value(vpn).ok()),
    };
    let set = if data.ocpp_transport == OCPPTransport::JSON {
        point.set_network(call.configuration_slot, profile)
    } else {
        Err(SlotRefusal::InvalidNetworkConf)
    };
    let Err(refusal) = set else {
        return SetNetworkProfileResponse::new(SetNetworkProfileStatus::Accepted);
    };
    let mut response = SetNetworkProfileResponse::new(SetNetworkProfileStatus::Rejected);
    response.status_info = Some(reason(refusal.as_str()));
    response
}
