//! Faults of reading, as answers.
//!
//! Owns the mapping of store faults to Matrix errors; the chain is logged once, here. A refusal
//! that is found while reading travels along, so that questions need one kind of error alone.

use http_edge::MatrixError;
use projections::{client_view::SnapshotError, query::StoreError};
use std::time::Duration;

/// When a client may ask again while views are not there yet.
const VIEW_RETRY_AFTER: Duration = Duration::from_secs(2);

/// Why an answer could not be computed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    /// The view store or the log misbehaved.
    #[error("the view could not be read")]
    Store(#[from] StoreError),
    /// The view is being built.
    #[error("the view is not served yet")]
    NotServing,
    /// The request's work was cancelled with the runtime.
    #[error("the work was cancelled")]
    Cancelled,
    /// No fault: the caller gets this answer.
    #[error("the request is refused")]
    Refused(Box<MatrixError>),
}

impl From<ReadFault> for MatrixError {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::NotServing => Self::unavailable(VIEW_RETRY_AFTER),
            ReadFault::Cancelled => Self::internal(),
            ReadFault::Refused(refusal) => *refusal,
            ReadFault::Store(error) => {
                tracing::error!(?error, "reading a view failed");
                Self::internal()
            }
        }
    }
}

impl From<MatrixError> for ReadFault {
    fn from(refusal: MatrixError) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<SnapshotError> for ReadFault {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Building => Self::NotServing,
            SnapshotError::Store(error) => Self::Store(error),
        }
    }
}
