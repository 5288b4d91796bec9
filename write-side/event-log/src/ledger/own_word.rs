//! Whether a checkpoint is the word of whoever has the keys at hand.

use std::{io, path::Path};

use super::{
    checkpoint::Checkpoint,
    key_file::KeyFiles,
    note::{Note, NoteSigner},
};

/// True where a signed checkpoint is signed by the key in a keys directory, or a copy of one. One
/// that is signed by a key before or after that is not.
pub fn is_own_word(keys_dir: &Path, note: &str) -> io::Result<bool> {
    let Some(note) = Note::parse(note).ok() else { return Ok(false) };
    let Some(checkpoint) = Checkpoint::parse(&note.text) else { return Ok(false) };
    let Some(seed) = KeyFiles::new(keys_dir).current()? else { return Ok(false) };
    let signer = NoteSigner::new(&checkpoint.origin, &seed);
    Ok(signer.is_some_and(|signer| note.verify(&[signer.verifier()]).is_ok()))
}
