//! Composite schedules against a reference that goes second by second, and against examples.

mod bounds;
mod examples;
mod random;
mod reference;
mod spec;
mod store;
