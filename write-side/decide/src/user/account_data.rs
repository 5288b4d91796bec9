//! Keys of account data. Owns the key type and the types that the server itself looks into.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Read marker of a room; set through `/read_markers` alone.
pub const FULLY_READ: &str = "m.fully_read";
/// Push rules; set through `/pushrules` alone.
pub const PUSH_RULES: &str = "m.push_rules";
/// Whether the person takes invites at all.
pub const INVITE_PERMISSION: &str = "m.invite_permission_config";
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

/// Whether this content of [`INVITE_PERMISSION`] blocks every invite (client-server API, "Invite
/// permission"). What is missing, invalid or not known here blocks none.
pub fn blocks_invites(content: &str) -> bool {
    let content: Value = serde_json::from_str(content).unwrap_or(Value::Null);
    content["default_action"] == "block"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_known_word_blocks_invites() {
        assert!(blocks_invites(r#"{"default_action":"block"}"#));
        for other in [r#"{"default_action":"allow"}"#, r#"{"default_action":[]}"#, "{}", "no"] {
            assert!(!blocks_invites(other), "{other}");
        }
    }
}
