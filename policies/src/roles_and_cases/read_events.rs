//! `GET /_chancery/admin/v1/cases/{case}/events`: reading content in a case.
//!
//! Owns the order of I16: who may read is checked, the page is planned on headers alone, the
//! access is appended and durable, and only then is anything opened. A fault before that leaves no
//! byte, a fault after it leaves an access that served nothing.

use axum::{Json, extract::State};
use commands::governance::{ContentAccess, access_content, readable_case};
use facts::{LogPosition, fact::AccessKind};
use http_edge::{Path, Query};
use serde_json::Value;

use super::{
    Answer, EndpointError, Officer, StaffRoutes,
    event_json::{SHOWN, event_json},
    page::{PageQuery, answer},
};
use crate::scope_walk::{ScopeFilter, plan};

/// A page of what lies in the case's scope, in order of the log.
pub(super) async fn read_events(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
    Query(query): Query<PageQuery>,
) -> Answer {
    let (case, bounds) = (LogPosition(case), query.bounds()?);
    let scope = readable_case(&routes.write_side, &actor, case).await?.scope;
    let filter = ScopeFilter::of(&scope).only(&SHOWN);

    let (record, asked) = (routes.record.clone(), filter.clone());
    let from = query.from();
    let planned = tokio::task::spawn_blocking(move || plan(&*record, &asked, from, bounds)).await;
    let stretch = planned.map_err(|_| EndpointError::internal())??;

    let access = ContentAccess {
        case,
        kind: AccessKind::Events,
        from: stretch.from,
        until: stretch.until,
        entries: stretch.admitted.len() as u64,
        export: None,
    };
    // Durable before the first byte is read (I16). A crash here leaves an access without a reader.
    access_content(&routes.write_side, &actor, access).await?;

    let served = tokio::task::spawn_blocking(move || {
        let events = open_all(&routes, &filter, &stretch.admitted)?;
        Ok::<_, EndpointError>(answer("events", events, &stretch))
    });
    Ok(Json(served.await.map_err(|_| EndpointError::internal())??))
}

fn open_all(
    routes: &StaffRoutes,
    filter: &ScopeFilter,
    admitted: &[LogPosition],
) -> Result<Vec<Value>, EndpointError> {
    let mut events = Vec::with_capacity(admitted.len());
    for position in admitted {
        let Some(entry) = routes.record.open(*position)? else { continue };
        let fact = entry.fact().map_err(|error| {
            tracing::error!(?error, %position, "an entry of a case does not have its shape");
            EndpointError::internal()
        })?;
        if !filter.confirms(&entry.header, fact.as_ref()) {
            continue;
        }
        events.push(event_json(&routes.write_side, &entry, fact.as_ref()).map_err(|error| {
            tracing::error!(%error, "a case is not shown whole");
            EndpointError::internal()
        })?);
    }
    Ok(events)
}
