//! `GET /_chancery/admin/v1/cases/{case}/accesses`: who read in a case, without content.

use axum::{Json, extract::State};
use commands::governance::{audit_stream, governance, read_staff_record};
use event_log::ReadFault;
use facts::{
    EntryHeader, Fact, LogPosition, StreamId,
    fact::{AccessKind, ContentAccessed, FactBody, StaffRecord},
};
use http_edge::{MatrixError, Path, Query};
use serde_json::{Value, json};

use super::{
    Answer, EndpointError, Officer, StaffRoutes,
    page::{PageQuery, answer},
};
use crate::scope_walk::{Record, Stretch, WalkBounds, plan_where};

/// A page of the accesses to content under a case, in order of the log.
pub(super) async fn list_accesses(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
    Query(query): Query<PageQuery>,
) -> Answer {
    let (case, bounds) = (LogPosition(case), query.bounds()?);
    let ws = &routes.write_side;
    // The access of the auditor is a fact too, before the answer.
    read_staff_record(ws, &actor, StaffRecord::Accesses(case)).await?;
    if !governance(ws, |fold| fold.cases.get(case).is_ok()).await? {
        return Err(MatrixError::not_found("There is no such case").into());
    }
    let audit = audit_stream(ws)?;
    // Nothing was read in a case before it was opened.
    let from = query.from().max(case);
    let walked =
        tokio::task::spawn_blocking(move || accesses(&*routes.record, audit, case, from, bounds));
    let (found, stretch) = walked.await.map_err(|_| EndpointError::internal())??;
    Ok(Json(answer("accesses", found, &stretch)))
}

fn accesses(
    record: &dyn Record,
    audit: StreamId,
    case: LogPosition,
    from: LogPosition,
    bounds: WalkBounds,
) -> Result<(Vec<Value>, Stretch), ReadFault> {
    let is_access =
        |header: &EntryHeader| header.stream == audit && header.fact_type == ContentAccessed::TYPE;
    let stretch = plan_where(record, from, bounds, is_access)?;
    let mut found = Vec::new();
    for position in &stretch.admitted {
        let Some(entry) = record.open(*position)? else { continue };
        if let Ok(Some(Fact::ContentAccessed(access))) = entry.fact()
            && access.case == case
        {
            found.push(access_json(&entry.header, &access));
        }
    }
    Ok((found, stretch))
}

fn access_json(header: &EntryHeader, access: &ContentAccessed) -> Value {
    let kind = match access.kind {
        AccessKind::Events => "events",
        AccessKind::Export => "export",
    };
    json!({
        "position": header.position.0,
        "at": header.recorded_at.0,
        "user": access.user,
        "address": access.address,
        "kind": kind,
        "from": access.from.0,
        "until": access.until.0,
        "entries": access.entries,
    })
}
