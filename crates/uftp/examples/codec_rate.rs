//! Prints what each step of receiving and of sending one message costs, next to the bare Ed25519 operation.
//!
//! `cargo run --release --example codec_rate -p tieline-uftp -- [envelope.xml] [rounds]`; without a file it
//! makes a FlexRequest of 96 ISPs. A file is verified with the key of the seed that the fixtures use for a DSO.

use std::hint::black_box;
use std::time::Instant;

use tieline_types::{IspDuration, IspRange, Power};
use tieline_uftp::message::{Disposition, FlexMessage, FlexRequest, FlexRequestIsp};
use tieline_uftp::{
    Header, Limits, Message, Role, SignedMessage, SigningKey, Tolerance, Version, parse, seal,
};

type Error = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next();
    let rounds: usize = arguments.next().map_or(Ok(2000), |text| text.parse())?;

    let mut seed = [0; 32];
    seed.iter_mut().zip(64..).for_each(|(byte, value)| *byte = value);
    let (signing, keys) = {
        let key = SigningKey::from_seed(&seed);
        let public = key.verifying_key();
        (key, [public])
    };
    let document = match file {
        Some(file) => std::fs::read(file)?,
        None => seal(&request()?.into(), Role::Dso, &signing),
    };

    let limits = Limits::default();
    let envelope = SignedMessage::parse(&document, &limits)?;
    let payload = envelope.open(&keys)?.to_vec();
    let message = parse(&payload, &Tolerance::LENIENT)?;
    let signature = signing.sign(&payload);
    println!("envelope {} bytes, payload {} bytes, {rounds} rounds, median", document.len(), payload.len());

    let verified = time("verify, bare", rounds, || keys[0].verifies(&payload, &signature));
    time("  envelope and Base64", rounds, || SignedMessage::parse(&document, &limits));
    time("  payload", rounds, || parse(&payload, &Tolerance::LENIENT));
    let received = time("parse and verify", rounds, || {
        let envelope = SignedMessage::parse(&document, &limits).ok()?;
        parse(envelope.open(&keys).ok()?, &Tolerance::LENIENT).ok()
    });
    println!("{:24} {:8.2} x bare", "", received / verified);

    let signed = time("sign, bare", rounds, || signing.sign(&payload));
    time("  payload", rounds, || message.to_xml());
    time("  Base64 and envelope", rounds, || envelope.to_xml());
    let sent = time("serialise and seal", rounds, || seal(&message, Role::Dso, &signing));
    println!("{:24} {:8.2} x bare", "", sent / signed);
    Ok(())
}

/// The median time of `work` in microseconds, printed.
#[expect(clippy::print_stdout, reason = "printing is what it is for")]
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn time<T>(name: &str, rounds: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..rounds.max(1))
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!("{name:24} {median:8.2} us (least {:.2})", times[0]);
    median
}

fn request() -> Result<FlexRequest, Error> {
    let isps = (1..=96).map(|isp| {
        Ok(FlexRequestIsp {
            disposition: Some(if isp < 60 { Disposition::Available } else { Disposition::Requested }),
            min_power: Power::from_watts(-500_000),
            max_power: Power::from_watts(1_000_000),
            range: IspRange::from_numbers(isp, 1)?,
        })
    });
    let request = FlexRequest {
        header: Header {
            version: Version::V3_1_0,
            sender_domain: "dso.example.com".parse()?,
            recipient_domain: "agr.example.com".parse()?,
            time_stamp: "2026-06-03T14:30:00+00:00".parse()?,
            message_id: "8a8e7728-1c41-43d1-8d35-b9e20d1f339c".parse()?,
            conversation_id: "b24e9760-2919-43ee-8c16-833c977f976f".parse()?,
        },
        flex: FlexMessage {
            isp_duration: IspDuration::PT15M,
            time_zone: "Europe/Amsterdam".parse()?,
            period: jiff::civil::date(2026, 6, 4),
            congestion_point: "ean.871685900012636543".parse()?,
        },
        revision: 1,
        expiration_date_time: "2026-06-03T20:00:00+02:00".parse()?,
        contract_id: Some("C-1".parse()?),
        service_type: None,
        isps: isps.collect::<Result<_, Error>>()?,
    };
    debug_assert!(!request.to_xml().is_empty());
    Ok(request)
}
