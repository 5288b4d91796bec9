//! `GET /_matrix/client/v3/user/{userId}/filter/{filterId}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::filter::get_filter::v3::Request;
use serde_json::Value;

use crate::{caller::only_own, state::ReadSide};

/// Client-server API, `getFilter`.
pub(crate) async fn get_filter(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    only_own(&identity, &request.user_id)?;
    let user = identity.user_stream;
    let filter = read.ask(move |snapshot| Ok(snapshot.filter(user, &request.filter_id)?)).await?;
    filter
        .and_then(|filter| serde_json::from_slice(&filter).ok())
        .map(Json)
        .ok_or_else(|| MatrixError::not_found("There is no such filter"))
}
