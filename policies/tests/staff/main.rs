//! The routes of the staff over a real log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod journal;
mod reading;
mod refusals;
mod routes;
mod world;
