//! `DELETE /directory/room/{roomAlias}`.

use axum::extract::State;
use commands::alias::remove_alias;
use http_edge::Matrix;
use ruma::api::client::alias::delete_alias::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn delete_alias(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let alias = &request.room_alias;
    remove_alias(&state.write_side, &identity.user, alias, identity.admin).await?;
    answer(Response::new())
}
