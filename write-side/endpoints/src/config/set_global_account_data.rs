//! `PUT /user/{userId}/account_data/{type}`.

use axum::extract::State;
use commands::user::set_account_data;
use decide::user::AccountDataKey;
use http_edge::Matrix;
use ruma::api::client::config::set_global_account_data::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, own::require_own};

pub(crate) async fn set_global_account_data(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    require_own(&identity, &request.user_id)?;
    let key = AccountDataKey::global(&request.event_type.to_string());
    let content = request.data.json().get();
    set_account_data(&state.write_side, &identity.user, &key, Some(content)).await?;
    answer(Response::new())
}
