//! A failure that says what to do next.

use thiserror::Error;

/// What went wrong, and the next step.
#[derive(Debug, Error)]
#[error("{what}")]
pub(super) struct Failure {
    what: String,
    /// What to do about it.
    pub(super) next: &'static str,
}

impl Failure {
    pub(super) fn new(what: impl Into<String>, next: &'static str) -> Self {
        Self { what: what.into(), next }
    }

    /// A command whose layer this build does not have yet.
    pub(super) fn missing(command: &str, layer: &str) -> Self {
        Self::new(
            format!("`chancery {command}` needs {layer}, which this build does not have"),
            "use a build that has it",
        )
    }
}
