//! Endpoints about push rules.
//!
//! Owns the rules as their owner sees them: the server's default rules with the changes that are
//! stored as account data `m.push_rules`, so that a default rule added later reaches everybody.

mod get_pushrule;
mod get_pushrule_actions;
mod get_pushrule_enabled;
mod get_pushrules_all;
mod get_pushrules_global_scope;

use axum::Router;
use facts::StreamId;
use http_edge::{MatrixError, endpoint, endpoint_at};
use projections::{Snapshot, query::StoreError};
use ruma::{
    UserId,
    push::{RuleKind, Ruleset},
};
use serde_json::Value;

use crate::state::ReadSide;

pub(crate) const SERVED: &[&str] = &[
    "get_pushrules_all",
    "get_pushrules_global_scope",
    "get_pushrule",
    "get_pushrule_actions",
    "get_pushrule_enabled",
];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(get_pushrules_all::get_pushrules_all))
        // Clients leave the slash out.
        .merge(endpoint_at("/_matrix/client/v3/pushrules", get_pushrules_all::get_pushrules_all))
        .merge(endpoint(get_pushrules_global_scope::get_pushrules_global_scope))
        .merge(endpoint_at(
            "/_matrix/client/v3/pushrules/global",
            get_pushrules_global_scope::get_pushrules_global_scope,
        ))
        .merge(endpoint(get_pushrule::get_pushrule))
        .merge(endpoint(get_pushrule_actions::get_pushrule_actions))
        .merge(endpoint(get_pushrule_enabled::get_pushrule_enabled))
}

/// All rules of a user.
pub(crate) fn rules_of(
    snapshot: &Snapshot,
    user: StreamId,
    user_id: &UserId,
) -> Result<Ruleset, StoreError> {
    let default = Ruleset::server_default(user_id);
    let stored = snapshot.account_data(user, None, "m.push_rules")?;
    let stored = stored.and_then(|content| {
        let content: Value = serde_json::from_slice(&content).ok()?;
        serde_json::from_value::<Ruleset>(content.get("global")?.clone()).ok()
    });
    Ok(match stored {
        Some(mut rules) => {
            rules.update_with_server_default(default);
            rules
        }
        None => default,
    })
}

/// One rule.
async fn rule(
    read: &ReadSide,
    user: StreamId,
    user_id: ruma::OwnedUserId,
    kind: RuleKind,
    rule_id: String,
) -> Result<Value, MatrixError> {
    let rules = read.ask(move |snapshot| Ok(rules_of(snapshot, user, &user_id)?)).await?;
    let rules = serde_json::to_value(rules).unwrap_or_default();
    rules
        .get(kind.as_str())
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|rule| rule.get("rule_id").and_then(Value::as_str) == Some(&rule_id))
        .cloned()
        .ok_or_else(|| MatrixError::not_found("There is no such push rule"))
}
