//! Who a token belongs to, answered by the client view.

use std::time::Duration;

use commands::user::token_hash;
use facts::{Timestamp, fact::AccountKind};
use http_edge::{Claim, Session, SessionKind, SessionRefusal, Sessions};
use projections::{ClientView, follower::FollowerState};
use ruma::OwnedUserId;

/// When a client may ask again while the view is built or broken.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Sessions of the client view. A view that no longer follows refuses every token: it could not
/// know of a revocation.
pub(super) struct ViewSessions(pub(super) ClientView);

impl Sessions for ViewSessions {
    fn lookup(&self, claim: &Claim<'_>, now: Timestamp) -> Result<Session, SessionRefusal> {
        let lagging = || SessionRefusal::Lagging { retry_after: RETRY_AFTER };
        if matches!(self.0.progress().state(), FollowerState::Failed(_)) {
            return Err(lagging());
        }
        let snapshot = self.0.snapshot().map_err(|_| lagging())?;
        let found = snapshot.session(&token_hash(claim.token)).map_err(|error| {
            tracing::error!(?error, "a session could not be looked up");
            lagging()
        })?;
        let Some(session) = found else {
            return Err(SessionRefusal::Unknown { soft_logout: false });
        };
        if session.expires_at.is_some_and(|end| end <= now) {
            return Err(SessionRefusal::Unknown { soft_logout: true });
        }
        let user = OwnedUserId::try_from(session.user_id)
            .map_err(|_| SessionRefusal::Unknown { soft_logout: false })?;
        Ok(Session {
            user,
            device: Some(session.device_id.into()),
            user_stream: session.user,
            kind: match session.kind {
                AccountKind::User => SessionKind::User,
                AccountKind::Guest => SessionKind::Guest,
                AccountKind::Appservice => SessionKind::Appservice,
            },
            admin: session.admin,
        })
    }
}
