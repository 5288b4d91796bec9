//! Whom a reader ignores (client-server API, "Ignoring Users").
//!
//! Owns the rule that events of ignored users, other than state events, reach the reader nowhere,
//! and neither do their invites. The list is the reader's `m.ignored_user_list`, of the snapshot
//! that the answer is computed from; it is as long as one piece of account data can be.

use std::collections::BTreeSet;

use facts::StreamId;
use projections::{
    Snapshot,
    query::{EventInfo, StoreError},
};
use serde_json::Value;

const IGNORED_USER_LIST: &str = "m.ignored_user_list";

/// The users that one reader ignores.
#[derive(Debug, Default)]
pub(crate) struct IgnoredUsers(BTreeSet<String>);

impl IgnoredUsers {
    /// Whom `user` ignores. Nobody ignores themselves, whatever the list says.
    pub(crate) fn of(
        snapshot: &Snapshot,
        user: StreamId,
        user_id: &str,
    ) -> Result<Self, StoreError> {
        let data = snapshot.account_data(user, None, IGNORED_USER_LIST)?;
        Ok(data.map_or_else(Self::default, |content| Self::parse(&content, user_id)))
    }

    /// A list that is malformed ignores nobody.
    fn parse(content: &[u8], user_id: &str) -> Self {
        let content: Value = serde_json::from_slice(content).unwrap_or_default();
        let listed = content.get("ignored_users").and_then(Value::as_object);
        let others = listed.into_iter().flat_map(|listed| listed.keys().cloned());
        Self(others.filter(|other| other != user_id).collect())
    }

    /// True if the event is kept from the reader because of its sender.
    pub(crate) fn hides(&self, event: &EventInfo) -> bool {
        event.row.state.is_none() && event.str("sender").is_some_and(|sender| self.has(sender))
    }

    /// True for a user on the list.
    pub(crate) fn has(&self, user_id: &str) -> bool {
        self.0.contains(user_id)
    }

    /// User ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_ignored_and_a_malformed_list_ignores_nobody() {
        let list = br#"{"ignored_users": {"@a:b": {}, "@me:b": {}}}"#;
        let ignored = IgnoredUsers::parse(list, "@me:b");
        assert!(ignored.has("@a:b") && !ignored.has("@me:b") && !ignored.has("@c:b"));
        for malformed in [&b"{"[..], b"[]", br#"{"ignored_users": ["@a:b"]}"#] {
            assert_eq!(IgnoredUsers::parse(malformed, "@me:b").iter().count(), 0);
        }
    }
}
