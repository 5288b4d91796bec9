//! `POST /rooms/{roomId}/read_markers`.

use axum::extract::State;
use commands::user::set_fully_read;
use facts::fact::{ReceiptKind, ThreadScope};
use http_edge::Matrix;
use ruma::api::client::read_marker::set_read_marker::v3::{Request, Response};

use super::move_receipt::{move_receipt, require_member};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn set_read_marker(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let room = &request.room_id;
    require_member(&state, &identity, room).await?;
    if let Some(event_id) = &request.fully_read {
        set_fully_read(&state.write_side, &identity.user, room, event_id).await?;
    }
    let receipts = [
        (&request.read_receipt, ReceiptKind::Read),
        (&request.private_read_receipt, ReceiptKind::ReadPrivate),
    ];
    for (event_id, kind) in receipts {
        if let Some(event_id) = event_id {
            let thread = ThreadScope::Unthreaded;
            move_receipt(&state, &identity, room, event_id, kind, thread).await?;
        }
    }
    answer(Response::new())
}
