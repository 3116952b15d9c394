//! Frames of OCPP-J: what stands around the payload of each message (Part 4 §4.2).
//!
//! Sessions read and write them by themselves. This is for those who work on recorded messages or on transports of
//! their own.

pub use ocpp_kit::rpc::{CallErrorRef, Frame, FrameError, FrameReply, MessageTypeId};
