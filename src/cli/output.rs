//! What commands print: results on standard output, errors on standard error.
//!
//! Owns that what others wrote shows as what it is ([`super::shown`]), wherever it comes from.

use std::io::{self, Write as _};

use super::{
    Failure,
    shown::{json_shown, shown, shown_lines},
};

/// Prints a text of our own as it is: one that is signed, or has nothing of others. A closed pipe is nobody's fault.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a line; what would end it, or do something to the terminal, is shown by its code.
pub(super) fn line(line: &str) -> anyhow::Result<()> {
    text(&format!("{}\n", shown(line)))
}

/// Prints lines.
pub(super) fn lines(lines: &[String]) -> anyhow::Result<()> {
    lines.iter().try_for_each(|one| line(one))
}

/// Prints JSON on one line, for scripts.
pub(super) fn json(value: &serde_json::Value) -> anyhow::Result<()> {
    text(&format!("{}\n", json_shown(&value.to_string())))
}

/// Says something on standard error that is no error.
pub(super) fn note(note: &str) {
    // Nothing is left to tell that standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{}", shown(note));
}

/// Prints an error with its causes, and what to do next where that is known.
pub(super) fn error(error: &anyhow::Error) {
    let mut stderr = io::stderr().lock();
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Nothing is left to tell that standard error is gone.
    let _ = writeln!(stderr, "chancery: {}", shown_lines(&causes.join(": ")));
    if let Some(failure) = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
        let _ = writeln!(stderr, "What to do: {}.", failure.next);
    }
}
