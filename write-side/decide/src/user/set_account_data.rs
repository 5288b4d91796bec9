//! Setting or removing account data (client-server API, "Client Config").

use facts::fact::AccountDataSet;

use super::{AccountDataKey, Decision, FULLY_READ, PUSH_RULES, UserFold, UserRefusal};

/// Content of account data is at most this many bytes.
pub const ACCOUNT_DATA_BYTES_MAX: usize = 256 * 1024;
/// A type is at most this many bytes.
const TYPE_BYTES_MAX: usize = 255;
/// A person has at most this many pieces.
const PIECES_MAX: usize = 100_000;

/// Decides account data that a client sets; `None` removes it.
pub fn set_account_data(fold: &UserFold, key: &AccountDataKey, content: Option<&str>) -> Decision {
    if matches!(key.data_type.as_str(), FULLY_READ | PUSH_RULES) {
        return Err(UserRefusal::ServerControlledType);
    }
    if content.is_none() && !fold.account_data.contains_key(key) {
        return Ok(Vec::new());
    }
    account_data(fold, key, content)
}

/// The same for what the server itself keeps as account data.
pub(super) fn account_data(
    fold: &UserFold,
    key: &AccountDataKey,
    content: Option<&str>,
) -> Decision {
    fold.active_account()?;
    if key.data_type.is_empty() || key.data_type.len() > TYPE_BYTES_MAX {
        return Err(UserRefusal::InvalidParam("the type"));
    }
    if let Some(content) = content {
        if content.len() > ACCOUNT_DATA_BYTES_MAX {
            return Err(UserRefusal::TooLarge("the content"));
        }
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(content)
            .map_err(|_| UserRefusal::BadJson("the content"))?;
        if !fold.account_data.contains_key(key) && fold.account_data.len() >= PIECES_MAX {
            return Err(UserRefusal::LimitReached("account data"));
        }
    }
    Ok(vec![
        AccountDataSet {
            room: key.room.clone(),
            data_type: key.data_type.clone(),
            content: content.map(|content| content.as_bytes().to_vec()),
        }
        .into(),
    ])
}
