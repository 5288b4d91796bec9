//! `[telemetry]`: log output.

use serde::{Deserialize, Serialize};

use super::section::section;

/// The shape of log output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

section! {
    /// Log output, which goes to standard error.
    Telemetry {
        /// What is logged: a level, or a list such as `info,http_edge=debug`.
        filter: String = "info,fjall=warn,lsm_tree=warn,ruma_state_res=warn".to_owned();
        /// "text" or "json".
        format: LogFormat = LogFormat::Text;
    }
}
