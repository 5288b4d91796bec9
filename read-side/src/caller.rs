//! Who asks, in a form that goes onto the blocking pool.

use facts::{StreamId, Timestamp};
use http_edge::{MatrixError, Session};
use projections::{Snapshot, query::StoreError};
use ruma::UserId;

use crate::{client_event::Reader, state::ReadSide, visibility::Viewer};

/// An authenticated caller at one instant.
pub(crate) struct Caller {
    pub(crate) user: StreamId,
    pub(crate) user_id: String,
    device_id: Option<String>,
    now: Timestamp,
}

impl Caller {
    pub(crate) fn of(read: &ReadSide, session: &Session) -> Self {
        Self {
            user: session.user_stream,
            user_id: session.user.to_string(),
            device_id: session.device.as_ref().map(ToString::to_string),
            now: read.now(),
        }
    }

    /// The caller as the reader of events.
    pub(crate) fn reader<'a>(&'a self, viewer: &'a Viewer<'a>) -> Reader<'a> {
        Reader { viewer, device_id: self.device_id.as_deref(), now: self.now }
    }

    /// The caller with whom they ignore in this snapshot.
    pub(crate) fn viewer(&self, snapshot: &Snapshot) -> Result<Viewer<'_>, StoreError> {
        Viewer::of(snapshot, self.user, &self.user_id)
    }
}

/// Refuses those who ask for what is another's alone.
pub(crate) fn only_own(session: &Session, user_id: &UserId) -> Result<(), MatrixError> {
    if session.user == user_id {
        Ok(())
    } else {
        Err(MatrixError::forbidden("This belongs to another user"))
    }
}
