//! `GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}`.
//!
//! Owns the bounds around making a thumbnail: bytes read, and how many are made at once. Full
//! means 503 with a retry time.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use facts::fact::MediaStored;
use futures_util::StreamExt;
use http_edge::{Matrix, MatrixError};
use ruma::{
    UInt, api::client::authenticated_media::get_content_thumbnail::v1::Request, media::Method,
};
use tokio::time::timeout;

use super::{
    serve::{blob_error, image_answer},
    stored_media::stored_media,
    thumbnail::{Fit, NoThumbnail, Size, Thumbnail, thumbnail},
};
use crate::{fault::ReadFault, state::ReadSide};

/// Larger content is not thumbnailed.
const SOURCE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How long a request waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(10);

/// Client-server API, `getContentThumbnailAuthed`. Thumbnails are never animated.
pub(crate) async fn get_content_thumbnail(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Response, MatrixError> {
    identity.refuse_guest()?;
    let size = Size::at_least(side(request.width), side(request.height), fit(&request))
        .ok_or_else(|| MatrixError::bad_request("A thumbnail has a width and a height"))?;
    let media =
        stored_media(&read, &request.server_name, &request.media_id, request.timeout_ms).await?;
    let made = make(&read, &media, size).await?;
    Ok(image_answer(made.bytes, made.content_type))
}

fn side(of: UInt) -> u32 {
    u32::try_from(u64::from(of)).unwrap_or(u32::MAX)
}

fn fit(request: &Request) -> Fit {
    match request.method {
        Some(Method::Crop) => Fit::Crop,
        _ => Fit::Scale,
    }
}

async fn make(read: &ReadSide, media: &MediaStored, size: Size) -> Result<Thumbnail, MatrixError> {
    if media.bytes > SOURCE_BYTES_MAX {
        return Err(too_large());
    }
    let turn = timeout(TURN_WAIT, Arc::clone(read.thumbnails()).acquire_owned()).await;
    let Ok(Ok(permit)) = turn else { return Err(MatrixError::unavailable(TURN_WAIT)) };
    let source = collect(read, media).await?;
    let made = tokio::task::spawn_blocking(move || {
        // Held until the work is done, also where nobody waits for it any more.
        let _permit = permit;
        thumbnail(&source, size)
    })
    .await
    .map_err(|_| ReadFault::Cancelled)?;
    made.map_err(|refusal| match refusal {
        NoThumbnail::TooLarge => too_large(),
        NoThumbnail::NoImage => {
            MatrixError::bad_request("Cannot generate thumbnails for the requested content")
        }
    })
}

fn too_large() -> MatrixError {
    MatrixError::too_large("Content is too large to thumbnail")
}

async fn collect(read: &ReadSide, media: &MediaStored) -> Result<Vec<u8>, MatrixError> {
    let mut source = Vec::new();
    let mut blob = read.blobs().read(media, 0..media.bytes);
    while let Some(piece) = blob.next().await {
        source.extend_from_slice(&piece.map_err(|error| blob_error(&error))?);
    }
    Ok(source)
}
