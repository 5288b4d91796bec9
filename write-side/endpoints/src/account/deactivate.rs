//! `POST /account/deactivate`.
//!
//! The account ends first, then its rooms are left: a crash between leaves memberships behind
//! that nobody can use.

use axum::extract::State;
use commands::{
    CommandError,
    audit::By,
    room::{MemberDetails, leave_room},
    user::deactivate as end_account,
};
use http_edge::MatrixError;
use ruma::{
    UserId,
    api::client::account::{
        ThirdPartyIdRemovalStatus,
        deactivate::v3::{Request, Response},
    },
};

use crate::{
    Answer, WriteEndpoints, answer,
    caller::Caller,
    interactive::{Interactive, prove_owner},
};

pub(crate) async fn deactivate(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Interactive { request, identity, auth }: Interactive<Request>,
) -> Answer<Response> {
    let session = identity.ok_or_else(MatrixError::missing_token)?;
    session.refuse_guest()?;
    prove_owner(&state, &caller, &session, "deactivate", auth.as_ref()).await?;
    let by = By::user(&session.user, caller.address());
    end_account(&state.write_side, &session.user, request.erase, &by).await?;
    leave_all(&state, &session.user).await;
    // No identifiers of other kinds are ever bound here, so there was nothing to remove.
    answer(Response::new(ThirdPartyIdRemovalStatus::Success))
}

/// A room that cannot be left (its server is gone, its rules forbid it) does not keep an account
/// from ending.
async fn leave_all(state: &WriteEndpoints, user: &UserId) {
    for (room, _) in state.memberships.of(user) {
        let details = MemberDetails::default();
        let left = leave_room(&state.write_side, &room, user.to_owned(), &details).await;
        match left {
            Ok(_) | Err(CommandError::Refusal(_)) => {}
            Err(error) => {
                tracing::warn!(?error, %room, "a deactivated account could not leave a room");
            }
        }
    }
}
