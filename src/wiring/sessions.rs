//! Who a token belongs to, answered by the client view.

use std::{collections::HashMap, time::Duration};

use commands::user::token_hash;
use facts::{Timestamp, fact::AccountKind};
use http_edge::{Claim, Session, SessionKind, SessionRefusal, Sessions};
use parking_lot::{Mutex, RwLock};
use projections::{ClientView, follower::FollowerState};
use ruma::OwnedUserId;

use super::wishes::WishQueue;

/// When a client may ask again while the view is built or broken.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A device is noted at most this often; the write side's own rule is the same hour.
const SEEN_INTERVAL_MS: u64 = 3_600_000;
/// Tokens whose last note is remembered; beyond it all are forgotten and noted once more.
const SEEN_MAX: usize = 100_000;

/// Sessions of which a copy is kept; beyond it all are read anew.
const KNOWN_MAX: usize = 50_000;

/// The view cannot tell at the moment.
struct Unreadable;

/// Sessions of the client view. A view that no longer follows refuses every token: it could not
/// know of a revocation.
pub(super) struct ViewSessions {
    view: ClientView,
    wishes: WishQueue,
    /// Token hash → when its use was noted.
    seen: Mutex<HashMap<[u8; 32], Timestamp>>,
    known: RwLock<Known>,
}

/// Sessions that were read since the last change of any session.
#[derive(Default)]
struct Known {
    changes: u64,
    by_hash: HashMap<[u8; 32], projections::query::Session>,
}

impl ViewSessions {
    pub(super) fn new(view: ClientView, wishes: WishQueue) -> Self {
        Self { view, wishes, seen: Mutex::default(), known: RwLock::default() }
    }

    /// The session of a token as the view has it, or as it had it when nothing has changed since.
    fn session(&self, hash: &[u8; 32]) -> Result<Option<projections::query::Session>, Unreadable> {
        // Counted before the snapshot: what changes in between makes the copy old.
        let changes = self.view.session_changes().count();
        {
            let known = self.known.read();
            if known.changes == changes
                && let Some(session) = known.by_hash.get(hash)
            {
                return Ok(Some(session.clone()));
            }
        }
        let snapshot = self.view.snapshot().map_err(|_| Unreadable)?;
        let found = snapshot.session(hash).map_err(|error| {
            tracing::error!(?error, "a session could not be looked up");
            Unreadable
        })?;
        if let Some(session) = &found {
            let mut known = self.known.write();
            if known.changes != changes || known.by_hash.len() >= KNOWN_MAX {
                *known = Known { changes, by_hash: HashMap::new() };
            }
            known.by_hash.insert(*hash, session.clone());
        }
        Ok(found)
    }

    /// Notes the use of a token, at its first use and hourly.
    fn note(&self, hash: [u8; 32], token: &str, session: &Session, now: Timestamp) {
        let Some(device_id) = &session.device else { return };
        let mut seen = self.seen.lock();
        if seen.get(&hash).is_some_and(|at| at.0 + SEEN_INTERVAL_MS > now.0) {
            return;
        }
        if seen.len() >= SEEN_MAX {
            seen.clear();
        }
        seen.insert(hash, now);
        drop(seen);
        self.wishes.seen(session.user.clone(), device_id.to_string(), token.to_owned());
    }
}

impl Sessions for ViewSessions {
    fn lookup(&self, claim: &Claim<'_>, now: Timestamp) -> Result<Session, SessionRefusal> {
        let lagging = || SessionRefusal::Lagging { retry_after: RETRY_AFTER };
        if matches!(self.view.progress().state(), FollowerState::Failed(_)) {
            return Err(lagging());
        }
        let hash = token_hash(claim.token);
        let Some(session) = self.session(&hash).map_err(|Unreadable| lagging())? else {
            return Err(SessionRefusal::Unknown { soft_logout: false });
        };
        if session.expires_at.is_some_and(|end| end <= now) {
            return Err(SessionRefusal::Unknown { soft_logout: true });
        }
        let user = OwnedUserId::try_from(session.user_id)
            .map_err(|_| SessionRefusal::Unknown { soft_logout: false })?;
        let session = Session {
            user,
            device: Some(session.device_id.into()),
            user_stream: session.user,
            kind: match session.kind {
                AccountKind::User => SessionKind::User,
                AccountKind::Guest => SessionKind::Guest,
                AccountKind::Appservice => SessionKind::Appservice,
            },
            admin: session.admin,
        };
        self.note(hash, claim.token, &session, now);
        Ok(session)
    }
}
