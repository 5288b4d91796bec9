//! `[registration]`: who may make an account.

use std::path::PathBuf;

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
