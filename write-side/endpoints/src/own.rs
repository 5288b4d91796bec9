//! Endpoints that name a person in their path and serve that person alone.

use http_edge::{MatrixError, Session};
use ruma::UserId;

/// Refuses everybody but the person in the path.
pub(crate) fn require_own(session: &Session, user: &UserId) -> Result<(), MatrixError> {
    if session.user == user {
        Ok(())
    } else {
        Err(MatrixError::forbidden("You may not change what belongs to somebody else"))
    }
}
