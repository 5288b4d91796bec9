//! The account part of a person's fold. Owns its shape only.

use facts::{LogPosition, fact::AccountKind};
use serde::{Deserialize, Serialize};

/// An account on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who may use it.
    pub kind: AccountKind,
    /// True for a server administrator.
    pub admin: bool,
    /// True once it can no longer be used.
    pub deactivated: bool,
    /// Password hash as a PHC string; `None` without a password.
    pub password_hash: Option<String>,
    /// The entry that set the password.
    pub password_at: Option<LogPosition>,
}
