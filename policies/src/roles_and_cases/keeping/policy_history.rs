//! `GET /_chancery/admin/v1/policies/history`: every document that was ever applied, by digest.

use axum::extract::State;
use facts::{
    Fact, LogPosition, Timestamp,
    fact::{FactBody, PolicyApplied},
};
use http_edge::Query;
use serde_json::{Value, json};

use super::{facts_page::facts_page, hex};
use crate::roles_and_cases::{Answer, Officer, StaffRoutes, page::PageQuery};

/// A page, in order of the log. The text of a version is in its entry.
pub(super) async fn policy_history(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Query(query): Query<PageQuery>,
) -> Answer {
    facts_page(routes, &actor, &query, ("versions", PolicyApplied::TYPE, version)).await
}

fn version(position: LogPosition, at: Timestamp, fact: &Fact) -> Option<Value> {
    let Fact::PolicyApplied(applied) = fact else { return None };
    Some(json!({
        "version": applied.version,
        "sha256": hex(&applied.sha256),
        "position": position.0,
        "at": at.0,
        "by": applied.by.user,
        "reason": applied.by.reason,
    }))
}
