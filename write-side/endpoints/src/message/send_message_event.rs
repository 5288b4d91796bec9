//! `PUT /rooms/{roomId}/send/{eventType}/{txnId}`.

use axum::extract::State;
use commands::room::send_event;
use decide::room::NewEvent;
use http_edge::{Matrix, MatrixError};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, OwnedEventId, OwnedUserId,
    api::client::message::send_message_event::v3::{Request, Response},
    events::{MessageLikeEventType, TimelineEventType},
};

use crate::{
    Answer, WriteEndpoints, answer,
    content::{content, given_time},
    txn::client_txn,
};

pub(crate) async fn send_message_event(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let content = content(&request.body)?;
    let sender = identity.user.clone();
    let mut event = match request.event_type {
        MessageLikeEventType::RoomRedaction => redaction(sender, content)?,
        event_type => {
            NewEvent::message(sender, TimelineEventType::from(event_type.to_string()), content)
        }
    };
    event.txn = Some(client_txn(&identity, "send_message_event", &request.txn_id));
    event.origin_server_ts = given_time(&identity, request.timestamp);
    let sent = send_event(&state.write_side, &request.room_id, event).await?;
    answer(Response::new(sent.event_id))
}

/// A redaction that is sent as an event of its own names its target in the content; where it
/// stands in the event follows from the room's version.
fn redaction(
    sender: OwnedUserId,
    mut content: CanonicalJsonObject,
) -> Result<NewEvent, MatrixError> {
    let target: OwnedEventId = match content.remove("redacts") {
        Some(CanonicalJsonValue::String(target)) => EventId::parse(target)
            .map_err(|_| MatrixError::bad_json("The field redacts is no event ID"))?,
        _ => return Err(MatrixError::bad_json("A redaction needs the field redacts")),
    };
    let mut event = NewEvent::redaction(sender, target, None);
    event.content = content;
    Ok(event)
}
