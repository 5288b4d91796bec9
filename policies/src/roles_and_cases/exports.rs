//! Exports over HTTP: `/_chancery/admin/v1/cases/{case}/exports…`.
//!
//! Owns the rows, and finding an export again by its number, which is the position of the fact that
//! began it: the server keeps nothing else of an export, so it resumes after any crash of either
//! side. Whoever began it goes on with it, as long as the case allows it. Invariants: I3, I16.

mod begin_export;
mod context;
mod list_exports;
mod present;
mod read_entries;
mod read_media;
mod seal_export;

use std::time::Duration;

use axum::routing::{MethodRouter, get, post};
use commands::governance::{Actor, governance, readable_case};
use event_log::{
    ReadFault,
    ledger::{Checkpoint, LedgerFault, Note},
};
use facts::{
    Fact, LogPosition,
    fact::{ExportStarted, FactBody as _, Scope},
};
use http_edge::MatrixError;
use projections::{Snapshot, query::StoreError};

use super::{EndpointError, StaffRoute, StaffRoutes};
use crate::{
    export::{EXPORTED, Terms},
    scope_walk::Record,
};

/// How long a page waits for the view.
const VIEW_WAIT: Duration = Duration::from_secs(20);

/// The rows of the table.
pub(super) fn table() -> Vec<(StaffRoute, MethodRouter<StaffRoutes>)> {
    let read = |path, handler| (StaffRoute { method: "GET", path }, handler);
    let act = |path, handler| (StaffRoute { method: "POST", path }, handler);
    vec![
        act("/cases/{case}/exports", post(begin_export::begin_export)),
        read("/cases/{case}/exports", get(list_exports::list_exports)),
        read("/cases/{case}/exports/{export}", get(list_exports::get_export)),
        read("/cases/{case}/exports/{export}/entries", get(read_entries::read_entries)),
        read("/cases/{case}/exports/{export}/media/{media}", get(read_media::read_media)),
        act("/cases/{case}/exports/{export}/seal", post(seal_export::seal_export)),
    ]
}

/// An export that its maker may go on with.
struct Export {
    started: ExportStarted,
    scope: Scope,
}

/// Finds an export of the caller's, and checks that the case still allows it.
async fn found(
    routes: &StaffRoutes,
    actor: &Actor,
    case: LogPosition,
    export: LogPosition,
) -> Result<Export, EndpointError> {
    let scope = readable_case(&routes.write_side, actor, case).await?.scope;
    let record = routes.record.clone();
    let started = tokio::task::spawn_blocking(move || begun(&*record, case, export)).await;
    let started = started.map_err(|_| EndpointError::internal())??;
    match started.filter(|started| started.user == actor.user.as_str()) {
        Some(started) => Ok(Export { started, scope }),
        None => Err(MatrixError::not_found("You began no such export in this case").into()),
    }
}

/// The beginning of an export of a case, whoever began it. Blocks on disk.
fn begun(
    record: &dyn Record,
    case: LogPosition,
    export: LogPosition,
) -> Result<Option<ExportStarted>, ReadFault> {
    // Nothing but a beginning of an export is opened by its number.
    let headers = record.headers(export, 1)?;
    if headers.first().is_none_or(|header| header.fact_type != ExportStarted::TYPE) {
        return Ok(None);
    }
    let fact = record.open(export)?.and_then(|entry| entry.fact().ok().flatten());
    Ok(match fact {
        Some(Fact::ExportStarted(started)) if started.case == case => Some(started),
        _ => None,
    })
}

/// The terms of a stretch. Blocks on disk.
async fn terms_of(
    routes: &StaffRoutes,
    case: LogPosition,
    scope: Scope,
    (first, end): (LogPosition, LogPosition),
) -> Result<(Terms, Note), EndpointError> {
    let policy =
        governance(&routes.write_side, |fold| (fold.policies.version, fold.policies.sha256));
    let (policy_version, policy_sha256) = policy.await?;
    let ledger = routes.ledger.clone();
    let extract = tokio::task::spawn_blocking(move || ledger.extract(first.0, end.0)).await;
    let extract =
        extract.map_err(|_| EndpointError::internal())?.map_err(|fault| broken(&fault))?;
    let extract = extract.ok_or_else(EndpointError::internal)?;
    let terms = Terms {
        case: case.0,
        scope,
        first: first.0,
        end: end.0,
        fact_types: EXPORTED.to_vec(),
        policy_version,
        policy_sha256: hex::encode(policy_sha256),
        before: extract.before.iter().map(hex::encode).collect(),
    };
    Ok((terms, extract.checkpoint))
}

/// The checkpoint that a note of ours holds.
fn checkpoint_of(note: &Note) -> Result<Checkpoint, EndpointError> {
    Checkpoint::parse(&note.text).ok_or_else(EndpointError::internal)
}

/// The view, once it has passed a position.
async fn view_at(routes: &StaffRoutes, position: LogPosition) -> Result<Snapshot, EndpointError> {
    if !routes.view.wait_for(position, VIEW_WAIT).await {
        return Err(MatrixError::unavailable(VIEW_WAIT).into());
    }
    routes.view.snapshot().map_err(|error| {
        tracing::error!(?error, "the view is not there for an export");
        EndpointError::internal()
    })
}

fn broken(fault: &LedgerFault) -> EndpointError {
    tracing::error!(?fault, "the ledger proves nothing for an export");
    EndpointError::internal()
}

fn unseen(fault: &StoreError) -> EndpointError {
    tracing::error!(?fault, "the view could not be read for an export");
    EndpointError::internal()
}
