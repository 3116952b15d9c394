//! Load runs of Tieline beside the reference implementations: see `benches/README.md`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tieline_benches::{ocpp, uftp_accept, uftp_codec};

/// Runs both sides in turns on this machine and prints a table. Fails if a line that it proves is missed.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Opening and sealing a FlexRequest of 96 ISPs.
    UftpCodec,
    /// Accepting messages over HTTP, durably on our side.
    UftpAccept,
    /// The same on our side alone, with up to a million messages stored.
    UftpHistory,
    /// Calls of one and of fifty charging stations.
    OcppCalls,
    /// Memory of a thousand idle charging stations.
    OcppIdle,
    /// Memory of up to twenty thousand charging stations of ours alone.
    OcppFleet,
    /// Ten thousand charging stations of a node that go at once and come back.
    OcppStorm,
    /// The server processes of these runs.
    #[command(hide = true, subcommand)]
    Serve(Serve),
}

#[derive(Debug, Subcommand)]
enum Serve {
    /// Receives UFTP messages and commits them to a database.
    Uftp {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        data: PathBuf,
    },
    /// Takes messages and looks at nothing.
    Bare {
        #[arg(long)]
        port: u16,
    },
    /// A whole node, an aggregator whose peer takes messages at this port.
    Node {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        peer_port: u16,
        #[arg(long)]
        data: PathBuf,
    },
    /// The node of the storm.
    Storm {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        data: PathBuf,
    },
    /// A CSMS on tieline-ocpp.
    Ocpp {
        #[arg(long)]
        port: u16,
    },
    /// A CSMS on ocpp-kit's own transport.
    OcppKit {
        #[arg(long)]
        port: u16,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::UftpCodec => uftp_codec::run(),
        Command::UftpAccept => uftp_accept::run(),
        Command::UftpHistory => uftp_accept::run_with_history(),
        Command::OcppCalls => ocpp::calls(),
        Command::OcppIdle => ocpp::idle(),
        Command::OcppFleet => ocpp::fleet(),
        Command::OcppStorm => ocpp::storm(),
        Command::Serve(Serve::Uftp { port, data }) => uftp_accept::serve_receiver(port, &data),
        Command::Serve(Serve::Bare { port }) => uftp_accept::serve_bare(port),
        Command::Serve(Serve::Node { port, peer_port, data }) => {
            uftp_accept::serve_node(port, peer_port, &data)
        }
        Command::Serve(Serve::Storm { port, data }) => ocpp::serve_storm(port, &data),
        Command::Serve(Serve::Ocpp { port }) => ocpp::serve_tieline(port),
        Command::Serve(Serve::OcppKit { port }) => ocpp::serve_ocpp_kit(port),
    }
}
