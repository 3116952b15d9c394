//! Charge points at work, against a CSMS that records what they say.

mod charging;
mod customers;
mod der;
mod displays;
mod monitoring;
mod networks;
mod offline;
mod profiles;
mod remote;
mod settings;
mod station;
mod transactions;
mod upkeep;
mod world;
