//! Composite schedules against a reference that goes second by second, and against examples.

mod bounds;
mod chance;
mod examples;
mod hostile;
mod random;
mod reference;
mod spec;
mod split;
mod store;
