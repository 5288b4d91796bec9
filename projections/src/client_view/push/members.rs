//! Local members of rooms and their rules, as far as evaluation needs them.

use std::sync::Arc;

use facts::{Fact, LogPosition, StreamId};
use ruma::{OwnedRoomId, OwnedUserId, push::Ruleset};
use serde::Deserialize;

use super::default_rules;
use crate::{
    bodies::EventBody,
    client_view::{
        applying::{Applying, ROOMS_MAX, RULES_MAX},
        lookup::{members, stream_name},
        rows::Membership,
        table::Table,
    },
    store::{Key, Rows, StoreError},
};

/// Account data type of push rules.
pub(in crate::client_view) const PUSH_RULES: &str = "m.push_rules";

/// A joined member of this server.
pub(in crate::client_view) struct LocalMember {
    pub(in crate::client_view) user: StreamId,
    pub(super) user_id: OwnedUserId,
    pub(super) display_name: String,
}

/// A user's push rules.
pub(in crate::client_view) struct UserRules {
    rules: Ruleset,
    default: bool,
}

impl UserRules {
    /// True for rules that only name the user where the default ones do.
    pub(super) fn is_default(&self) -> bool {
        self.default
    }

    pub(super) fn ruleset(&self) -> &Ruleset {
        &self.rules
    }
}

impl LocalMember {
    /// Whether a default rule could look at the member in particular: by `m.mentions` or as the
    /// state key of an invite. True too often does no harm.
    pub(super) fn may_be_named(&self, event: &EventBody) -> bool {
        let (head, own) = (event.head(), self.user_id.as_str());
        head.state_key.as_deref() == Some(own)
            || head.mentions.as_ref().is_some_and(|of| of.user_ids.iter().any(|id| id == own))
    }
}

#[derive(Deserialize)]
struct PushRulesContent {
    global: Ruleset,
}

impl Applying<'_> {
    /// The joined members of this server in a room.
    pub(in crate::client_view) fn local_members(
        &mut self,
        room: StreamId,
    ) -> Result<Arc<Vec<LocalMember>>, StoreError> {
        if let Some(known) = self.memory.local_members.get(&room) {
            return Ok(known.clone());
        }
        let mut local = Vec::new();
        let joined: Vec<_> =
            members(self.batch, room, Membership::Join).collect::<Result<_, _>>()?;
        for (user, event) in joined {
            let Some(name) = stream_name(self.batch, user)? else {
                continue;
            };
            if !self.memory.is_local(&name) {
                continue;
            }
            let Ok(user_id) = OwnedUserId::try_from(name) else {
                continue;
            };
            let display_name = self
                .event_body(event)?
                .and_then(|body| body.content_str("displayname").map(str::to_owned))
                .unwrap_or_default();
            local.push(LocalMember { user, user_id, display_name });
        }
        let local = Arc::new(local);
        if self.memory.local_members.len() >= ROOMS_MAX {
            self.memory.local_members.clear();
        }
        self.memory.local_members.insert(room, local.clone());
        Ok(local)
    }

    /// The push rules of a member.
    pub(super) fn rules_of(&mut self, member: &LocalMember) -> Result<Arc<UserRules>, StoreError> {
        if let Some(known) = self.memory.rules.get(&member.user) {
            return Ok(known.clone());
        }
        let key = Key::new(Table::AccountData).u64(member.user.0).u64(0).str(PUSH_RULES);
        let own = match self.batch.get_u64(&key)? {
            Some(position) => self.memory.bodies.get(LogPosition(position))?,
            None => None,
        };
        let content = own.and_then(|body| match &body.fact {
            Fact::AccountDataSet(data) => data.content.clone(),
            _ => None,
        });
        let default = default_rules(&member.user_id);
        let rules = Arc::new(match content.and_then(|content| parse(&content)) {
            Some(mut rules) => {
                rules.update_with_server_default(default.clone());
                UserRules { default: same(&rules, &default), rules }
            }
            None => UserRules { rules: default, default: true },
        });
        if self.memory.rules.len() >= RULES_MAX {
            self.memory.rules.clear();
        }
        self.memory.rules.insert(member.user, rules.clone());
        Ok(rules)
    }
}

fn parse(content: &[u8]) -> Option<Ruleset> {
    let content: PushRulesContent = serde_json::from_slice(content).ok()?;
    Some(content.global)
}

/// Rules compare by id alone, so what they say is compared as JSON.
fn same(a: &Ruleset, b: &Ruleset) -> bool {
    match (serde_json::to_value(a), serde_json::to_value(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// The room id of a stream, for conditions.
pub(super) fn room_id(a: &Applying<'_>, room: StreamId) -> Result<Option<OwnedRoomId>, StoreError> {
    Ok(stream_name(a.batch, room)?.and_then(|name| OwnedRoomId::try_from(name).ok()))
}

#[cfg(test)]
mod tests {
    use ruma::push::{PushCondition, RuleKind};

    use super::*;

    /// [`LocalMember::may_be_named`] looks at ids alone; this holds as long as default rules do.
    #[test]
    fn default_rules_never_look_for_names_in_the_text() {
        let user_id = ruma::user_id!("@someone:here.test");
        let rules = default_rules(user_id);
        assert!(rules.content.is_empty(), "{:?}", RuleKind::Content);
        for rule in rules.override_.iter().chain(&rules.underride) {
            let by_name = serde_json::to_string(&rule.conditions).expect("encodes");
            assert!(!by_name.contains("contains_display_name"), "{}", rule.rule_id);
            for condition in &rule.conditions {
                let named = serde_json::to_string(condition).expect("encodes");
                let known = matches!(condition, PushCondition::EventPropertyContains(_))
                    || matches!(condition, PushCondition::EventMatch(data) if data.key == "state_key");
                assert!(known || !named.contains("someone"), "{named}");
            }
        }
    }
}
