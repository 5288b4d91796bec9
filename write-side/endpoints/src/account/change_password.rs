//! `POST /account/password`.

use axum::extract::State;
use commands::{
    audit::By,
    user::{NewPassword, set_password},
};
use http_edge::MatrixError;
use ruma::api::client::account::change_password::v3::{Request, Response};

use crate::{
    Answer, WriteEndpoints, answer,
    caller::Caller,
    interactive::{Interactive, prove_owner},
};

pub(crate) async fn change_password(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Interactive { request, identity, auth }: Interactive<Request>,
) -> Answer<Response> {
    // Without a session only a proven mail address would do, and this server knows none.
    let session = identity.ok_or_else(MatrixError::missing_token)?;
    session.refuse_guest()?;
    if request.new_password.is_empty() {
        return Err(MatrixError::weak_password("The password is empty").into());
    }
    prove_owner(&state, &caller, &session, "change_password", auth.as_ref()).await?;
    set_password(
        &state.write_side,
        &state.passwords,
        &session.user,
        NewPassword {
            password: &request.new_password,
            log_out_others: request.logout_devices,
            kept_device: session.device.as_ref().map(|device| device.as_str()),
        },
        &By::user(&session.user, caller.address()),
    )
    .await?;
    answer(Response::new())
}
