//! Participants that are looked up: in records that a test wrote, and in servers on loopback.

mod books;
mod dns;
mod gopacs;
mod named;
mod oauth;
mod rotation;
mod servers;
mod zone;
