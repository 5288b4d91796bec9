//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`.
//!
//! Changes no truth: typing lives in memory alone (DESIGN section 5), which is why the read side
//! serves it.

use axum::{Json, extract::State};
use facts::Timestamp;
use http_edge::{Matrix, MatrixError};
use ruma::api::client::typing::create_typing_event::v3::{Request, Typing};
use serde_json::{Value, json};

use super::typing_expiry::{end_later, wake_members};
use crate::{
    caller::{Caller, only_own},
    room_access::joined_room,
    state::ReadSide,
    typing::TYPING_MS_MAX,
};

/// Client-server API, `setTyping`.
pub(crate) async fn create_typing_event(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    only_own(&identity, &request.user_id)?;
    let caller = Caller::of(&read, &identity);
    let room_id = request.room_id.to_string();
    let room = read.ask(move |snapshot| joined_room(snapshot, &room_id, &caller)).await?;
    let until = match request.state {
        Typing::Yes(info) => {
            let asked = u64::try_from(info.timeout.as_millis()).unwrap_or(u64::MAX);
            Some(Timestamp(read.now().0.saturating_add(asked.min(TYPING_MS_MAX))))
        }
        Typing::No => None,
    };
    if read.typing().set(room, request.user_id.as_str(), until) {
        wake_members(&read, vec![room]).await?;
    }
    if until.is_some() {
        end_later(&read);
    }
    Ok(Json(json!({})))
}
