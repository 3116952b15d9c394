//! Load runs of Tieline beside the reference implementations, and what its benchmarks share.
//!
//! Both sides of a comparison run alternately on the same machine in the same minute, and what is compared is mostly the
//! CPU time that they take: it hardly depends on what else the machine does. `benches/README.md` has the commands and
//! the lines that they prove.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "load runs print tables")]
#![expect(clippy::disallowed_methods, reason = "load runs stand outside the node: they measure real time")]

pub mod fleet;
pub mod line;
pub mod ocpp;
pub mod process;
pub mod sample;
pub mod server;
pub mod table;
pub mod uftp_accept;
pub mod uftp_codec;
pub mod usage;
pub mod window;
