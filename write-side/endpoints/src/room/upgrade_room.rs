//! `POST /rooms/{roomId}/upgrade`.

use axum::extract::State;
use commands::room::{UpgradeRoom, upgrade_room as upgrade};
use http_edge::Matrix;
use ruma::api::client::room::upgrade_room::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, membership::member_profile};

pub(crate) async fn upgrade_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let wish = UpgradeRoom {
        profile: member_profile(&state, &identity.user).await?,
        aliases: state.room_aliases.of(&request.room_id),
        user: identity.user,
        version: request.new_version,
        additional_creators: request.additional_creators,
    };
    let replacement = upgrade(&state.write_side, &request.room_id, &wish).await?;
    answer(Response::new(replacement))
}
