//! `POST /user/{userId}/filter`.

use axum::extract::State;
use commands::user::store_filter;
use ruma::api::client::filter::create_filter::v3::{Request, Response};
use serde_json::Value;

use crate::{Answer, WriteEndpoints, answer, own::require_own, whole::Whole};

pub(crate) async fn create_filter(
    State(state): State<WriteEndpoints>,
    Whole { request, identity, body }: Whole<Request>,
) -> Answer<Response> {
    require_own(&identity, &request.user_id)?;
    let filter = Value::Object(body).to_string();
    let filter_id = store_filter(&state.write_side, &identity.user, &filter).await?;
    answer(Response::new(filter_id))
}
