//! What commands print: results on standard output, errors on standard error.

use std::io::{self, Write as _};

use super::Failure;

/// Prints text as it is. A closed pipe is nobody's fault.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a line.
pub(super) fn line(line: &str) -> anyhow::Result<()> {
    text(&format!("{line}\n"))
}

/// Prints JSON on one line, for scripts.
pub(super) fn json(value: &serde_json::Value) -> anyhow::Result<()> {
    line(&value.to_string())
}

/// Says something on standard error that is no error.
pub(super) fn note(note: &str) {
    // Nothing is left to tell that standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{note}");
}

/// Prints an error with its causes, and what to do next where that is known.
pub(super) fn error(error: &anyhow::Error) {
    let mut stderr = io::stderr().lock();
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Nothing is left to tell that standard error is gone.
    let _ = writeln!(stderr, "chancery: {}", causes.join(": "));
    if let Some(failure) = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
        let _ = writeln!(stderr, "What to do: {}.", failure.next);
    }
}
