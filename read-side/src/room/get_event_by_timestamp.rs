//! `GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event`.
//!
//! Owns the search for the event that is closest in time. Senders' clocks order nothing, so all
//! of a room is looked at, the newest [`EVENTS_MAX`] events at most.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::{
    Snapshot,
    query::{Direction, PageItem},
};
use ruma::api::client::room::get_event_by_timestamp::v1::Request;
use serde_json::{Value, json};

use crate::{
    caller::Caller, fault::ReadFault, room_access::open_room, state::ReadSide,
    visibility::may_read, walk::direction,
};

/// Events looked at for one answer.
const EVENTS_MAX: usize = 50_000;
/// Rows read at once.
const CHUNK: usize = 500;

/// Client-server API, `getEventByTimestamp`.
pub(crate) async fn get_event_by_timestamp(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let caller = Caller::of(&read, &identity);
    let wanted = i64::try_from(u64::from(request.ts.0)).unwrap_or(i64::MAX);
    let direction = direction(request.dir);
    let found = read
        .ask(move |snapshot| {
            closest(snapshot, request.room_id.as_str(), (wanted, direction), &caller)
        })
        .await?;
    let (event_id, sent) = found.ok_or_else(|| {
        MatrixError::not_found("The room has no event in this direction from that time")
    })?;
    Ok(Json(json!({ "event_id": event_id, "origin_server_ts": sent })))
}

/// The closest event by time; of several of the same time, the one that comes first when going
/// in the direction.
fn closest(
    snapshot: &Snapshot,
    room_id: &str,
    (wanted, direction): (i64, Direction),
    caller: &Caller,
) -> Result<Option<(String, i64)>, ReadFault> {
    let open = open_room(snapshot, room_id, caller)?;
    let viewer = caller.viewer(snapshot)?;
    let mut best: Option<(String, i64)> = None;
    let mut next = None;
    let mut looked_at = 0;
    while looked_at < EVENTS_MAX {
        let items = snapshot.page(open.room, next, Direction::Backward, CHUNK)?;
        if items.is_empty() {
            break;
        }
        for item in items {
            looked_at += 1;
            let PageItem::Event { place, event } = item else { continue };
            next = Some(Snapshot::beyond(place, Direction::Backward));
            let Some(event) = snapshot.event_at(event)? else { continue };
            let sent = event.shown().get("origin_server_ts").and_then(Value::as_i64);
            let Some(sent) = sent else { continue };
            let known = best.as_ref().map(|(_, sent)| *sent);
            if is_closer(sent, known, wanted, direction) && may_read(snapshot, &event, &viewer)? {
                best = Some((event.body.event_id.clone(), sent));
            }
        }
    }
    Ok(best)
}

/// The walk goes from the newest event backwards: on a tie, forwards takes the older one.
fn is_closer(sent: i64, best: Option<i64>, wanted: i64, direction: Direction) -> bool {
    match direction {
        Direction::Forward => sent >= wanted && best.is_none_or(|best| sent <= best),
        Direction::Backward => sent <= wanted && best.is_none_or(|best| sent > best),
    }
}
