//! `[keys]`: the keyring.

use std::path::PathBuf;

use super::section::section;

section! {
    /// The keyring, without which the log cannot be read.
    Keys {
        /// Its directory, better on another disk than the log. Without it: `<data_dir>/keyring`.
        dir: Option<PathBuf> = None, sample "\"/var/lib/chancery-keys\"";
    }
}
