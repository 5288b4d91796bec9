//! `POST /delete_devices`.

use axum::extract::State;
use commands::{audit::By, user};
use ruma::api::client::device::delete_devices::v3::{Request, Response};

use crate::{
    Answer, WriteEndpoints, answer,
    caller::Caller,
    interactive::{Interactive, prove_owner},
};

pub(crate) async fn delete_devices(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Interactive { request, identity, auth }: Interactive<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    prove_owner(&state, &caller, &identity, "delete_devices", auth.as_ref()).await?;
    let devices: Vec<String> = request.devices.iter().map(ToString::to_string).collect();
    let by = By::user(&identity.user, caller.address());
    user::delete_devices(&state.write_side, &identity.user, &devices, &by).await?;
    answer(Response::new())
}
