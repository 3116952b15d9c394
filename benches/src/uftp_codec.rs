//! Opening and sealing a FlexRequest beside shapeshifter-uftp.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tieline_interop::{DSO_KEY, Requirements, python_command};
use tieline_uftp::{Limits, Payload, Role, SignedMessage, SigningKey, Tolerance, VerifyingKey, seal};

use crate::line::{Line, conclude};
use crate::process::cpu_time;
use crate::sample;
use crate::server::python_script;
use crate::table::Table;
use crate::usage::Usage;

/// The sides take turns so often, since the speed of a machine drifts.
const TURNS: u32 = 8;
/// How long a turn of ours takes, and one of the bare operation.
const OUR_TURN: Duration = Duration::from_millis(600);
/// How long a turn of Python takes: it does fewer operations in it.
const PYTHON_TURN: Duration = Duration::from_millis(1500);
/// Operations between two looks at the clock.
const BATCH: u32 = 32;

/// Reads an envelope, checks its signature and reads the payload.
pub fn open(envelope: &[u8], keys: &[VerifyingKey]) -> Payload {
    let signed = SignedMessage::parse(envelope, &Limits::default()).expect("the fixture is an envelope");
    let payload = signed.open(keys).expect("the fixture is signed");
    tieline_uftp::parse(payload, &Tolerance::STRICT).expect("the fixture is valid")
}

/// Writes the message, signs it and writes the envelope.
pub fn close(message: &Payload, key: &SigningKey) -> Vec<u8> {
    seal(message, Role::Dso, key)
}

/// Runs both sides in turns and prints the table.
pub fn run() -> Result<()> {
    let (signing, verifying) = (sample::signing_key(), [sample::verifying_key()]);
    let message = sample::message();
    let written = message.to_xml();
    let signature = signing.sign(&written);
    let mut python = Python::start()?;

    let (mut opening, mut verifying_alone, mut python_opening) = Default::default();
    let (mut sealing, mut signing_alone, mut python_sealing) = Default::default();
    for _ in 0..TURNS {
        turn(&mut opening, || drop(black_box(open(black_box(sample::ENVELOPE), &verifying))))?;
        turn(&mut verifying_alone, || {
            assert!(verifying[0].verifies(black_box(&written), black_box(&signature)));
        })?;
        python_opening += python.turn("open")?;
        turn(&mut sealing, || drop(black_box(close(black_box(&message), &signing))))?;
        turn(&mut signing_alone, || {
            black_box(signing.sign(black_box(&written)));
        })?;
        python_sealing += python.turn("seal")?;
    }

    println!(
        "FlexRequest, 96 ISPs; payload {} bytes as Python writes it, {} as ours; one thread; {TURNS} turns each\n",
        sample::PAYLOAD.len(),
        written.len()
    );
    let mut table =
        Table::new(["", "operations", "CPU µs each", "per CPU-second", "× Python", "× bare Ed25519"]);
    row(&mut table, "open: envelope, verify, payload", &opening, &python_opening, &verifying_alone);
    row(&mut table, "bare Ed25519 verify", &verifying_alone, &python_opening, &verifying_alone);
    row(&mut table, "open, shapeshifter-uftp", &python_opening, &python_opening, &verifying_alone);
    row(&mut table, "seal: payload, sign, envelope", &sealing, &python_sealing, &signing_alone);
    row(&mut table, "bare Ed25519 sign", &signing_alone, &python_sealing, &signing_alone);
    row(&mut table, "seal, shapeshifter-uftp", &python_sealing, &python_sealing, &signing_alone);
    print!("{table}");
    conclude(&[
        Line::at_least(
            14.0,
            opening.per_cpu_second() / python_opening.per_cpu_second(),
            "opening, × Python's rate per CPU-second",
        ),
        Line::at_least(
            20.0,
            sealing.per_cpu_second() / python_sealing.per_cpu_second(),
            "sealing, × Python's rate per CPU-second",
        ),
        Line::at_most(
            2.2,
            opening.cpu_micros() / verifying_alone.cpu_micros(),
            "opening, × the cost of the bare verification",
        ),
        Line::at_most(
            2.2,
            sealing.cpu_micros() / signing_alone.cpu_micros(),
            "sealing, × the cost of the bare signature",
        ),
    ])
}

fn row(table: &mut Table, name: &str, usage: &Usage, python: &Usage, bare: &Usage) {
    table.row([
        name.to_owned(),
        usage.count.to_string(),
        format!("{:.1}", usage.cpu_micros()),
        format!("{:.0}", usage.per_cpu_second()),
        format!("{:.1}", usage.per_cpu_second() / python.per_cpu_second()),
        format!("{:.2}", usage.cpu_micros() / bare.cpu_micros()),
    ]);
}

/// Repeats an operation for a while.
fn turn(total: &mut Usage, mut operation: impl FnMut()) -> Result<()> {
    let own = std::process::id();
    let (cpu, start) = (cpu_time(own)?, Instant::now());
    let mut count = 0;
    while start.elapsed() < OUR_TURN {
        for _ in 0..BATCH {
            operation();
        }
        count += BATCH;
    }
    *total += Usage { count, cpu: cpu_time(own)?.saturating_sub(cpu), wall: start.elapsed() };
    Ok(())
}

/// The script with the library's own operations.
struct Python {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Result<Self> {
        let mut command = python_command(Requirements::Uftp, &python_script("uftp_codec.py"))?;
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let commands = process.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut python = Self { process, commands, answers };
        python.ask(&json!({
            "envelope": std::str::from_utf8(sample::ENVELOPE)?,
            "secret_key": DSO_KEY.secret,
            "public_key": DSO_KEY.public,
        }))?;
        Ok(python)
    }

    fn turn(&mut self, operation: &str) -> Result<Usage> {
        let answer = self.ask(&json!({ "operation": operation, "seconds": PYTHON_TURN.as_secs_f64() }))?;
        let seconds = |member: &str| {
            let seconds = answer[member].as_f64().with_context(|| format!("no {member} in {answer}"))?;
            Ok::<_, anyhow::Error>(Duration::try_from_secs_f64(seconds)?)
        };
        let count = answer["count"].as_u64().context("no count")?;
        Ok(Usage { count: count.try_into()?, cpu: seconds("cpu")?, wall: seconds("wall")? })
    }

    fn ask(&mut self, question: &Value) -> Result<Value> {
        writeln!(self.commands, "{question}").context("the Python script is gone")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "the Python script has ended");
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
