//! `GET /_chancery/admin/v1/audit`: the audit trail, for officers and auditors.
//!
//! Owns which entries belong to it: those of the audit stream and of the governance stream, in
//! order of the log. The look itself is a fact before anything is read. Never shows content of
//! rooms: there is none in these streams.

use axum::{Json, extract::State};
use commands::governance::{audit_stream, read_staff_record};
use event_log::ReadFault;
use facts::{
    EntryHeader, LogPosition, StreamId, Timestamp,
    fact::{StaffRecord, StreamKind},
};
use http_edge::{MatrixError, Query};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Answer, EndpointError, Officer, StaffRoutes,
    audit_json::{audit_json, concerns, kind_of, kinds, type_of_kind},
    page::{PageQuery, answer},
};
use crate::scope_walk::{Record, Stretch, WalkBounds, first_of, plan_where};

/// The query of a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// Where to go on: `next` of the page before.
    #[serde(default)]
    from: u64,
    /// Entries, at most.
    limit: Option<usize>,
    /// Where the walk ends: `last` of the first page.
    last: Option<u64>,
    /// Recorded at this time or later, in milliseconds since the Unix epoch.
    since: Option<u64>,
    /// One kind of entry.
    kind: Option<String>,
    /// Entries that name this user id, as the one who acts or otherwise.
    user: Option<String>,
}

/// What a page is about.
struct Wanted {
    streams: [Option<StreamId>; 2],
    fact_type: Option<u16>,
    user: Option<String>,
}

impl Wanted {
    fn admits(&self, header: &EntryHeader) -> bool {
        self.streams.contains(&Some(header.stream))
            && kind_of(header.fact_type).is_some()
            && self.fact_type.is_none_or(|wanted| wanted == header.fact_type)
    }
}

/// A page of the trail.
pub(super) async fn list_audit(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Query(query): Query<AuditQuery>,
) -> Answer {
    let bounds = PageQuery::new(query.from, query.limit, query.last).bounds()?;
    let fact_type = query.kind.as_deref().map(fact_type).transpose()?;
    let (ws, from) = (&routes.write_side, LogPosition(query.from));
    read_staff_record(ws, &actor, StaffRecord::AuditTrail(from)).await?;
    let governance =
        ws.core().stream_named(StreamKind::Governance, ws.identity().server_name.as_str());
    let governance = governance.map_err(|error| {
        tracing::error!(?error, "the governance stream could not be looked up");
        EndpointError::internal()
    })?;
    let streams = [Some(audit_stream(ws)?), governance];
    let wanted = Wanted { streams, fact_type, user: query.user };
    let since = query.since.map(Timestamp);
    let walked = tokio::task::spawn_blocking(move || {
        let from = from.max(first_of(&*routes.record, since)?);
        page(&*routes.record, &wanted, from, bounds)
    });
    let (found, stretch) = walked.await.map_err(|_| EndpointError::internal())??;
    Ok(Json(answer("entries", found, &stretch)))
}

fn fact_type(kind: &str) -> Result<u16, MatrixError> {
    type_of_kind(kind).ok_or_else(|| {
        let kinds: Vec<_> = kinds().map(|(_, kind)| kind).collect();
        MatrixError::invalid_param(format!("There is no such kind; kinds are {}", kinds.join(", ")))
    })
}

fn page(
    record: &dyn Record,
    wanted: &Wanted,
    from: LogPosition,
    bounds: WalkBounds,
) -> Result<(Vec<Value>, Stretch), ReadFault> {
    let stretch = plan_where(record, from, bounds, |header| wanted.admits(header))?;
    let mut found = Vec::with_capacity(stretch.admitted.len());
    for position in &stretch.admitted {
        let Some(entry) = record.open(*position)? else { continue };
        // What cannot be opened any more, or does not have its shape, is shown as that.
        let fact = entry.fact().ok().flatten();
        let item = audit_json(&entry.header, fact.as_ref());
        if wanted.user.as_deref().is_none_or(|user| concerns(&item, user)) {
            found.push(item);
        }
    }
    Ok((found, stretch))
}
