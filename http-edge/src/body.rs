//! Bodies: their bounds on size and time (I10).
//!
//! Owns collecting a body whole, and streaming an upload. Never looks at what the bytes say.

use std::{pin::Pin, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Sleep;

use crate::MatrixError;

/// Slowest upload, in bytes a second. Whoever falls behind it by more than the deadline of JSON
/// bodies is given up; without it a client could hold an upload open with a byte now and then.
const UPLOAD_PACE_MIN: u32 = 4 * 1024;

/// Reads a body of at most `max` bytes that arrives whole within `deadline`.
pub async fn collect_body(
    body: Body,
    max: usize,
    deadline: Duration,
) -> Result<Bytes, MatrixError> {
    let collected = tokio::time::timeout(deadline, Limited::new(body, max).collect()).await;
    match collected {
        Err(_elapsed) => Err(MatrixError::body_too_slow()),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => Err(body_error(&*error, max)),
    }
}

/// What to answer to a body that did not come whole.
fn body_error(error: &(dyn std::error::Error + 'static), max: usize) -> MatrixError {
    if error.is::<LengthLimitError>() {
        return MatrixError::too_large(format!("The request body is larger than {max} bytes"));
    }
    // Its idle limit passed, or the connection broke and nobody reads this answer.
    MatrixError::body_too_slow()
}

/// The bytes of an upload while they arrive, bounded in size and in slowness.
pub struct UploadBody {
    body: Limited<Body>,
    max: usize,
    patience: Pin<Box<Sleep>>,
}

impl UploadBody {
    /// A body of at most `max` bytes, which may fall behind its pace by `slack`.
    pub(crate) fn new(body: Body, max: usize, slack: Duration) -> Self {
        let patience = Box::pin(tokio::time::sleep(slack));
        Self { body: Limited::new(body, max), max, patience }
    }

    /// The next bytes; `None` at the end. Nothing can be read after an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, MatrixError> {
        loop {
            let frame = tokio::select! {
                // What is already there is never too late.
                biased;
                frame = self.body.frame() => frame,
                () = &mut self.patience => return Err(MatrixError::body_too_slow()),
            };
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| body_error(&*error, self.max))?;
            if let Ok(bytes) = frame.into_data() {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let earned = Duration::from_secs(length.into()) / UPLOAD_PACE_MIN;
                let until = self.patience.deadline() + earned;
                self.patience.as_mut().reset(until);
                return Ok(Some(bytes));
            }
        }
    }
}
