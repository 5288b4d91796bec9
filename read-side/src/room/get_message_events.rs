//! `GET /_matrix/client/v3/rooms/{roomId}/messages`. Open to guests.

use std::sync::Arc;

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::{
    Snapshot,
    query::{Direction, StoreError},
};
use ruma::api::client::message::get_message_events::v3::Request;
use serde_json::{Value, json};

use super::{
    gaps::{AskedGaps, across_gaps},
    given,
};
use crate::{
    caller::Caller,
    client_event::EventWriter,
    fault::ReadFault,
    limit::Limit,
    page_token::{GivenToken, PageToken},
    ports::HistoryGap,
    room_access::{OpenRoom, RoomView, open_room},
    state::ReadSide,
    walk::{Page, Stretch, Walk, direction},
};

const EVENTS: Limit = Limit { default: 10, max: 1_000 };

/// Client-server API, `getRoomEvents`.
pub(crate) async fn get_message_events(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let caller = Caller::of(&read, &identity);
    let from = given(request.from.as_deref(), "from")?;
    let to = given(request.to.as_deref(), "to")?;
    let asking = Arc::new((request, caller));
    let answer = across_gaps(&read, move |snapshot, asked| {
        let (request, caller) = &*asking;
        messages(snapshot, request, (from, to), caller, asked)
    })
    .await?;
    Ok(Json(answer))
}

fn messages(
    snapshot: &Snapshot,
    request: &Request,
    (from, to): (Option<GivenToken>, Option<GivenToken>),
    caller: &Caller,
    asked: &AskedGaps,
) -> Result<(Value, Option<HistoryGap>), ReadFault> {
    let room_id = request.room_id.as_str();
    let open = open_room(snapshot, room_id, caller)?;
    let viewer = caller.viewer(snapshot)?;
    let direction = direction(request.dir);
    let from = match from {
        Some(token) => point(snapshot, open, token)?,
        None => beginning(snapshot, open, direction)?,
    };
    let to = to.map(|token| point(snapshot, open, token)).transpose()?;
    let walk = Walk {
        snapshot,
        room: open.room,
        room_id,
        viewer: &viewer,
        filter: &request.filter,
        asked,
    };
    let limit = EVENTS.of(Some(request.limit));
    let page = walk.page(Stretch { from: Some(from), to, direction, limit })?;
    let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
    Ok((answer(&walk, from, &page, &writer)?, page.gap))
}

fn answer(
    walk: &Walk<'_>,
    from: PageToken,
    page: &Page,
    writer: &EventWriter<'_>,
) -> Result<Value, StoreError> {
    let chunk =
        page.events.iter().map(|event| writer.event(event)).collect::<Result<Vec<_>, _>>()?;
    let mut answer = json!({ "start": from.to_string(), "chunk": chunk });
    if let Some(answer) = answer.as_object_mut() {
        // Without `end` a client knows that nothing is left.
        if page.more {
            let reached = page.reached.unwrap_or(from);
            answer.insert("end".to_owned(), Value::from(reached.to_string()));
        }
        let members = walk.lazy_members(&page.events, writer)?;
        if !members.is_empty() {
            answer.insert("state".to_owned(), Value::Array(members));
        }
    }
    Ok(answer)
}

/// The point that a token means; before everything where there was nothing yet.
fn point(snapshot: &Snapshot, open: OpenRoom, token: GivenToken) -> Result<PageToken, ReadFault> {
    Ok(token.point(snapshot, open.room)?.unwrap_or(PageToken::OLDEST))
}

/// Where to begin without a token: at the newest event that may be seen, or the oldest.
fn beginning(
    snapshot: &Snapshot,
    open: OpenRoom,
    direction: Direction,
) -> Result<PageToken, StoreError> {
    if direction == Direction::Forward {
        return Ok(PageToken::OLDEST);
    }
    let upto = match open.view {
        RoomView::Current => snapshot.position(),
        RoomView::AsOf(position) => position,
    };
    Ok(snapshot.place_at(open.room, upto)?.map_or(PageToken::OLDEST, PageToken::after))
}
