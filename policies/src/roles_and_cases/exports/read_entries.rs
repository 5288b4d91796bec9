//! `GET /_chancery/admin/v1/cases/{case}/exports/{export}/entries`: a page of evidence.
//!
//! Owns the order of I16, as `read_events.rs` does: planned on headers, the access durable, then
//! opened; and where a page ends, which follows from its first position alone. An answer is JSON
//! lines: entries of the stretch in order, entries of the context with their ways to the root, and
//! last where to go on; where the page ends, with the signed word on what of the whole page is
//! destroyed or withheld and which context belongs to it. Of a page that is asked for in pieces,
//! each answer looks at what came before it anew, so that the word is the same however it was asked
//! for. The server keeps nothing of it. What is of the scope by its header alone is shown, other
//! entries are shown once their content confirms it.

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use commands::governance::{ContentAccess, access_content};
use event_log::{DisclosedPart, Disclosure, Shown};
use facts::{
    LogPosition,
    fact::{AccessKind, FactBody as _, PduStored},
};
use http_edge::{MatrixError, Path, Query};
use serde::Deserialize;

use super::{Export, StaffRoutes, broken, checkpoint_of, context::Context, found, view_at};
use crate::{
    export::{EXPORTED, EvidenceLine, PageEnd, PageStatement, PageWord, Served, filter_of},
    roles_and_cases::{EndpointError, Officer},
    scope_walk::{ScopeFilter, Stretch, WalkBounds, plan_where},
};

/// Positions of a page, at most.
const POSITIONS_MAX: usize = 10_000;
/// Entries of a page that are opened, at most.
const OPENED_MAX: usize = 5_000;
/// Bytes of their parts in clear, at most.
const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Where to go on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::roles_and_cases) struct PageQuery {
    from: u64,
    /// First position of the page that it is of; without it, it begins a page.
    page: Option<u64>,
    /// Positions, at most.
    limit: Option<usize>,
}

/// What is asked for of a page.
struct Piece {
    /// The page, planned from its first position on, as far as headers tell where it ends.
    page: Stretch,
    /// First position of the answer.
    from: LogPosition,
    /// The position after its last one.
    until: LogPosition,
}

/// A page of the evidence.
pub(in crate::roles_and_cases) async fn read_entries(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path((case, export)): Path<(u64, u64)>,
    Query(query): Query<PageQuery>,
) -> Result<Response, EndpointError> {
    let (case, export) = (LogPosition(case), LogPosition(export));
    let Export { started, scope } = found(&routes, &actor, case, export).await?;
    let from = LogPosition(query.from);
    if query.limit == Some(0) {
        return Err(MatrixError::invalid_param("`limit` must be at least 1").into());
    }
    if from < started.first || from >= started.end {
        return Err(MatrixError::invalid_param("`from` is not in the export's stretch").into());
    }
    let begins = LogPosition(query.page.unwrap_or(query.from));
    if begins < started.first || begins > from {
        return Err(not_of_page());
    }
    let bounds = WalkBounds {
        entries_max: OPENED_MAX,
        bytes_max: BYTES_MAX,
        scanned_max: POSITIONS_MAX,
        last: Some(LogPosition(started.end.0 - 1)),
    };
    let filter = filter_of(&scope, &EXPORTED);
    let (record, asked) = (routes.record.clone(), filter.clone());
    let planned = tokio::task::spawn_blocking(move || {
        plan_where(&*record, begins, bounds, |header| asked.admits(header))
    });
    let planned = planned.await.map_err(|_| EndpointError::internal())??;
    let limit = query.limit.map_or(u64::MAX, |limit| limit as u64);
    let until = planned.until.min(LogPosition(from.0.saturating_add(limit)));
    if from >= until {
        return Err(not_of_page());
    }
    let piece = Piece { page: planned, from, until };
    // What is told of the record is told as it is at the stretch's end, whenever it is asked for.
    let snapshot = view_at(&routes, LogPosition(started.end.0 - 1)).await?;
    let opened = piece.page.admitted.partition_point(|position| *position < until);
    let access = ContentAccess {
        case,
        kind: AccessKind::Export,
        from: begins,
        until,
        entries: opened as u64,
        export: Some(export),
    };
    // Durable before the first byte is read (I16). A crash here leaves an access without a reader.
    access_content(&routes.write_side, &actor, access).await?;
    let served = tokio::task::spawn_blocking(move || {
        let of = (case, started.first, started.end);
        let stretch = (started.first, started.end);
        let mut context = Context::new(&routes, snapshot, &filter, stretch);
        context.look_for_present(&scope.rooms, begins)?;
        answer(&routes, of, &piece, &mut context)
    });
    let text = served.await.map_err(|_| EndpointError::internal())??;
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}

/// Case, first position of the stretch, and the one after its last.
type Of = (LogPosition, LogPosition, LogPosition);

fn not_of_page() -> EndpointError {
    let text = "`page` is not the first position of a page that `from` lies in";
    MatrixError::invalid_param(text).into()
}

fn answer(
    routes: &StaffRoutes,
    of: Of,
    piece: &Piece,
    context: &mut Context<'_>,
) -> Result<String, EndpointError> {
    let (mut text, mut served) = (String::new(), Served::default());
    let mut next = piece.page.from;
    while next < piece.until && !context.is_full() {
        let left = usize::try_from(piece.until.0 - next.0).unwrap_or(usize::MAX);
        let filter = context.filter;
        let entries = routes.record.disclose(next, left, &|header| filter.admits(header))?;
        if entries.is_empty() {
            tracing::error!(%next, "an entry of an export is not there");
            return Err(EndpointError::internal());
        }
        for entry in entries {
            let entry = admitted(filter, entry);
            let line = EvidenceLine { entry, proof: None };
            if line.entry.header.position == piece.from {
                context.is_given();
            }
            next = line.entry.header.position.next();
            if filter.admits(&line.entry.header) {
                served.note(&line);
                context.note(&line)?;
            }
            context.note_present(line.entry.header.position)?;
            if line.entry.header.position >= piece.from {
                EvidenceLine::write(&line.entry, None, &mut text);
            }
            if context.is_full() {
                break;
            }
        }
    }
    if next <= piece.from {
        // Its context is full before.
        return Err(not_of_page());
    }
    let done = piece.page.done && next >= piece.page.until;
    let ends = context.is_full() || next >= piece.page.until;
    context.write(&mut text, ends.then_some(&mut served))?;
    let pages = (piece.page.from, next);
    let page = ends.then(|| word(routes, of, pages, served)).transpose()?;
    text.push_str(&PageEnd { next: next.0, done, page }.line());
    Ok(text)
}

/// The signed word on a page.
fn word(
    routes: &StaffRoutes,
    (case, first, end): Of,
    (from, until): (LogPosition, LogPosition),
    served: Served,
) -> Result<PageWord, EndpointError> {
    let extract = routes.ledger.extract(first.0, end.0).map_err(|fault| broken(&fault))?;
    let checkpoint = checkpoint_of(&extract.ok_or_else(EndpointError::internal)?.checkpoint)?;
    let page = (from.0, until.0);
    let statement = PageStatement::new(&checkpoint, (case.0, first.0), page, &served);
    let signed = routes.ledger.sign_statement(&statement.text()).map_err(|fault| broken(&fault))?;
    let note = signed.ok_or_else(EndpointError::internal)?.note.to_string();
    Ok(PageWord { served, note })
}

/// Whether it is an event of which nothing is left. Where only content tells whose it was, the key
/// tree in its header still may, and whoever verifies looks there; so it is told to be destroyed.
fn is_event_without_a_word(line: &EvidenceLine) -> bool {
    let nothing_left = line.entry.clear().iter().all(Option::is_none);
    nothing_left && line.entry.header.fact_type == PduStored::TYPE
}

/// The entry as it may be shown: only if it is of the scope. What only content tells, and whose
/// content is destroyed, is nobody's: a receipt may have been for any room, and is not shown.
fn admitted(filter: &ScopeFilter, entry: Disclosure) -> Disclosure {
    let line = EvidenceLine { entry, proof: None };
    if line.is_withheld() {
        return line.entry;
    }
    let fact = line.fact().ok().flatten();
    if is_event_without_a_word(&line) || filter.confirms(&line.entry.header, fact.as_ref()) {
        return line.entry;
    }
    let hide = |part: DisclosedPart| DisclosedPart { shown: Shown::Withheld, ..part };
    Disclosure {
        header: line.entry.header,
        parts: line.entry.parts.into_iter().map(hide).collect(),
    }
}
