//! `DELETE /devices/{deviceId}`.

use axum::extract::State;
use commands::{audit::By, user};
use ruma::api::client::device::delete_device::v3::{Request, Response};

use crate::{
    Answer, WriteEndpoints, answer,
    caller::Caller,
    interactive::{Interactive, prove_owner},
};

pub(crate) async fn delete_device(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Interactive { request, identity, auth }: Interactive<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    prove_owner(&state, &caller, &identity, "delete_device", auth.as_ref()).await?;
    let device = request.device_id.to_string();
    let by = By::user(&identity.user, caller.address());
    user::delete_devices(&state.write_side, &identity.user, &[device], &by).await?;
    answer(Response::new())
}
