//! `GET /_chancery/admin/v1/cases/{case}/exports` and `…/exports/{export}`: who exported what, and
//! how far an export is, without content.

use axum::{Json, extract::State};
use commands::governance::{audit_stream, governance, read_staff_record};
use event_log::ReadFault;
use facts::{
    EntryHeader, Fact, LogPosition,
    fact::{ContentAccessed, ExportSealed, ExportStarted, FactBody, StaffRecord},
};
use http_edge::{MatrixError, Path, Query};
use serde_json::{Value, json};

use super::{StaffRoutes, begun};
use crate::{
    roles_and_cases::{
        Answer, EndpointError, Officer,
        page::{PageQuery, answer},
    },
    scope_walk::{Record, Stretch, WalkBounds, plan_where},
};

/// A page of the exports of a case: beginnings and seals, in order of the log.
pub(in crate::roles_and_cases) async fn list_exports(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
    Query(query): Query<PageQuery>,
) -> Answer {
    let is_wanted = |header: &EntryHeader| {
        [ExportStarted::TYPE, ExportSealed::TYPE].contains(&header.fact_type)
    };
    walk(routes, actor, (case, None), query, is_wanted).await
}

/// A page of one export: its pages that were served, and its seals.
pub(in crate::roles_and_cases) async fn get_export(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path((case, export)): Path<(u64, u64)>,
    Query(query): Query<PageQuery>,
) -> Answer {
    let is_wanted = move |header: &EntryHeader| {
        let types = [ContentAccessed::TYPE, ExportSealed::TYPE];
        header.position.0 == export
            || (header.cause.0 == export && types.contains(&header.fact_type))
    };
    walk(routes, actor, (case, Some(export)), query, is_wanted).await
}

async fn walk(
    routes: StaffRoutes,
    actor: commands::governance::Actor,
    (case, export): (u64, Option<u64>),
    query: PageQuery,
    is_wanted: impl Fn(&EntryHeader) -> bool + Send + 'static,
) -> Answer {
    let (case, bounds) = (LogPosition(case), query.bounds()?);
    let ws = &routes.write_side;
    // The look is a fact too, before the answer.
    read_staff_record(ws, &actor, StaffRecord::Accesses(case)).await?;
    if !governance(ws, |fold| fold.cases.get(case).is_ok()).await? {
        return Err(MatrixError::not_found("There is no such case").into());
    }
    let audit = audit_stream(ws)?;
    // Nothing was exported in a case before it was opened.
    let from = query.from().max(LogPosition(export.unwrap_or(case.0).max(case.0)));
    let walked = tokio::task::spawn_blocking(move || {
        let record = &*routes.record;
        if let Some(export) = export
            && begun(record, case, LogPosition(export))?.is_none()
        {
            return Ok(None);
        }
        let of_trail = |header: &EntryHeader| header.stream == audit && is_wanted(header);
        page(record, case, from, bounds, of_trail).map(Some)
    });
    let walked = walked.await.map_err(|_| EndpointError::internal())??;
    let Some((found, stretch)) = walked else {
        return Err(MatrixError::not_found("There is no such export in this case").into());
    };
    Ok(Json(answer("exports", found, &stretch)))
}

fn page(
    record: &dyn Record,
    case: LogPosition,
    from: LogPosition,
    bounds: WalkBounds,
    is_wanted: impl Fn(&EntryHeader) -> bool,
) -> Result<(Vec<Value>, Stretch), ReadFault> {
    let stretch = plan_where(record, from, bounds, is_wanted)?;
    let mut found = Vec::new();
    for position in &stretch.admitted {
        let Some(entry) = record.open(*position)? else { continue };
        let told = entry.fact().ok().flatten().and_then(|fact| told(&entry.header, fact, case));
        found.extend(told);
    }
    Ok((found, stretch))
}

fn told(header: &EntryHeader, fact: Fact, case: LogPosition) -> Option<Value> {
    let (position, at) = (header.position.0, header.recorded_at.0);
    match fact {
        Fact::ExportStarted(started) if started.case == case => Some(json!({
            "kind": "started", "export": position, "at": at, "user": started.user,
            "format": started.format, "first": started.first.0, "end": started.end.0,
        })),
        Fact::ExportSealed(sealed) if sealed.case == case => Some(json!({
            "kind": "sealed", "export": sealed.export.0, "at": at, "user": sealed.user,
            "manifest_sha256": hex::encode(sealed.manifest_sha256),
            "files": sealed.files, "bytes": sealed.bytes,
        })),
        Fact::ContentAccessed(access) if access.case == case => Some(json!({
            "kind": "served", "export": header.cause.0, "at": at, "user": access.user,
            "from": access.from.0, "until": access.until.0, "entries": access.entries,
        })),
        _ => None,
    }
}
