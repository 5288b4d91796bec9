//! `POST /media/create`.

use axum::extract::State;
use commands::media::reserve_media;
use http_edge::Matrix;
use ruma::{
    MilliSecondsSinceUnixEpoch, UInt,
    api::client::media::create_mxc_uri::v1::{Request, Response},
};

use super::take_in::content_uri;
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn create_mxc_uri(
    State(state): State<WriteEndpoints>,
    Matrix { identity, .. }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let (media_id, expires_at) = reserve_media(&state.write_side, &identity.user).await?;
    let mut response = Response::new(content_uri(&state, &media_id));
    response.unused_expires_at =
        Some(MilliSecondsSinceUnixEpoch(UInt::new_saturating(expires_at.0)));
    answer(response)
}
