//! `GET /_chancery/admin/v1/policies/history`: every document that was ever applied, by digest.

use axum::{Json, extract::State};
use commands::governance::read_staff_record;
use event_log::ReadFault;
use facts::{
    Fact, LogPosition,
    fact::{FactBody, PolicyApplied, StaffRecord},
};
use http_edge::Query;
use serde_json::{Value, json};

use super::hex;
use crate::{
    roles_and_cases::{
        Answer, EndpointError, Officer, StaffRoutes,
        page::{PageQuery, answer},
    },
    scope_walk::{Record, Stretch, WalkBounds, plan_where},
};

/// A page, in order of the log. The text of a version is in its entry.
pub(super) async fn policy_history(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Query(query): Query<PageQuery>,
) -> Answer {
    let bounds = query.bounds()?;
    read_staff_record(&routes.write_side, &actor, StaffRecord::Policies).await?;
    let from = query.from();
    let walked = tokio::task::spawn_blocking(move || versions(&*routes.record, from, bounds)).await;
    let (found, stretch) = walked.map_err(|_| EndpointError::internal())??;
    Ok(Json(answer("versions", found, &stretch)))
}

fn versions(
    record: &dyn Record,
    from: LogPosition,
    bounds: WalkBounds,
) -> Result<(Vec<Value>, Stretch), ReadFault> {
    let stretch =
        plan_where(record, from, bounds, |header| header.fact_type == PolicyApplied::TYPE)?;
    let mut found = Vec::new();
    for position in &stretch.admitted {
        let Some(entry) = record.open(*position)? else { continue };
        if let Ok(Some(Fact::PolicyApplied(applied))) = entry.fact() {
            found.push(json!({
                "version": applied.version,
                "sha256": hex(&applied.sha256),
                "position": position.0,
                "at": entry.header.recorded_at.0,
                "by": applied.by.user,
                "reason": applied.by.reason,
            }));
        }
    }
    Ok((found, stretch))
}
