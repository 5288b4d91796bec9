//! `POST /rooms/{roomId}/invite`.

use axum::extract::State;
use commands::{
    CommandError,
    room::{MemberDetails, RoomCommandRefusal, invite_user as invite},
};
use decide::room::RoomRefusal;
use http_edge::Matrix;
use ruma::api::client::membership::invite_user::v3::{InvitationRecipient, Request, Response};

use super::member_profile;
use crate::{Answer, RemoteMembership, WriteEndpoints, answer, errors::refused};

pub(crate) async fn invite_user(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let InvitationRecipient::UserId(recipient) = request.recipient else {
        return Err(refused(&RoomRefusal::ThirdPartyInvite));
    };
    let (target, reason) = (recipient.user_id, recipient.reason);
    let sender = identity.user.clone();
    let details =
        MemberDetails { reason, profile: member_profile(&state, &target).await?, is_direct: false };
    let room = request.room_id;
    match invite(&state.write_side, &room, sender.clone(), &target, &details).await {
        Ok(_) => {}
        Err(CommandError::Refusal(RoomCommandRefusal::NeedsFederation(_))) => {
            let wish = RemoteMembership {
                room,
                sender,
                via: vec![target.server_name().to_owned()],
                target,
                details,
            };
            state.remote.invite(wish).await?;
        }
        Err(error) => return Err(error.into()),
    }
    answer(Response::new())
}
