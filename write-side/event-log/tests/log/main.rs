//! The log from outside: opening, appending, crashing, destroying.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod appending;
mod clock;
mod crash;
mod destruction;
mod full_disk;
mod going_on;
mod golden;
mod model;
mod remote;
mod rotting;
mod stubs;
mod world;
