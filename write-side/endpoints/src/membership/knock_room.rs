//! `POST /knock/{roomIdOrAlias}`.

use axum::extract::State;
use commands::{
    CommandError,
    room::{MemberDetails, RoomCommandRefusal, knock_room as knock},
};
use http_edge::Matrix;
use ruma::api::client::knock::knock_room::v3::{Request, Response};

use super::{find_room::find_room, member_profile};
use crate::{Answer, RemoteMembership, WriteEndpoints, answer};

pub(crate) async fn knock_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let found = find_room(&state, &request.room_id_or_alias, request.via).await?;
    let user = identity.user.clone();
    let details = MemberDetails {
        reason: request.reason,
        profile: member_profile(&state, &user).await?,
        is_direct: false,
    };
    match knock(&state.write_side, &found.room, user.clone(), &details).await {
        Ok(_) => {}
        Err(CommandError::Refusal(
            RoomCommandRefusal::UnknownRoom(_) | RoomCommandRefusal::NotInRoom(_),
        )) => {
            let wish = RemoteMembership {
                room: found.room.clone(),
                sender: user.clone(),
                target: user,
                via: found.via,
                details,
            };
            state.remote.knock(wish).await?;
        }
        Err(error) => return Err(error.into()),
    }
    answer(Response::new(found.room))
}
