//! `POST /logout/all`.

use axum::extract::State;
use commands::{audit::By, user::log_out_all};
use http_edge::Matrix;
use ruma::api::client::session::logout_all::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, caller::Caller};

pub(crate) async fn logout_all(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Matrix { identity, .. }: Matrix<Request>,
) -> Answer<Response> {
    let by = By::user(&identity.user, caller.address());
    log_out_all(&state.write_side, &identity.user, &by).await?;
    answer(Response::new())
}
