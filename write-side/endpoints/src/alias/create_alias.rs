//! `PUT /directory/room/{roomAlias}`.

use axum::extract::State;
use commands::alias::set_alias;
use http_edge::{Matrix, MatrixError};
use ruma::{
    api::client::alias::create_alias::v3::{Request, Response},
    events::room::member::MembershipState,
};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn create_alias(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let (alias, room) = (&request.room_alias, &request.room_id);
    let is_member = match state.write_side.room_stream(room)? {
        Some(_) => {
            let fold = state.write_side.room(room).await?;
            fold.membership(&identity.user) == MembershipState::Join
        }
        None => false,
    };
    if !is_member && !identity.admin {
        let refused = MatrixError::forbidden("Only members of the room may give it an alias");
        return Err(refused.into());
    }
    let reserved = state.namespaces.reserves_alias(alias, Some(&identity));
    set_alias(&state.write_side, &identity.user, alias, room, reserved).await?;
    answer(Response::new())
}
