//! `GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}`. Open to guests.

use std::sync::Arc;

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::{
    Snapshot,
    query::{Direction, EventInfo, StoreError},
};
use ruma::api::client::context::get_context::v3::Request;
use serde_json::{Map, Value};

use super::gaps::{AskedGaps, across_gaps};
use crate::{
    caller::Caller,
    client_event::EventWriter,
    fault::ReadFault,
    limit::Limit,
    page_token::PageToken,
    ports::HistoryGap,
    room_access::readable_event,
    state::ReadSide,
    sync::filter::{EventFacts, passes},
    walk::{Page, Stretch, Walk},
};

const EVENTS: Limit = Limit { default: 10, max: 100 };

/// Client-server API, `getEventContext`.
pub(crate) async fn get_context(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let asking = Arc::new((request, Caller::of(&read, &identity)));
    let answer = across_gaps(&read, move |snapshot, asked| {
        let (request, caller) = &*asking;
        context(snapshot, request, caller, asked)
    })
    .await?;
    Ok(Json(answer))
}

fn context(
    snapshot: &Snapshot,
    request: &Request,
    caller: &Caller,
    asked: &AskedGaps,
) -> Result<(Value, Option<HistoryGap>), ReadFault> {
    let room_id = request.room_id.as_str();
    let viewer = caller.viewer(snapshot)?;
    let event = readable_event(snapshot, room_id, request.event_id.as_str(), &viewer)?;
    let walk = Walk {
        snapshot,
        room: event.room(),
        room_id,
        viewer: &viewer,
        filter: &request.filter,
        asked,
    };
    let (before, after) = around(&walk, &event, EVENTS.of(Some(request.limit)))?;
    let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
    let write = |page: &Page| -> Result<Value, StoreError> {
        page.events.iter().map(|event| writer.event(event)).collect()
    };
    let mut answer = Map::new();
    answer.insert("event".to_owned(), writer.event(&event)?);
    answer.insert("events_before".to_owned(), write(&before)?);
    answer.insert("events_after".to_owned(), write(&after)?);
    if let Some(place) = event.row.place {
        let start = before.reached.unwrap_or(PageToken(place));
        let end = after.reached.unwrap_or_else(|| PageToken::after(place));
        answer.insert("start".to_owned(), Value::from(start.to_string()));
        answer.insert("end".to_owned(), Value::from(end.to_string()));
    }
    let gap = before.gap.or(after.gap);
    let mut told = before.events;
    told.push(event);
    told.extend(after.events);
    answer.insert("state".to_owned(), Value::Array(state(&walk, &told, &writer)?));
    Ok((Value::Object(answer), gap))
}

/// Half of the events before, half after; an event outside of the timeline stands alone.
fn around(walk: &Walk<'_>, event: &EventInfo, limit: usize) -> Result<(Page, Page), StoreError> {
    let Some(place) = event.row.place else { return Ok((Page::default(), Page::default())) };
    let side = |from, direction, limit| {
        if limit == 0 {
            return Ok(Page::default());
        }
        walk.page(Stretch { from: Some(from), to: None, direction, limit })
    };
    let before = side(PageToken(place), Direction::Backward, limit / 2)?;
    let after = side(PageToken::after(place), Direction::Forward, limit - limit / 2)?;
    Ok((before, after))
}

/// The state after the newest event told; with lazily loaded members only those of the senders.
fn state(
    walk: &Walk<'_>,
    told: &[EventInfo],
    writer: &EventWriter<'_>,
) -> Result<Vec<Value>, StoreError> {
    let Some(newest) = told.last() else { return Ok(Vec::new()) };
    let mut state = Vec::new();
    for entry in walk.snapshot.state_after(newest.position)?.unwrap_or_default() {
        if walk.is_lazy() && entry.event_type == "m.room.member" {
            continue;
        }
        let Some(event) = walk.snapshot.event_at(entry.event)? else { continue };
        let facts = EventFacts {
            event_type: &entry.event_type,
            sender: event.str("sender"),
            content: event.content(),
        };
        if passes(walk.filter, walk.room_id, facts) {
            state.push(writer.event(&event)?);
        }
    }
    state.extend(walk.lazy_members(told, writer)?);
    Ok(state)
}
