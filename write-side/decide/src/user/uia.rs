//! User-interactive authentication as a state machine.
//!
//! Owns sessions, their stages and their bounds. Checking a password or a token is done outside;
//! the machine is told that a stage was passed. Time and session ids are handed in.
//! Invariants: I2, I9, I10 (sessions are bounded and expire).

use std::collections::{BTreeMap, BTreeSet};

use facts::Timestamp;

/// At most this many sessions at a time.
pub const UIA_SESSIONS_MAX: usize = 10_000;
/// A session ends after this long: 15 minutes.
pub const UIA_SESSION_MS: u64 = 15 * 60_000;

/// A stage (client-server API, "User-Interactive Authentication API").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// `m.login.password`.
    Password,
    /// `m.login.dummy`.
    Dummy,
    /// `m.login.registration_token`.
    RegistrationToken,
    /// `m.login.sso`.
    Sso,
}

impl Stage {
    /// Its name in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "m.login.password",
            Self::Dummy => "m.login.dummy",
            Self::RegistrationToken => "m.login.registration_token",
            Self::Sso => "m.login.sso",
        }
    }

    /// The stage of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Password, Self::Dummy, Self::RegistrationToken, Self::Sso]
            .into_iter()
            .find(|stage| stage.as_str() == name)
    }
}

/// What is authenticated. A session holds for one purpose of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A registration.
    Register,
    /// Deletion of devices, a new password, cross-signing keys, deactivation: the endpoint's name
    /// by ruma, and the person.
    Account {
        /// The endpoint.
        endpoint: &'static str,
        /// Full user id.
        user_id: String,
    },
}

/// How accounts can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Not at all.
    Closed,
    /// With a registration token.
    Token,
    /// By anybody.
    Open,
}

/// The flows of a registration: any of them, each with all of its stages. None when closed.
pub fn register_flows(mode: RegistrationMode) -> Vec<Vec<Stage>> {
    match mode {
        RegistrationMode::Closed => Vec::new(),
        RegistrationMode::Token => vec![vec![Stage::RegistrationToken]],
        RegistrationMode::Open => vec![vec![Stage::Dummy], vec![Stage::RegistrationToken]],
    }
}

/// The flows for what a person does to an account: by password, by single sign-on, or both.
pub fn account_flows(has_password: bool, has_sso: bool) -> Vec<Vec<Stage>> {
    let password = has_password.then(|| vec![Stage::Password]);
    let sso = has_sso.then(|| vec![Stage::Sso]);
    password.into_iter().chain(sso).collect()
}

/// A session in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiaSession {
    /// What it is for.
    pub purpose: Purpose,
    /// Flows, any of which suffices.
    pub flows: Vec<Vec<Stage>>,
    /// Stages that were passed.
    pub completed: BTreeSet<Stage>,
    /// The registration token that passed its stage, by hash.
    pub registration_token: Option<[u8; 32]>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl UiaSession {
    /// Whether one flow is complete.
    pub fn is_done(&self) -> bool {
        self.flows.iter().any(|flow| flow.iter().all(|stage| self.completed.contains(stage)))
    }
}

/// Why a session cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UiaRefusal {
    /// Unknown, ended, or of another purpose: the client starts again (401 with flows).
    #[error("there is no such session")]
    UnknownSession,
    /// The stage is in none of the flows (400 `M_UNRECOGNIZED`).
    #[error("the stage is not part of a flow")]
    UnknownStage,
    /// 429 `M_LIMIT_EXCEEDED`.
    #[error("there are too many sessions")]
    TooMany,
}

/// What a passed stage leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A flow is complete; the session is over.
    Done(UiaSession),
    /// Other stages are open.
    Open(UiaSession),
}

/// All sessions.
#[derive(Clone, Debug, Default)]
pub struct UiaSessions {
    sessions: BTreeMap<String, UiaSession>,
    by_end: BTreeSet<(Timestamp, String)>,
}

impl UiaSessions {
    /// Opens a session under an unguessable id.
    pub fn begin(
        &mut self,
        session_id: String,
        purpose: Purpose,
        flows: Vec<Vec<Stage>>,
        now: Timestamp,
    ) -> Result<&UiaSession, UiaRefusal> {
        self.expire(now);
        if self.sessions.len() >= UIA_SESSIONS_MAX {
            return Err(UiaRefusal::TooMany);
        }
        let expires_at = Timestamp(now.0 + UIA_SESSION_MS);
        let session = UiaSession {
            purpose,
            flows,
            completed: BTreeSet::new(),
            registration_token: None,
            expires_at,
        };
        self.by_end.insert((expires_at, session_id.clone()));
        Ok(self.sessions.entry(session_id).or_insert(session))
    }

    /// A session that is in progress for this purpose.
    pub fn get(
        &self,
        session_id: &str,
        purpose: &Purpose,
        now: Timestamp,
    ) -> Result<&UiaSession, UiaRefusal> {
        self.sessions
            .get(session_id)
            .filter(|session| session.purpose == *purpose && session.expires_at > now)
            .ok_or(UiaRefusal::UnknownSession)
    }

    /// Whether a stage may be tried. Ask this before checking what the client shows.
    pub fn check_stage(
        &self,
        session_id: &str,
        purpose: &Purpose,
        stage: Stage,
        now: Timestamp,
    ) -> Result<(), UiaRefusal> {
        let session = self.get(session_id, purpose, now)?;
        if session.flows.iter().flatten().any(|one| *one == stage) {
            Ok(())
        } else {
            Err(UiaRefusal::UnknownStage)
        }
    }

    /// A stage was passed. A session whose flow is complete is taken out, so it serves once.
    pub fn pass(
        &mut self,
        session_id: &str,
        purpose: &Purpose,
        stage: Stage,
        registration_token: Option<[u8; 32]>,
        now: Timestamp,
    ) -> Result<Progress, UiaRefusal> {
        self.check_stage(session_id, purpose, stage, now)?;
        let session = self.sessions.get_mut(session_id).ok_or(UiaRefusal::UnknownSession)?;
        session.completed.insert(stage);
        session.registration_token = registration_token.or(session.registration_token);
        if !session.is_done() {
            return Ok(Progress::Open(session.clone()));
        }
        let done = session.clone();
        self.sessions.remove(session_id);
        self.by_end.remove(&(done.expires_at, session_id.to_owned()));
        Ok(Progress::Done(done))
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((end, session_id)) = self.by_end.first().cloned()
            && end <= now
        {
            self.by_end.pop_first();
            self.sessions.remove(&session_id);
        }
    }
}
