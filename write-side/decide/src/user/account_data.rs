//! Keys of account data. Owns the key type and the types that the server itself looks into.

use serde::{Deserialize, Serialize};

/// Read marker of a room; set through `/read_markers` alone.
pub const FULLY_READ: &str = "m.fully_read";
/// Push rules; set through `/pushrules` alone.
pub const PUSH_RULES: &str = "m.push_rules";
/// Tags of a room.
pub const TAGS: &str = "m.tag";

/// Which piece of account data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountDataKey {
    /// Room id; `None` for global account data.
    pub room: Option<String>,
    /// Event type.
    pub data_type: String,
}

impl AccountDataKey {
    /// The key of global account data.
    pub fn global(data_type: &str) -> Self {
        Self { room: None, data_type: data_type.to_owned() }
    }

    /// The key of a room's account data.
    pub fn room(room: &str, data_type: &str) -> Self {
        Self { room: Some(room.to_owned()), data_type: data_type.to_owned() }
    }
}
