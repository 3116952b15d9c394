//! The library refuses valid messages now and then.
