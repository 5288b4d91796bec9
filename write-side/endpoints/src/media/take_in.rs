//! Taking the bytes of an upload in.
//!
//! Owns the order: bytes durable as a blob, then the fact that makes media of it. A crash between
//! leaves a blob that no fact names and whose key is gone. Nothing removes such a file yet.

use commands::media::{BlobFault, MediaUpload, StoredBlob, store_media};
use http_edge::{MatrixError, Session, UploadBody};
use ruma::OwnedMxcUri;

use crate::{WriteEndpoints, errors::EndpointError};

/// What an uploader says of the bytes.
pub(super) struct Described {
    pub(super) media_id: String,
    /// The id was reserved earlier.
    pub(super) reserved: bool,
    pub(super) content_type: Option<String>,
    pub(super) file_name: Option<String>,
}

/// The address of media of this server.
pub(super) fn content_uri(state: &WriteEndpoints, media_id: &str) -> OwnedMxcUri {
    format!("mxc://{}/{media_id}", state.server_name()).into()
}

/// Stores the bytes and makes them media.
pub(super) async fn take_in(
    state: &WriteEndpoints,
    session: &Session,
    body: UploadBody,
    described: Described,
) -> Result<(), EndpointError> {
    let blob = write_blob(state, body).await?;
    let name = blob.name.clone();
    let upload = MediaUpload {
        media_id: described.media_id,
        reserved: described.reserved,
        content_type: described.content_type,
        file_name: described.file_name,
        blob,
    };
    let stored = store_media(&state.write_side, &session.user, upload).await;
    if let Err(commands::CommandError::Refusal(_)) = &stored
        && let Err(error) = state.media.remove(&name).await
    {
        tracing::warn!(?error, "a blob without a fact could not be removed");
    }
    stored?;
    Ok(())
}

async fn write_blob(
    state: &WriteEndpoints,
    mut body: UploadBody,
) -> Result<StoredBlob, EndpointError> {
    // The extractor has bounded the body; the store has no bound of its own to add.
    let mut writer = state.media.begin(state.write_side.random(), u64::MAX).await?;
    while let Some(bytes) = body.next().await? {
        writer.write(&bytes).await?;
    }
    Ok(writer.finish().await?)
}

impl From<BlobFault> for EndpointError {
    fn from(fault: BlobFault) -> Self {
        match fault {
            BlobFault::TooLarge => MatrixError::too_large("The upload is too large").into(),
            BlobFault::Missing => MatrixError::not_found("There is no such media").into(),
            other => {
                tracing::error!(error = ?other, "media could not be stored");
                MatrixError::internal().into()
            }
        }
    }
}
