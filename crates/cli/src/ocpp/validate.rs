//! Messages, one per line, as a session reads and writes them.

use std::io::{BufRead as _, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tieline_ocpp::validation::{self, Invalid};
use tieline_ocpp::{RawValue, Tolerance, Version};

/// Exit code: a message is wrong.
const WRONG: u8 = 3;

/// Read OCPP messages, one per line of standard input, and print each as we would write it, or what its sender would get.
///
/// With `--type`, a line is the payload of such a message, and of a wrong one the error code, the place and the cause are
/// printed: `PropertyConstraintViolation /idTag (maxLength 20 exceeded (got 30 characters))`. Without it, a line is a whole frame,
/// and of a wrong one the frame is printed that its sender would get, or `ignored` with the code and the cause.
#[derive(Debug, Args)]
#[command(
    disable_version_flag = true,
    after_help = "Exit codes: 0 all are right; 3 one is not; 1 there is no such message."
)]
pub(crate) struct Validate {
    /// The OCPP version: 1.6, 2.0.1 or 2.1.
    #[arg(long, value_name = "V", value_parser = version)]
    version: Version,
    /// The message, named as its schema is, such as `BootNotificationRequest` or `BootNotificationResponse`.
    #[arg(long = "type", value_name = "NAME")]
    message: Option<String>,
    /// A deviation to forgive, by its name in the configuration; `all` forgives every known one.
    #[arg(long, value_name = "NAME")]
    tolerance: Vec<String>,
}

impl Validate {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        let mut tolerance = Tolerance::strict();
        for name in &self.tolerance {
            match name.as_str() {
                "all" => tolerance = Tolerance::lenient(),
                name => tolerance.set(name).with_context(|| name.to_owned())?,
            }
        }
        let mut all_are_right = true;
        let mut out = BufWriter::new(std::io::stdout().lock());
        for line in std::io::stdin().lock().split(b'\n') {
            let line = line.context("standard input can't be read")?;
            let line = String::from_utf8_lossy(&line);
            let is_right = match &self.message {
                Some(message) => self.payload(message, line.trim(), &tolerance, &mut out)?,
                None => self.frame(line.trim(), &tolerance, &mut out)?,
            };
            all_are_right &= is_right;
            out.flush()?;
        }
        Ok(if all_are_right { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
    }

    fn payload(
        &self,
        message: &str,
        line: &str,
        tolerance: &Tolerance,
        out: &mut impl Write,
    ) -> anyhow::Result<bool> {
        let payload = match RawValue::from_string(line.to_owned()) {
            Ok(payload) => payload,
            Err(error) => {
                writeln!(out, "{}", validation::not_json(self.version, &error))?;
                return Ok(false);
            }
        };
        match validation::payload(self.version, message, &payload, tolerance) {
            Ok(anew) => writeln!(out, "{anew}")?,
            Err(Invalid::Payload(refused)) => {
                writeln!(out, "{refused}")?;
                return Ok(false);
            }
            Err(unknown @ Invalid::Message(_)) => return Err(unknown.into()),
        }
        Ok(true)
    }

    fn frame(&self, line: &str, tolerance: &Tolerance, out: &mut impl Write) -> anyhow::Result<bool> {
        match validation::frame(self.version, line, tolerance) {
            Ok(anew) => writeln!(out, "{anew}")?,
            Err(refused) => {
                match refused.answer() {
                    Some(answer) => writeln!(out, "{answer}")?,
                    None => writeln!(out, "ignored: {refused}")?,
                }
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// By its number, or as the folders of the schemas are named.
fn version(text: &str) -> Result<Version, &'static str> {
    match text {
        "v16" => Ok(Version::V1_6),
        "v201" => Ok(Version::V2_0_1),
        "v21" => Ok(Version::V2_1),
        number => number.parse().map_err(|_| "is 1.6, 2.0.1 or 2.1"),
    }
}
