//! `GET /_chancery/admin/v1/policies/receipts`: what runs have destroyed.
//!
//! Owns the receipts as JSON. Each is an entry of the log: `chancery ledger prove POSITION` makes
//! the signed proof of it.

use axum::extract::State;
use facts::{
    Fact, LogPosition, Timestamp,
    fact::{DestructionRunEnded, FactBody},
};
use http_edge::Query;
use serde_json::{Value, json};

use super::facts_page::facts_page;
use crate::roles_and_cases::{Answer, Officer, StaffRoutes, page::PageQuery};

/// A page, in order of the log.
pub(super) async fn run_receipts(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Query(query): Query<PageQuery>,
) -> Answer {
    facts_page(routes, &actor, &query, ("receipts", DestructionRunEnded::TYPE, receipt)).await
}

fn receipt(position: LogPosition, at: Timestamp, fact: &Fact) -> Option<Value> {
    match fact {
        Fact::DestructionRunEnded(run) => Some(receipt_json(position, at, run)),
        _ => None,
    }
}

fn receipt_json(position: LogPosition, at: Timestamp, run: &DestructionRunEnded) -> Value {
    let destroyed = run
        .destroyed
        .iter()
        .map(|of| json!({ "kind": of.kind.name(), "cause": of.cause, "records": of.records }));
    let surfaces = run
        .surfaces
        .iter()
        .map(|report| json!({ "surface": report.surface, "outcome": report.outcome }));
    json!({
        "receipt": position.0,
        "at": at.0,
        "judged_until": run.judged_until.0,
        "policy_version": run.policy_version,
        "destroyed": destroyed.collect::<Vec<_>>(),
        "restricted": run.restricted,
        "orders_given": run.orders_given,
        "orders": run.orders.map(|(first, last)| json!({ "first": first.0, "last": last.0 })),
        "surfaces": surfaces.collect::<Vec<_>>(),
        "backups_gone_at": run.backups_gone_at.map(|at| at.0),
        "by": run.by.as_ref().map(|by| json!({ "user": by.user, "reason": by.reason })),
    })
}
