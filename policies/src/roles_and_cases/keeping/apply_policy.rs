//! `POST /_chancery/admin/v1/policies`: applying a document, or asking what that would do.

use axum::{Json, extract::State};
use commands::{
    CommandError,
    governance::{self, governance},
};
use decide::governance::{ApplyPolicy, PolicyRefusal};
use facts::fact::{PolicyDocument, PolicyRule, Role};
use http_edge::JsonBody;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::unreadable;
use crate::{
    document::read_document,
    roles_and_cases::{Answer, Officer, StaffRoutes},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    /// The text (TOML).
    document: String,
    /// The version that the officer saw in force; 0 for none.
    based_on: u64,
    reason: String,
    /// Say what would happen, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Applies it; answers its version. A dry run passes the very same checks.
pub(super) async fn apply_policy(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    JsonBody(body): JsonBody<Body>,
) -> Answer {
    let ws = &routes.write_side;
    // Who may not apply it is not told what is wrong with it, nor are locks shown.
    let user = actor.user.as_str();
    if !governance(ws, |fold| fold.roles.holds(user, Role::ComplianceOfficer)).await? {
        return Err(CommandError::Refusal(PolicyRefusal::NotCompliance).into());
    }
    let document = read_document(&body.document).map_err(|problems| unreadable(&problems))?;
    let wish = ApplyPolicy { text: body.document, document, based_on: body.based_on };
    let act = actor.act(&body.reason);
    let (checked, changes) = governance(ws, |fold| {
        let checked = decide::governance::apply_policy(fold, &wish, act);
        (checked, changes(&fold.policies.document, &wish.document))
    })
    .await?;
    checked.map_err(CommandError::Refusal)?;
    if body.dry_run {
        let version = wish.based_on + 1;
        return Ok(Json(json!({ "dry_run": true, "version": version, "changes": changes })));
    }
    let position = governance::apply_policy(ws, &actor, &wish, &body.reason).await?;
    Ok(Json(json!({
        "version": wish.based_on + 1,
        "position": position.0,
        "changes": changes,
    })))
}

/// Policies by what happens to them.
fn changes(old: &PolicyDocument, new: &PolicyDocument) -> Value {
    let added = new.policies.keys().filter(|name| !old.policies.contains_key(*name));
    let removed = old.policies.keys().filter(|name| !new.policies.contains_key(*name));
    let changed = new.policies.iter().filter(|(name, rule)| {
        old.policies.get(*name).is_some_and(|before: &PolicyRule| before != *rule)
    });
    json!({
        "added": added.collect::<Vec<_>>(),
        "removed": removed.collect::<Vec<_>>(),
        "changed": changed.map(|(name, _)| name).collect::<Vec<_>>(),
        "redaction": old.redaction != new.redaction,
        "room_retention": old.room_retention != new.room_retention,
    })
}
