//! `GET /_matrix/client/v3/rooms/{roomId}/members`. Open to guests.

use axum::{Json, extract::State};
use facts::{LogPosition, StreamId};
use http_edge::{Matrix, MatrixError};
use projections::{
    Snapshot,
    query::{Direction, PageItem, StateEntry, StoreError},
};
use ruma::api::client::membership::get_member_events::v3::Request;
use serde_json::{Value, json};

use super::given;
use crate::{
    caller::Caller,
    client_event::EventWriter,
    fault::ReadFault,
    page_token::{GivenToken, PageToken},
    room_access::{OpenRoom, RoomView, open_room},
    state::ReadSide,
};

/// Events between a point and the last accepted event before it, at most.
const LOOK_BACK_MAX: usize = 100;

/// Client-server API, `getMembersByRoom`.
pub(crate) async fn get_member_events(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let caller = Caller::of(&read, &identity);
    let at = given(request.at.as_deref(), "at")?;
    let chunk = read.ask(move |snapshot| members(snapshot, &request, at, &caller)).await?;
    Ok(Json(json!({ "chunk": chunk })))
}

fn members(
    snapshot: &Snapshot,
    request: &Request,
    at: Option<GivenToken>,
    caller: &Caller,
) -> Result<Vec<Value>, ReadFault> {
    let room_id = request.room_id.as_str();
    let open = open_room(snapshot, room_id, caller)?;
    let viewer = caller.viewer(snapshot)?;
    let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
    let mut chunk = Vec::new();
    for entry in entries(snapshot, open, at)? {
        let Some(event) = snapshot.event_at(entry.event)? else { continue };
        let membership = event.content().and_then(|content| content.get("membership")?.as_str());
        let membership = membership.unwrap_or_default();
        let wanted = request.membership.as_ref().is_none_or(|yes| yes.as_str() == membership)
            && request.not_membership.as_ref().is_none_or(|no| no.as_str() != membership);
        if wanted {
            chunk.push(writer.event(&event)?);
        }
    }
    Ok(chunk)
}

/// Member events at the point asked for, and never later than the caller may see.
fn entries(
    snapshot: &Snapshot,
    open: OpenRoom,
    at: Option<GivenToken>,
) -> Result<Vec<StateEntry>, ReadFault> {
    if let Some(GivenToken::Sync(token)) = &at {
        token.of_this_log(snapshot)?;
    }
    Ok(match (at, open.view) {
        (None, _) => open.members(snapshot)?,
        (Some(GivenToken::Sync(token)), RoomView::AsOf(last)) => {
            snapshot.members_as_of(open.room, token.position.min(last))?
        }
        (Some(GivenToken::Sync(token)), RoomView::Current) => {
            snapshot.members_as_of(open.room, token.position)?
        }
        (Some(GivenToken::Page(token)), _) => match at_point(snapshot, open, token)? {
            Some(entries) => entries,
            None => open.members(snapshot)?,
        },
    })
}

/// Member events just before the event that the token points to; `None` where that state is not
/// known, or lies past what the caller may see.
fn at_point(
    snapshot: &Snapshot,
    open: OpenRoom,
    token: PageToken,
) -> Result<Option<Vec<StateEntry>>, StoreError> {
    let Some(event) = last_before(snapshot, open.room, token)? else { return Ok(None) };
    let late = match (open.view, snapshot.event_row(event)?) {
        (RoomView::AsOf(last), Some(row)) => row.placed > last,
        _ => false,
    };
    if late {
        return Ok(None);
    }
    Ok(snapshot.state_after(event)?.map(|state| {
        state.into_iter().filter(|entry| entry.event_type == "m.room.member").collect()
    }))
}

fn last_before(
    snapshot: &Snapshot,
    room: StreamId,
    token: PageToken,
) -> Result<Option<LogPosition>, StoreError> {
    let direction = Direction::Backward;
    for item in snapshot.page(room, Some(token.first(direction)), direction, LOOK_BACK_MAX)? {
        if let PageItem::Event { event, .. } = item
            && snapshot.event_row(event)?.is_some_and(|row| row.accepted)
        {
            return Ok(Some(event));
        }
    }
    Ok(None)
}
