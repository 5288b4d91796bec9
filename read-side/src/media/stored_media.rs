//! Finding the content of a media id, and waiting for it.
//!
//! Owns the wait for content that is not uploaded yet. Media of other servers are not found here:
//! fetching them takes the network. Invariants: I10 (a named bound on the wait).

use std::time::Duration;

use facts::fact::MediaStored;
use http::StatusCode;
use http_edge::MatrixError;
use ruma::{ServerName, api::error::ErrorCode};
use tokio::time::{Instant, sleep, timeout_at};

use crate::state::ReadSide;

/// The longest wait for an upload, whatever the client asks for.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// Between two looks: the view may move very often.
const PAUSE: Duration = Duration::from_millis(100);

enum Found {
    Content(Box<MediaStored>),
    /// Reserved, and the reservation still holds.
    NotYet,
}

fn absent() -> MatrixError {
    MatrixError::not_found("There is no such media")
}

/// The content of a media id; waits at most `wait` for its upload.
pub(super) async fn stored_media(
    read: &ReadSide,
    server: &ServerName,
    media_id: &str,
    wait: Duration,
) -> Result<MediaStored, MatrixError> {
    if *server != *read.settings().server_name {
        return Err(absent());
    }
    let deadline = Instant::now() + wait.min(WAIT_MAX);
    let mut checkpoint = read.view().progress().subscribe();
    loop {
        checkpoint.mark_unchanged();
        if let Found::Content(media) = find(read, media_id).await? {
            return Ok(*media);
        }
        let moved = timeout_at(deadline, async {
            sleep(PAUSE).await;
            checkpoint.changed().await
        });
        // A closed channel means that the server stops.
        if !matches!(moved.await, Ok(Ok(()))) {
            return Err(MatrixError::new(
                StatusCode::GATEWAY_TIMEOUT,
                ErrorCode::NotYetUploaded,
                "The content is not uploaded yet",
            ));
        }
    }
}

async fn find(read: &ReadSide, media_id: &str) -> Result<Found, MatrixError> {
    let id = media_id.to_owned();
    let media = read.ask(move |snapshot| Ok(snapshot.media(&id)?)).await?.ok_or_else(absent)?;
    match media.stored {
        Some(stored) => Ok(Found::Content(Box::new(stored))),
        // Its keys are destroyed: it is as if it had never been.
        None if media.has_content => Err(absent()),
        None if media.expires_at.is_some_and(|end| end <= read.now()) => Err(absent()),
        None => Ok(Found::NotYet),
    }
}
