//! The write side on a real log: answers, restarts, rebuilds, concurrency.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "write_side/audit.rs"]
mod audit;
#[path = "write_side/concurrency.rs"]
mod concurrency;
#[path = "write_side/erased.rs"]
mod erased;
#[path = "write_side/foreign.rs"]
mod foreign;
#[path = "write_side/governance.rs"]
mod governance;
#[path = "write_side/holds.rs"]
mod holds;
#[path = "write_side/membership.rs"]
mod membership;
#[path = "write_side/restart.rs"]
mod restart;
#[path = "write_side/stage.rs"]
mod stage;
#[path = "write_side/stopped.rs"]
mod stopped;
#[path = "write_side/stubs.rs"]
mod stubs;
#[path = "write_side/upgrade.rs"]
mod upgrade;
