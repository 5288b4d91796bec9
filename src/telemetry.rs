//! What the process says about itself: log lines and metrics.
//!
//! Owns the set-up of both. Never a token, a key or content: what layers hand in is bounded by
//! their own rules, and a panic's text is shown only where it was fixed at compile time.

mod logs;
mod metrics;
mod panics;

pub(crate) use self::{logs::start_logs, metrics::Metrics, panics::report_panics};
