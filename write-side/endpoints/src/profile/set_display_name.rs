//! `PUT /profile/{userId}/displayname`.

use axum::extract::State;
use http_edge::Matrix;
use ruma::api::client::profile::set_display_name::v3::{Request, Response};

use super::set_profile_field::set_own_field;
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn set_display_name(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let value = request.displayname.map(Into::into);
    set_own_field(&state, &identity, &request.user_id, "displayname", value.as_ref()).await?;
    answer(Response::new())
}
