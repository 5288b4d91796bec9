//! `[log]`: who gives positions in the log.

use serde::{Deserialize, Serialize};

use super::section::section;

/// The sequencer of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogBackend {
    /// The local segments are the log.
    Embedded,
    /// Rows in PostgreSQL.
    Postgres,
    /// A stream in KurrentDB.
    Kurrentdb,
}

section! {
    /// The event log.
    Log {
        /// "embedded": the local segments are the log.
        backend: LogBackend = LogBackend::Embedded;
    }
}
