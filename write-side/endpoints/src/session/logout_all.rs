//! `POST /logout/all`.

use axum::extract::State;
use commands::user::log_out_all;
use http_edge::Matrix;
use ruma::api::client::session::logout_all::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn logout_all(
    State(state): State<WriteEndpoints>,
    Matrix { identity, .. }: Matrix<Request>,
) -> Answer<Response> {
    log_out_all(&state.write_side, &identity.user).await?;
    answer(Response::new())
}
