//! Handlers that take their time lose nothing, do nothing twice and keep each conversation in order.
