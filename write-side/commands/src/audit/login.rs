//! Logins in the audit trail.

use std::net::IpAddr;

use facts::{
    Fact, LogPosition, StreamRef,
    fact::{CLAIMED_NAME_BYTES_MAX, ClaimedUser, LoginKind, LoginOutcome, LoginRecorded, Subject},
};
use ruma::UserId;

use super::{address_text, append_alone, draft, trail_stream};
use crate::{CommandError, WriteSide};

/// A login that opens no session.
#[derive(Clone, Copy, Debug)]
pub struct FailedLogin<'a> {
    /// The name that was given: a user id where it can be one.
    pub name: &'a str,
    /// The device that was asked for.
    pub device: Option<&'a str>,
    /// Network address, where it is known.
    pub address: Option<IpAddr>,
    /// How the person was to be recognized.
    pub kind: LoginKind,
    /// Why there is no session.
    pub outcome: LoginOutcome,
}

/// Records a login that failed; once this answers it is durable. While the writer has stopped no
/// login is answered, so that nobody can guess without a trace.
///
/// The edge's limits on logins bound how fast the trail grows by this.
pub async fn record_failed_login<R>(
    ws: &WriteSide,
    login: FailedLogin<'_>,
) -> Result<LogPosition, CommandError<R>> {
    let stream = match UserId::parse(login.name) {
        Ok(user) => ws.user_stream(&user)?,
        Err(_) => None,
    };
    let user = match stream {
        Some(stream) => ClaimedUser::Known(Subject { name: login.name.to_owned(), stream }),
        None => ClaimedUser::Unknown(cut(login.name)),
    };
    let fact = LoginRecorded {
        user,
        device: login.device.map(cut),
        address: address_text(login.address),
        kind: login.kind,
        outcome: login.outcome,
    };
    // Nobody was recognized, so the server is the one who acts.
    append_alone(ws, draft(&fact.into(), trail_stream(ws)?, StreamRef::LOG)).await
}

/// The fact that stands in one batch with a new session.
pub(crate) fn accepted_login(
    user: Subject,
    device: &str,
    address: Option<IpAddr>,
    kind: LoginKind,
) -> Fact {
    LoginRecorded {
        user: ClaimedUser::Known(user),
        device: Some(device.to_owned()),
        address: address_text(address),
        kind,
        outcome: LoginOutcome::Accepted,
    }
    .into()
}

/// Text of a stranger, as long as a name or a device id may be.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(CLAIMED_NAME_BYTES_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_bounded() {
        assert_eq!(cut("short"), "short");
        let long = "ü".repeat(200);
        assert_eq!(cut(&long).len(), CLAIMED_NAME_BYTES_MAX - 1);
    }
}
