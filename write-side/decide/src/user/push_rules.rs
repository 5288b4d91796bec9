//! Editing push rules: an edit of the `m.push_rules` account data.
//!
//! Owns loading them (what is stored, merged with this version's server-default rules) and the
//! four edits of the client-server API, "Push Rules: API".

use ruma::{
    UserId,
    push::{Action, InsertPushRuleError, NewPushRule, RemovePushRuleError, RuleKind, Ruleset},
};
use serde_json::{Value, json};

use super::{
    AccountDataKey, Decision, PUSH_RULES, UserFold, UserRefusal, set_account_data::account_data,
};

/// A person has at most this many rules of one's own.
pub const PUSH_RULES_MAX: usize = 5_000;

/// An edit.
#[derive(Clone, Debug)]
pub enum PushRuleEdit {
    /// Create or replace a rule.
    Put {
        /// The rule.
        rule: NewPushRule,
        /// Place it after this one.
        after: Option<String>,
        /// Place it before this one.
        before: Option<String>,
    },
    /// Delete a rule.
    Delete(RuleKind, String),
    /// Enable or disable a rule.
    SetEnabled(RuleKind, String, bool),
    /// Change what a rule does.
    SetActions(RuleKind, String, Vec<Action>),
}

/// The rules in force, from the content of `m.push_rules` (`None` when it was never set).
pub fn load_push_rules(user_id: &UserId, content: Option<&str>) -> Ruleset {
    let defaults = Ruleset::server_default(user_id);
    let stored = content
        .and_then(|content| serde_json::from_str::<Value>(content).ok())
        .and_then(|mut content| content.get_mut("global").map(Value::take))
        .and_then(|global| serde_json::from_value::<Ruleset>(global).ok());
    match stored {
        Some(mut rules) => {
            rules.update_with_server_default(defaults);
            rules
        }
        None => defaults,
    }
}

/// Decides an edit of the rules whose stored content is `current`.
pub fn edit_push_rules(
    fold: &UserFold,
    user_id: &UserId,
    current: Option<&str>,
    edit: PushRuleEdit,
) -> Decision {
    let mut rules = load_push_rules(user_id, current);
    apply(&mut rules, edit)?;
    if rules.iter().count() > PUSH_RULES_MAX {
        return Err(UserRefusal::LimitReached("push rules"));
    }
    let content = json!({ "global": rules }).to_string();
    account_data(fold, &AccountDataKey::global(PUSH_RULES), Some(&content))
}

fn apply(rules: &mut Ruleset, edit: PushRuleEdit) -> Result<(), UserRefusal> {
    let unknown = |_| UserRefusal::NotFound("push rule");
    match edit {
        PushRuleEdit::Put { rule, after, before } => {
            rules.insert(rule, after.as_deref(), before.as_deref()).map_err(|error| match error {
                InsertPushRuleError::UnknownRuleId => UserRefusal::NotFound("push rule"),
                _ => UserRefusal::InvalidParam("the push rule or its place"),
            })
        }
        PushRuleEdit::Delete(kind, rule_id) => {
            rules.remove(kind, rule_id).map_err(|error| match error {
                RemovePushRuleError::NotFound => UserRefusal::NotFound("push rule"),
                _ => UserRefusal::InvalidParam("a server-default rule"),
            })
        }
        PushRuleEdit::SetEnabled(kind, rule_id, enabled) => {
            rules.set_enabled(kind, rule_id, enabled).map_err(unknown)
        }
        PushRuleEdit::SetActions(kind, rule_id, actions) => {
            rules.set_actions(kind, rule_id, actions).map_err(unknown)
        }
    }
}
