//! `POST /logout`.

use axum::extract::State;
use commands::user::log_out;
use http_edge::Matrix;
use ruma::api::client::session::logout::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn logout(
    State(state): State<WriteEndpoints>,
    Matrix { identity, .. }: Matrix<Request>,
) -> Answer<Response> {
    let device = identity.device()?;
    log_out(&state.write_side, &identity.user, device.as_str()).await?;
    answer(Response::new())
}
