//! User-interactive authentication (client-server API, "User-Interactive Authentication API").
//!
//! Owns the sessions in progress and the JSON of a challenge. Sessions are in memory only: after
//! a restart a client starts again. The machine itself is `decide`'s; what a stage proves is
//! checked by the endpoint that asks.
//! Invariants: I9, I10 (sessions are bounded and expire).

mod account_owner;
mod extract;

use decide::user::uia::{Progress, Purpose, Stage, UiaRefusal, UiaSession, UiaSessions};
use facts::Timestamp;
use http_edge::MatrixError;
use parking_lot::Mutex;
use ruma::api::error::ErrorCode;
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(crate) use self::{
    account_owner::{prove_owner, user_of_identifier},
    extract::Interactive,
};

/// When a client may try again after there were too many sessions.
const SESSIONS_RETRY: Duration = Duration::from_mins(1);

/// What a client shows in `auth`.
pub(crate) type AuthDict = Map<String, Value>;

/// What is being authenticated, and how it can be.
pub(crate) struct Ask {
    pub(crate) purpose: Purpose,
    pub(crate) flows: Vec<Vec<Stage>>,
    pub(crate) now: Timestamp,
    /// The id of a new session, should one be needed; unguessable.
    pub(crate) new_session: String,
}

/// A stage that a client tries.
pub(crate) struct Attempt {
    session_id: String,
    pub(crate) stage: Stage,
}

/// All sessions in progress.
#[derive(Default)]
pub(crate) struct InteractiveSessions(Mutex<UiaSessions>);

impl InteractiveSessions {
    /// Finds out which stage the client tries. Without one it is a challenge.
    ///
    /// A stage that comes without a session gets a new one: clients that know the flow skip the
    /// first round trip.
    pub(crate) fn begin(&self, ask: &Ask, auth: Option<&AuthDict>) -> Result<Attempt, MatrixError> {
        let mut sessions = self.0.lock();
        let text = |key: &str| auth?.get(key)?.as_str();
        let session_id = match text("session") {
            Some(id) if sessions.get(id, &ask.purpose, ask.now).is_ok() => id.to_owned(),
            given => {
                open(&mut sessions, ask)?;
                if given.is_some() {
                    let info = challenge(&sessions, &ask.new_session, ask);
                    return Err(MatrixError::uia(info));
                }
                ask.new_session.clone()
            }
        };
        let Some(stage) = text("type") else {
            let info = challenge(&sessions, &session_id, ask);
            return Err(MatrixError::uia(info));
        };
        let stage = Stage::from_name(stage).ok_or_else(unknown_stage)?;
        sessions
            .check_stage(&session_id, &ask.purpose, stage, ask.now)
            .map_err(|refusal| self::refusal(refusal, &sessions, &session_id, ask))?;
        Ok(Attempt { session_id, stage })
    }

    /// The answer to a stage that was not passed.
    pub(crate) fn failed(
        &self,
        ask: &Ask,
        attempt: &Attempt,
        errcode: ErrorCode,
        message: &str,
    ) -> MatrixError {
        let info = challenge(&self.0.lock(), &attempt.session_id, ask);
        MatrixError::uia_failed(info, errcode, message)
    }

    /// A stage was passed: the finished session, or the challenge for what is still open.
    pub(crate) fn passed(
        &self,
        ask: &Ask,
        attempt: &Attempt,
        registration_token: Option<[u8; 32]>,
    ) -> Result<UiaSession, MatrixError> {
        let mut sessions = self.0.lock();
        let id = &attempt.session_id;
        let progress = sessions
            .pass(id, &ask.purpose, attempt.stage, registration_token, ask.now)
            .map_err(|refusal| self::refusal(refusal, &sessions, id, ask))?;
        match progress {
            Progress::Done(session) => Ok(session),
            Progress::Open(_) => Err(MatrixError::uia(challenge(&sessions, id, ask))),
        }
    }
}

fn open(sessions: &mut UiaSessions, ask: &Ask) -> Result<(), MatrixError> {
    let begun =
        sessions.begin(ask.new_session.clone(), ask.purpose.clone(), ask.flows.clone(), ask.now);
    begun.map(drop).map_err(|_| MatrixError::limit_exceeded(SESSIONS_RETRY))
}

fn refusal(
    refusal: UiaRefusal,
    sessions: &UiaSessions,
    session_id: &str,
    ask: &Ask,
) -> MatrixError {
    match refusal {
        UiaRefusal::UnknownSession => MatrixError::uia(challenge(sessions, session_id, ask)),
        UiaRefusal::UnknownStage => unknown_stage(),
        UiaRefusal::TooMany => MatrixError::limit_exceeded(SESSIONS_RETRY),
    }
}

fn unknown_stage() -> MatrixError {
    MatrixError::new(
        http::StatusCode::BAD_REQUEST,
        ErrorCode::Unrecognized,
        "This authentication stage is not part of a flow",
    )
}

/// The JSON of a challenge. A session that has ended is shown without what was completed.
fn challenge(sessions: &UiaSessions, session_id: &str, ask: &Ask) -> Map<String, Value> {
    let session = sessions.get(session_id, &ask.purpose, ask.now).ok();
    let flows = session.map_or(&ask.flows, |session| &session.flows);
    let names = |stages: &[Stage]| stages.iter().map(|stage| stage.as_str()).collect::<Vec<_>>();
    let flows: Vec<Value> = flows.iter().map(|flow| json!({ "stages": names(flow) })).collect();
    let completed: Vec<Stage> =
        session.map(|session| session.completed.iter().copied().collect()).unwrap_or_default();
    let mut info = Map::new();
    info.insert("flows".to_owned(), flows.into());
    info.insert("params".to_owned(), json!({}));
    info.insert("session".to_owned(), session_id.into());
    if !completed.is_empty() {
        info.insert("completed".to_owned(), json!(names(&completed)));
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn ask(new_session: &str) -> Ask {
        Ask {
            purpose: Purpose::Register,
            flows: vec![vec![Stage::RegistrationToken, Stage::Dummy]],
            now: NOW,
            new_session: new_session.to_owned(),
        }
    }

    fn auth(json: Value) -> AuthDict {
        serde_json::from_value(json).unwrap()
    }

    fn session_of(error: &MatrixError) -> String {
        error.body()["session"].as_str().unwrap().to_owned()
    }

    #[test]
    fn stages_are_passed_one_after_the_other() {
        let sessions = InteractiveSessions::default();
        let first = sessions.begin(&ask("one"), None).err().unwrap();
        assert_eq!(first.status(), http::StatusCode::UNAUTHORIZED);
        assert_eq!(first.errcode(), None);
        assert_eq!(session_of(&first), "one");

        let dummy = auth(json!({ "type": "m.login.dummy", "session": "one" }));
        let attempt = sessions.begin(&ask("two"), Some(&dummy)).ok().unwrap();
        let open = sessions.passed(&ask("two"), &attempt, None).err().unwrap();
        assert_eq!(open.body()["completed"], json!(["m.login.dummy"]));
        assert_eq!(session_of(&open), "one");

        let token = auth(json!({ "type": "m.login.registration_token", "session": "one" }));
        let attempt = sessions.begin(&ask("three"), Some(&token)).ok().unwrap();
        let failed = sessions.failed(&ask("three"), &attempt, ErrorCode::Forbidden, "No");
        assert_eq!(failed.body()["errcode"], "M_FORBIDDEN");
        assert_eq!(failed.body()["completed"], json!(["m.login.dummy"]));
        let attempt = sessions.begin(&ask("four"), Some(&token)).ok().unwrap();
        let done = sessions.passed(&ask("four"), &attempt, Some([7; 32]));
        assert_eq!(done.unwrap().registration_token, Some([7; 32]));

        let again = sessions.begin(&ask("five"), Some(&token)).err().unwrap();
        assert_eq!(session_of(&again), "five", "a finished session serves once");
    }

    #[test]
    fn a_session_of_another_purpose_is_none() {
        let sessions = InteractiveSessions::default();
        sessions.begin(&ask("one"), None).err().unwrap();
        let other = Ask {
            purpose: Purpose::Account {
                endpoint: "delete_device",
                user_id: "@alice:example.org".to_owned(),
            },
            ..ask("two")
        };
        let dummy = auth(json!({ "type": "m.login.dummy", "session": "one" }));
        let refused = sessions.begin(&other, Some(&dummy)).err().unwrap();
        assert_eq!(session_of(&refused), "two");
    }

    #[test]
    fn stages_that_nobody_asked_for_are_refused() {
        let sessions = InteractiveSessions::default();
        for stage in ["m.login.password", "m.login.recaptcha", "org.example"] {
            let shown = auth(json!({ "type": stage }));
            let refused = sessions.begin(&ask(stage), Some(&shown)).err().unwrap();
            assert_eq!(refused.status(), http::StatusCode::BAD_REQUEST);
            assert_eq!(refused.errcode(), Some(&ErrorCode::Unrecognized));
        }
    }
}
