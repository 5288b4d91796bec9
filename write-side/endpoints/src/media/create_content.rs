//! `POST /media/upload`.

use axum::extract::State;
use commands::media::new_media_id;
use http_edge::Streamed;
use ruma::api::client::media::create_content::v3::{Request, Response};

use super::take_in::{Described, content_uri, take_in};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn create_content(
    State(state): State<WriteEndpoints>,
    Streamed { request, identity, body }: Streamed<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let media_id = new_media_id(&state.write_side);
    let described = Described {
        media_id: media_id.clone(),
        reserved: false,
        content_type: request.content_type,
        file_name: request.filename,
    };
    take_in(&state, &identity, body, described).await?;
    answer(Response::new(content_uri(&state, &media_id)))
}
