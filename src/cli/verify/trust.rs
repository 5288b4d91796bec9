//! Whom to trust: the keys given, and those that they vouch for.

use std::path::Path;

use event_log::ledger::{Checkpoint, Note, NoteError, VerifierKey, trusted_by};

use super::read;
use crate::cli::Failure;

/// The trusted keys.
pub(super) fn keys(given: &[String], listing: Option<&Path>) -> anyhow::Result<Vec<VerifierKey>> {
    let keys: Result<Vec<_>, _> = given.iter().map(|key| VerifierKey::from_vkey(key)).collect();
    let wrong = |error: NoteError| {
        Failure::new(error.to_string(), "take it as `chancery ledger key` prints it")
    };
    let keys = keys.map_err(wrong)?;
    match listing {
        Some(listing) => Ok(trusted_by(keys, &read(listing)?).map_err(wrong)?),
        None => Ok(keys),
    }
}

/// A checkpoint that a trusted key signed.
pub(super) fn checkpoint(note: &str, keys: &[VerifierKey]) -> Result<Checkpoint, NoteError> {
    let note = Note::parse(note)?;
    note.verify(keys)?;
    Checkpoint::parse(&note.text).ok_or(NoteError::Malformed)
}
