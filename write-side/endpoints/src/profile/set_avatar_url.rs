//! `PUT /profile/{userId}/avatar_url`.

use axum::extract::State;
use http_edge::Matrix;
use ruma::api::client::profile::set_avatar_url::v3::{Request, Response};

use super::set_profile_field::set_own_field;
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn set_avatar_url(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let value = request.avatar_url.map(|url| url.to_string().into());
    set_own_field(&state, &identity, &request.user_id, "avatar_url", value.as_ref()).await?;
    answer(Response::new())
}
