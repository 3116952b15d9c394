//! Firmware and logs: work for the CSMS that takes its time, and how it is told of it.

use std::time::Duration;

use jiff::Timestamp;

use super::ChargePoint;
use super::hardware::{FirmwareRequest, LogRequest, UploadFailure};
use super::state::Progress;

/// How often to try again, and after which pause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Retries {
    pub(crate) count: u32,
    pub(crate) pause: Duration,
}

impl Retries {
    /// As requests spell them: both may be absent.
    pub(crate) fn new(count: Option<i32>, seconds: Option<i32>) -> Self {
        let count = count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
        Self { count, pause: Duration::from_secs(seconds) }
    }
}

/// What is asked for, and by which of 1.6's two ways: the signed one and the log of the whitepaper have notifications
/// of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// UpdateFirmware or GetDiagnostics of 1.6.
    Plain,
    /// SignedUpdateFirmware or GetLog of the whitepaper, and all of 2.x, with the number of the request.
    Numbered(i32),
}

impl Way {
    fn request(self) -> Option<i32> {
        match self {
            Self::Plain => None,
            Self::Numbered(request) => Some(request),
        }
    }
}

/// A number for new work, and whether other work is given up for it.
fn begin(progress: &mut Progress, way: Way) -> (u64, bool) {
    let is_busy = progress.status.is_some_and(|status| !is_final(status));
    progress.generation += 1;
    progress.request = way.request();
    // Until it tells more.
    progress.status = Some("Accepted");
    (progress.generation, is_busy)
}

fn is_final(status: &str) -> bool {
    matches!(
        status,
        "Idle"
            | "Installed"
            | "InstallationFailed"
            | "DownloadFailed"
            | "InvalidSignature"
            | "Uploaded"
            | "UploadFailure"
            | "UploadFailed"
            | "PermissionDenied"
            | "NotSupportedOperation"
    )
}

impl ChargePoint {
    /// A number for a new update, and whether another one is given up for it.
    pub(crate) fn begin_firmware(&self, way: Way) -> (u64, bool) {
        begin(&mut self.locked().firmware, way)
    }

    /// A number for a new upload, and whether another one is given up for it.
    pub(crate) fn begin_log(&self, way: Way) -> (u64, bool) {
        begin(&mut self.locked().log, way)
    }

    /// Downloads, verifies and installs (1.6 §5.19, whitepaper L01, 2.x L01 and L02). `generation`: as long as it is
    /// the last that was asked for.
    pub(crate) async fn update_firmware(
        &self,
        firmware: FirmwareRequest,
        retries: Retries,
        way: Way,
        generation: u64,
    ) {
        if self.waits(firmware.retrieve_at) {
            self.firmware_is("DownloadScheduled", way, generation).await;
            self.wait_until(firmware.retrieve_at).await;
        }
        if !self.download(&firmware, retries, way, generation).await {
            return;
        }
        if firmware.signature.is_some() {
            if !self.0.hardware.verify(&firmware) {
                self.firmware_is("InvalidSignature", way, generation).await;
                self.security_event("InvalidFirmwareSignature", Some(&firmware.location));
                return;
            }
            self.firmware_is("SignatureVerified", way, generation).await;
        }
        if let Some(install_at) = firmware.install_at.filter(|at| self.waits(*at)) {
            self.firmware_is("InstallScheduled", way, generation).await;
            self.wait_until(install_at).await;
        }
        // Nobody's charging is cut short.
        self.idle(None).await;
        if self.firmware_is("Installing", way, generation).await {
            let works = self.0.hardware.install(&firmware).await;
            let status = if works { "Installed" } else { "InstallationFailed" };
            self.firmware_is(status, way, generation).await;
        }
    }

    async fn download(
        &self,
        firmware: &FirmwareRequest,
        retries: Retries,
        way: Way,
        generation: u64,
    ) -> bool {
        if !self.firmware_is("Downloading", way, generation).await {
            return false;
        }
        for attempt in 0..=retries.count {
            if attempt > 0 {
                self.pause(retries.pause).await;
            }
            if self.0.hardware.download(firmware).await {
                return self.firmware_is("Downloaded", way, generation).await;
            }
        }
        self.firmware_is("DownloadFailed", way, generation).await;
        false
    }

    fn waits(&self, at: Timestamp) -> bool {
        at > self.now()
    }

    async fn pause(&self, pause: Duration) {
        if let Some(at) = super::timers::later(self.now(), pause) {
            self.wait_until(at).await;
        }
    }

    /// Tells how the update stands; `false` if it is no longer the one that counts.
    async fn firmware_is(&self, status: &'static str, way: Way, generation: u64) -> bool {
        {
            let mut state = self.locked();
            if state.firmware.generation != generation {
                return false;
            }
            state.firmware.status = Some(status);
        }
        self.tell_firmware(status, way, false).await;
        true
    }

    /// Tells how the last update stands, as a TriggerMessage wants it.
    pub(crate) async fn tell_firmware_again(&self, way: Way) {
        let (status, request) = {
            let state = self.locked();
            (state.firmware.status, state.firmware.request)
        };
        // 1.6 §4.5, 2.x L01.FR.26: Idle when nothing is going on.
        let status = status.filter(|status| *status != "Accepted" && !is_final(status)).unwrap_or("Idle");
        let way = match (way, request) {
            (Way::Numbered(_), Some(request)) => Way::Numbered(request),
            (way, _) => way,
        };
        self.tell_firmware(status, way, true).await;
    }

    async fn tell_firmware(&self, status: &'static str, way: Way, asked: bool) {
        let version = self.locked().version;
        let link = &self.0.link;
        let told = spoken!(version, said => said::firmware_status(link, status, way, asked).await);
        if let Err(failure) = told {
            tracing::warn!(protocol = "ocpp", status, %failure, "the CSMS does not know how the firmware stands");
        }
    }

    /// Uploads a log (1.6 §5.7, whitepaper N01, 2.x N01).
    pub(crate) async fn upload_log(&self, log: LogRequest, retries: Retries, way: Way, generation: u64) {
        if !self.log_is("Uploading", way, generation).await {
            return;
        }
        let mut status = "UploadFailure";
        for attempt in 0..=retries.count {
            if attempt > 0 {
                self.pause(retries.pause).await;
            }
            status = match self.0.hardware.upload(&log).await {
                Ok(()) => "Uploaded",
                Err(UploadFailure::Failed) => "UploadFailure",
                Err(UploadFailure::PermissionDenied) => "PermissionDenied",
                Err(UploadFailure::NotSupported) => "NotSupportedOperation",
            };
            if status != "UploadFailure" {
                break;
            }
        }
        self.log_is(status, way, generation).await;
    }

    async fn log_is(&self, status: &'static str, way: Way, generation: u64) -> bool {
        {
            let mut state = self.locked();
            if state.log.generation != generation {
                return false;
            }
            state.log.status = Some(status);
        }
        self.tell_log(status, way, false).await;
        true
    }

    /// Tells how the last upload stands, as a TriggerMessage wants it.
    pub(crate) async fn tell_log_again(&self, way: Way) {
        let (status, request) = {
            let state = self.locked();
            (state.log.status, state.log.request)
        };
        let status = status.filter(|status| *status == "Uploading").unwrap_or("Idle");
        let way = match (way, request) {
            (Way::Numbered(_), Some(request)) => Way::Numbered(request),
            (way, _) => way,
        };
        self.tell_log(status, way, true).await;
    }

    async fn tell_log(&self, status: &'static str, way: Way, asked: bool) {
        let version = self.locked().version;
        let link = &self.0.link;
        let told = spoken!(version, said => said::log_status(link, status, way, asked).await);
        if let Err(failure) = told {
            tracing::warn!(protocol = "ocpp", status, %failure, "the CSMS does not know how the upload stands");
        }
    }

    /// Tells of something that matters for security (whitepaper A04, 2.x A04).
    pub(crate) fn security_event(&self, kind: &str, details: Option<&str>) {
        let version = self.locked().version;
        let link = &self.0.link;
        spoken!(version, said => said::security_event(link, kind, details));
    }
}
