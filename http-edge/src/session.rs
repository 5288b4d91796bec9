//! Who a request comes from, and the lookup that says so.
//!
//! Owns the shape of a session and the trait that answers a token; the composition root wires it
//! to the sessions view. Never stores, hashes or logs a token.

use std::{sync::Arc, time::Duration};

use facts::{StreamId, Timestamp};
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};

use crate::MatrixError;

/// What kind of account stands behind a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// A person's or a bot's ordinary account.
    User,
    /// A guest account, which may use few endpoints.
    Guest,
    /// An application service, as its own user or as one of its namespace.
    Appservice,
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user on whose behalf the request acts.
    pub user: OwnedUserId,
    /// The device; application services have none unless they name one.
    pub device: Option<OwnedDeviceId>,
    /// The user's stream in the log: the number by which logs and limits speak of the user.
    pub user_stream: StreamId,
    /// The kind of account.
    pub kind: SessionKind,
    /// True for server administrators.
    pub admin: bool,
}

impl Session {
    /// Refuses guests: call it first in every endpoint that the spec's list of guest endpoints
    /// does not name.
    pub fn refuse_guest(&self) -> Result<(), MatrixError> {
        match self.kind {
            SessionKind::Guest => Err(MatrixError::guest_access_forbidden()),
            SessionKind::User | SessionKind::Appservice => Ok(()),
        }
    }

    /// The device, for endpoints that make no sense without one.
    pub fn device(&self) -> Result<&DeviceId, MatrixError> {
        self.device.as_deref().ok_or_else(|| MatrixError::forbidden("This endpoint needs a device"))
    }

    /// Refuses everybody who is not a server administrator.
    pub fn require_admin(&self) -> Result<(), MatrixError> {
        if self.admin {
            Ok(())
        } else {
            Err(MatrixError::forbidden("Only server administrators may do this"))
        }
    }
}

/// What a request claims about its sender.
///
/// `as_user` and `as_device` are identity assertions of application services (application service
/// API, "Identity assertion"); a lookup ignores them for tokens of ordinary users.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// The access token as it came; secret.
    pub token: &'a str,
    /// The `user_id` query parameter.
    pub as_user: Option<&'a UserId>,
    /// The `device_id` query parameter.
    pub as_device: Option<&'a DeviceId>,
}

/// Why a token was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionRefusal {
    /// No such token, or it has expired (`soft_logout`: the client may log in again and keep its
    /// keys).
    Unknown {
        /// True where the device still exists.
        soft_logout: bool,
    },
    /// The account is locked; the session still serves for logging out.
    Locked(Box<Session>),
    /// An application service named a user outside its namespaces, or one that does not exist.
    NotItsUser,
    /// An application service named a device that the user does not have.
    NotItsDevice,
    /// The sessions view is too far behind the log to say whether the token was revoked.
    Lagging {
        /// When asking again is worth it.
        retry_after: Duration,
    },
}

/// Answers tokens. Must be cheap: it runs on the path of every authenticated request.
pub trait Sessions: Send + Sync + 'static {
    /// The session of a token at the time `now`.
    fn lookup(&self, claim: &Claim<'_>, now: Timestamp) -> Result<Session, SessionRefusal>;
}

impl<T: Sessions + ?Sized> Sessions for Arc<T> {
    fn lookup(&self, claim: &Claim<'_>, now: Timestamp) -> Result<Session, SessionRefusal> {
        (**self).lookup(claim, now)
    }
}

impl From<SessionRefusal> for MatrixError {
    fn from(refusal: SessionRefusal) -> Self {
        match refusal {
            SessionRefusal::Unknown { soft_logout } => Self::unknown_token(soft_logout),
            SessionRefusal::Locked(_) => Self::user_locked(),
            SessionRefusal::NotItsUser => {
                Self::forbidden("The application service may not act as this user")
            }
            SessionRefusal::NotItsDevice => Self::unknown_device(),
            SessionRefusal::Lagging { retry_after } => Self::unavailable(retry_after),
        }
    }
}
