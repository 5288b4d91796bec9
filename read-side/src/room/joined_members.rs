//! `GET /_matrix/client/v3/rooms/{roomId}/joined_members`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::{
    Snapshot,
    query::{EventInfo, Membership},
};
use ruma::api::client::membership::joined_members::v3::Request;
use serde_json::{Map, Value, json};

use crate::{caller::Caller, fault::ReadFault, room_access::joined_room, state::ReadSide};

/// Members told at once.
const MEMBERS_MAX: usize = 200_000;

/// Client-server API, `getJoinedMembersByRoom`: for joined members alone.
pub(crate) async fn joined_members(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let caller = Caller::of(&read, &identity);
    let joined =
        read.ask(move |snapshot| members(snapshot, request.room_id.as_str(), &caller)).await?;
    Ok(Json(json!({ "joined": joined })))
}

fn members(
    snapshot: &Snapshot,
    room_id: &str,
    caller: &Caller,
) -> Result<Map<String, Value>, ReadFault> {
    let room = joined_room(snapshot, room_id, caller)?;
    let mut joined = Map::new();
    for member in snapshot.members(room, Membership::Join, MEMBERS_MAX)? {
        let Some(user_id) = snapshot.name(member.user)? else { continue };
        let event = snapshot.event_at(member.event)?;
        let content = event.as_ref().and_then(EventInfo::content);
        let mut profile = Map::new();
        for (field, shown_as) in [("displayname", "display_name"), ("avatar_url", "avatar_url")] {
            let value = content.and_then(|content| content.get(field)?.as_str());
            if let Some(value) = value {
                profile.insert(shown_as.to_owned(), Value::from(value));
            }
        }
        joined.insert(user_id, Value::Object(profile));
    }
    Ok(joined)
}
