//! Certificates in 2.x (A02, M03 to M05).

use tieline_service::{After, Call, Router, State};

use super::messages::{
    CertificateHashData, CertificateHashDataChain, CertificateSignedRequest, CertificateSignedResponse,
    CertificateSignedStatus, DeleteCertificateRequest, DeleteCertificateResponse, DeleteCertificateStatus,
    GenericStatus, GetCertificateIdUse, GetInstalledCertificateIdsRequest,
    GetInstalledCertificateIdsResponse, GetInstalledCertificateStatus, HashAlgorithm,
    InstallCertificateRequest, InstallCertificateResponse, InstallCertificateStatus, SignCertificateRequest,
};
use crate::Ocpp;
use crate::charge_point::ChargePoint;
use crate::charge_point::hardware::{CertificateHash, Certified};

pub(super) fn routes(router: Router<Ocpp, ChargePoint>) -> Router<Ocpp, ChargePoint> {
    router.on(certificate_signed).on(install).on(delete).on(installed)
}

/// Asks the CSMS to have a new certificate of the station signed.
pub(super) async fn sign(point: &ChargePoint) {
    let Some(request) = point.0.hardware.signing_request() else {
        tracing::warn!(protocol = "ocpp", "the station can't make a signing request");
        return;
    };
    match point.link().answer(&SignCertificateRequest::new(request)).await {
        Ok(response) if response.status == GenericStatus::Accepted => {}
        Ok(response) => {
            tracing::warn!(protocol = "ocpp", status = %response.status, "the CSMS does not have it signed");
        }
        Err(failure) => tracing::warn!(protocol = "ocpp", %failure, "the CSMS does not have it signed"),
    }
}

async fn certificate_signed(
    call: Call<CertificateSignedRequest>,
    State(point): State<ChargePoint>,
) -> (CertificateSignedResponse, After) {
    if point.0.hardware.certificate_signed(&call.certificate_chain) {
        // A02.FR.08: it connects anew with it.
        let link = point.link().clone();
        let after = After::new(async move { link.reconnect("the station has a new certificate", None) });
        return (CertificateSignedResponse::new(CertificateSignedStatus::Accepted), after);
    }
    let event = point.clone();
    let after =
        point.afterwards(async move { event.security_event("InvalidChargingStationCertificate", None) });
    (CertificateSignedResponse::new(CertificateSignedStatus::Rejected), after)
}

async fn install(
    call: Call<InstallCertificateRequest>,
    State(point): State<ChargePoint>,
) -> InstallCertificateResponse {
    let certified = point.0.hardware.install_certificate(call.certificate_type.as_str(), &call.certificate);
    InstallCertificateResponse::new(match certified {
        Certified::Accepted => InstallCertificateStatus::Accepted,
        Certified::Rejected => InstallCertificateStatus::Rejected,
        Certified::Failed | Certified::NotFound => InstallCertificateStatus::Failed,
    })
}

async fn delete(
    call: Call<DeleteCertificateRequest>,
    State(point): State<ChargePoint>,
) -> DeleteCertificateResponse {
    let hash = hash_of(&call.certificate_hash_data);
    DeleteCertificateResponse::new(match point.0.hardware.delete_certificate(&hash) {
        Certified::Accepted => DeleteCertificateStatus::Accepted,
        Certified::NotFound => DeleteCertificateStatus::NotFound,
        Certified::Rejected | Certified::Failed => DeleteCertificateStatus::Failed,
    })
}

async fn installed(
    call: Call<GetInstalledCertificateIdsRequest>,
    State(point): State<ChargePoint>,
) -> GetInstalledCertificateIdsResponse {
    let uses: Vec<String> =
        call.certificate_type.iter().flatten().map(|use_of| use_of.as_str().to_owned()).collect();
    let known = point.0.hardware.certificates(&uses);
    if known.is_empty() {
        return GetInstalledCertificateIdsResponse::new(GetInstalledCertificateStatus::NotFound);
    }
    let mut response = GetInstalledCertificateIdsResponse::new(GetInstalledCertificateStatus::Accepted);
    response.certificate_hash_data_chain = Some(known.into_iter().map(chain).collect());
    response
}

pub(super) fn hash_of(hash: &CertificateHashData) -> CertificateHash {
    CertificateHash {
        algorithm: hash.hash_algorithm.as_str().to_owned(),
        issuer_name_hash: hash.issuer_name_hash.clone(),
        issuer_key_hash: hash.issuer_key_hash.clone(),
        serial_number: hash.serial_number.clone(),
    }
}

fn chain((use_of, hash): (String, CertificateHash)) -> CertificateHashDataChain {
    let algorithm = HashAlgorithm::from_wire(&hash.algorithm);
    let data =
        CertificateHashData::new(algorithm, hash.issuer_name_hash, hash.issuer_key_hash, hash.serial_number);
    CertificateHashDataChain::new(data, GetCertificateIdUse::from_wire(&use_of))
}
