//! `GET /_chancery/admin/v1/policies/receipts`: what runs have destroyed.
//!
//! Owns the receipts as JSON. Each is an entry of the log: `chancery ledger prove POSITION` makes
//! the signed proof of it.

use axum::{Json, extract::State};
use commands::governance::read_staff_record;
use event_log::ReadFault;
use facts::{
    Fact, LogPosition, Timestamp,
    fact::{DestructionRunEnded, FactBody, StaffRecord},
};
use http_edge::Query;
use serde_json::{Value, json};

use crate::{
    roles_and_cases::{
        Answer, EndpointError, Officer, StaffRoutes,
        page::{PageQuery, answer},
    },
    scope_walk::{Record, Stretch, WalkBounds, plan_where},
};

/// A page, in order of the log.
pub(super) async fn run_receipts(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Query(query): Query<PageQuery>,
) -> Answer {
    let bounds = query.bounds()?;
    read_staff_record(&routes.write_side, &actor, StaffRecord::Policies).await?;
    let from = query.from();
    let walked = tokio::task::spawn_blocking(move || receipts(&*routes.record, from, bounds)).await;
    let (found, stretch) = walked.map_err(|_| EndpointError::internal())??;
    Ok(Json(answer("receipts", found, &stretch)))
}

fn receipts(
    record: &dyn Record,
    from: LogPosition,
    bounds: WalkBounds,
) -> Result<(Vec<Value>, Stretch), ReadFault> {
    let stretch =
        plan_where(record, from, bounds, |header| header.fact_type == DestructionRunEnded::TYPE)?;
    let mut found = Vec::new();
    for position in &stretch.admitted {
        let Some(entry) = record.open(*position)? else { continue };
        if let Ok(Some(Fact::DestructionRunEnded(run))) = entry.fact() {
            found.push(receipt_json(*position, entry.header.recorded_at, &run));
        }
    }
    Ok((found, stretch))
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
