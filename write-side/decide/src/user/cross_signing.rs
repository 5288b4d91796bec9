//! Cross-signing keys of a person. Owns their shape in the fold.

use facts::LogPosition;
use serde::{Deserialize, Serialize};

/// A small JSON value with the entry that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredJson {
    /// The JSON.
    pub json: String,
    /// The entry.
    pub at: LogPosition,
}

/// The three keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossSigning {
    /// Signs the other two.
    pub master: Option<StoredJson>,
    /// Signs the person's devices.
    pub self_signing: Option<StoredJson>,
    /// Signs other persons' master keys.
    pub user_signing: Option<StoredJson>,
}
