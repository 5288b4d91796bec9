//! `PUT /rooms/{roomId}/redact/{eventId}/{txnId}`.

use axum::extract::State;
use commands::room::send_event;
use decide::room::NewEvent;
use http_edge::Matrix;
use ruma::api::client::redact::redact_event::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, txn::client_txn};

pub(crate) async fn redact_event(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let sender = identity.user.clone();
    let mut event = NewEvent::redaction(sender, request.event_id, request.reason.as_deref());
    event.txn = Some(client_txn(&identity, "redact_event", &request.txn_id));
    let sent = send_event(&state.write_side, &request.room_id, event).await?;
    answer(Response::new(sent.event_id))
}
