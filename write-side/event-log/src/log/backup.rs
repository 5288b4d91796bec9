//! What an open log does for its own backup.

use std::path::Path;

use super::Log;
use crate::{KeyringCopy, KeyringError};

impl Log {
    /// Writes a copy of the keyring, as it is at this moment, into a directory that has none.
    /// No destruction happens meanwhile. Blocks.
    pub fn copy_keyring(&self, dir: &Path) -> Result<KeyringCopy, KeyringError> {
        self.shared.vault.keyring().copy_to(dir)
    }
}
