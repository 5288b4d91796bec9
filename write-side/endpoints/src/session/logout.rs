//! `POST /logout`.

use axum::extract::State;
use commands::{audit::By, user::log_out};
use http_edge::Matrix;
use ruma::api::client::session::logout::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, caller::Caller};

pub(crate) async fn logout(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Matrix { identity, .. }: Matrix<Request>,
) -> Answer<Response> {
    let device = identity.device()?;
    let by = By::user(&identity.user, caller.address());
    log_out(&state.write_side, &identity.user, device.as_str(), &by).await?;
    answer(Response::new())
}
