//! Participants of ours, as `tieline-uftp` runs them, with participants on shapeshifter-uftp.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests stand outside the participants: they have the wall clock and threads that may block"
)]

mod addressing;
mod agr_dso;
mod coverage;
mod cro;
mod driver;
mod every_message;
mod handlers;
mod ours;
mod refusal;
mod repetition;
mod shifted_clock;
mod slow;
mod unreleased;
mod world;
