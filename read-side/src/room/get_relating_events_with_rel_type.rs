//! `GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::relations::get_relating_events_with_rel_type::v1::Request;
use serde_json::Value;

use super::relation_page::{Asked, relation_page};
use crate::{caller::Caller, state::ReadSide};

/// Client-server API, `getRelatingEventsWithRelType`.
pub(crate) async fn get_relating_events_with_rel_type(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let caller = Caller::of(&read, &identity);
    let asked = Asked {
        room_id: request.room_id.to_string(),
        event_id: request.event_id.to_string(),
        rel_type: Some(request.rel_type.to_string()),
        event_type: None,
        from: request.from,
        to: request.to,
        dir: request.dir,
        limit: request.limit,
        recurse: request.recurse,
    };
    Ok(Json(read.ask(move |snapshot| relation_page(snapshot, &asked, &caller)).await?))
}
