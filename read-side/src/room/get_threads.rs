//! `GET /_matrix/client/v1/rooms/{roomId}/threads`.
//!
//! Owns the token: `p<position of the last event of the last thread told>`.

use axum::{Json, extract::State};
use facts::LogPosition;
use http_edge::{Matrix, MatrixError};
use projections::Snapshot;
use ruma::api::client::threads::get_threads::v1::{IncludeThreads, Request};
use serde_json::{Value, json};

use crate::{
    caller::Caller, client_event::EventWriter, fault::ReadFault, limit::Limit,
    room_access::open_room, state::ReadSide, visibility::may_see,
};

const PAGE: Limit = Limit { default: 20, max: 100 };
/// Threads looked at for one answer.
const SCAN_MAX: usize = 1_000;

/// Client-server API, `getThreadRoots`: the most recently active threads first.
pub(crate) async fn get_threads(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let caller = Caller::of(&read, &identity);
    let before = request.from.as_deref().map(parse).transpose()?;
    Ok(Json(read.ask(move |snapshot| threads(snapshot, &request, before, &caller)).await?))
}

fn parse(from: &str) -> Result<LogPosition, MatrixError> {
    from.strip_prefix('p')
        .and_then(|digits| digits.parse().ok())
        .map(LogPosition)
        .ok_or_else(|| MatrixError::invalid_param("from is no token of this server"))
}

fn threads(
    snapshot: &Snapshot,
    request: &Request,
    before: Option<LogPosition>,
    caller: &Caller,
) -> Result<Value, ReadFault> {
    let room_id = request.room_id.as_str();
    let room = open_room(snapshot, room_id, caller)?.room;
    let viewer = caller.viewer(snapshot)?;
    let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
    let limit = PAGE.of(request.limit).max(1);
    let own_only = matches!(request.include, IncludeThreads::Participated);
    let found = snapshot.threads(room, before, SCAN_MAX)?;
    let mut more = found.len() == SCAN_MAX;
    let mut chunk = Vec::new();
    let mut last = None;
    for (position, root) in found {
        if chunk.len() == limit {
            more = true;
            break;
        }
        last = Some(position);
        if own_only && !snapshot.participated(caller.user, room, &root)? {
            continue;
        }
        let Some(event) = snapshot.event(&root)? else { continue };
        if event.row.room != room || !may_see(snapshot, event.position, &event.row, &viewer)? {
            continue;
        }
        let root = if viewer.ignored.hides(&event) {
            writer.hidden(&event)?
        } else {
            writer.event(&event)?
        };
        // Of a thread without a reply that the caller may read there is nothing to tell.
        if root["unsigned"]["m.relations"].get("m.thread").is_some() {
            chunk.push(root);
        }
    }
    let mut answer = json!({ "chunk": chunk });
    if let (true, Some(last), Some(answer)) = (more, last, answer.as_object_mut()) {
        answer.insert("next_batch".to_owned(), Value::from(format!("p{last}")));
    }
    Ok(answer)
}
