//! `POST /refresh`.

use std::time::Duration;

use axum::extract::State;
use commands::user::refresh;
use http_edge::Matrix;
use ruma::api::client::session::refresh_token::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn refresh_token(
    State(state): State<WriteEndpoints>,
    Matrix { request, .. }: Matrix<Request>,
) -> Answer<Response> {
    let lifetimes = state.settings.token_lifetimes;
    let session = refresh(&state.write_side, &request.refresh_token, lifetimes).await?;
    let mut response = Response::new(session.access_token);
    response.refresh_token = session.refresh_token;
    response.expires_in_ms = session.expires_in_ms.map(Duration::from_millis);
    answer(response)
}
