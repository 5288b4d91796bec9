//! `[registration]`: who may make an account.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::section::section;

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RegistrationMode {
    /// Nobody, except through the administrator.
    Closed,
    /// Whoever has a token.
    Token,
    /// Everybody.
    Open,
}

section! {
    /// Who may make an account.
    Registration {
        /// "closed", "token" or "open".
        mode: RegistrationMode = RegistrationMode::Token;
        /// File with the secret of the Synapse-compatible endpoint /_synapse/admin/v1/register.
        /// Without it that endpoint does not exist.
        shared_secret_file: Option<PathBuf> = None, sample "\"/etc/chancery/registration_secret\"";
    }
}

/// A secret file is at most this long.
const SECRET_BYTES_MAX: usize = 4096;

/// The shared secret, without white space around it.
pub(crate) fn read_shared_secret(file: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let text = std::fs::read(file).with_context(|| {
        format!("{} (registration.shared_secret_file) cannot be read", file.display())
    })?;
    let secret = text.trim_ascii();
    anyhow::ensure!(
        !secret.is_empty() && secret.len() <= SECRET_BYTES_MAX,
        "{} (registration.shared_secret_file) must hold 1 to {SECRET_BYTES_MAX} bytes",
        file.display()
    );
    Ok(secret.to_vec())
}
