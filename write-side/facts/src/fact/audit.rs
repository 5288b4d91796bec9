//! Facts of the audit trail: what the staff looked at, who logged in and out, and what was done
//! to accounts and to the server.
//!
//! Owns accesses, logins, ends of sessions and administrative acts. An access is a fact before its
//! first byte is served (I16), so a fact may stand for an answer that never arrived, and no answer
//! is without its fact. What changes an account stands in the same batch as its audit fact. Never
//! holds a password, a token, or a hash of either.

use serde::{Deserialize, Serialize};

use super::{Subject, one_part_fact};
use crate::LogPosition;

/// How content left the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// A page of the case's events.
    Events,
    /// An export.
    Export,
}

/// Content in a case's scope is about to be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentAccessed {
    /// The case that allows it.
    pub case: LogPosition,
    /// How.
    pub kind: AccessKind,
    /// First position of the stretch of the log that is served.
    pub from: LogPosition,
    /// The position after the last one.
    pub until: LogPosition,
    /// Entries in that stretch that may be in the scope: at least those that are served.
    pub entries: u64,
    /// User id of the reader.
    pub user: String,
    /// The reader's network address, in its usual text form, where it is known.
    pub address: Option<String>,
}
one_part_fact!(ContentAccessed = 176, Audit, personal: false);

/// Which records of the staff's own doing are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffRecord {
    /// Roles and requests for them.
    Roles,
    /// The list of cases.
    Cases,
    /// One case, by its position.
    Case(LogPosition),
    /// The accesses to content under a case.
    Accesses(LogPosition),
    /// The audit trail, from a position on.
    AuditTrail(LogPosition),
    /// The policies in force, or their history.
    Policies,
    /// The list of holds.
    Holds,
    /// One hold with its custodians, by its position.
    Hold(LogPosition),
    /// The erasures under way.
    Erasures,
    /// What becomes of the record at a position, and why.
    Fate(LogPosition),
    /// What would be destroyed now, from a position on.
    Plan(LogPosition),
}

/// Records of the staff's own doing are about to be served: those who watch are seen too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRecordRead {
    /// What is read.
    pub record: StaffRecord,
    /// User id of the reader.
    pub user: String,
    /// The reader's network address, in its usual text form, where it is known.
    pub address: Option<String>,
}
one_part_fact!(StaffRecordRead = 177, Audit, personal: false);

/// Whom a login names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimedUser {
    /// A person with a stream.
    Known(Subject),
    /// Nobody's name, as it was given, cut to [`CLAIMED_NAME_BYTES_MAX`].
    Unknown(String),
}

/// A name that belongs to nobody is kept up to so many bytes: the length of the longest user id.
pub const CLAIMED_NAME_BYTES_MAX: usize = 255;

/// How a person was to be recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginKind {
    /// A password.
    Password,
    /// Something that vouches for the person: a login token, single sign-on.
    Token,
    /// The first session of an account, with its registration.
    Registration,
    /// The password once more in a session, before something that ends devices, the password or
    /// the account. Recorded when it fails.
    Confirmation,
}

/// What became of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginOutcome {
    /// A session was opened, in the same batch.
    Accepted,
    /// The account has another password, or none.
    WrongPassword,
    /// There is no such account.
    UnknownUser,
    /// The account can no longer be used.
    Deactivated,
    /// The person was recognized, and a rule forbade the session (too many devices, a device id
    /// that cannot be used).
    Refused,
}

/// Somebody logged in, or tried to. Renewing a session with its refresh token is no login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecorded {
    /// As whom.
    pub user: ClaimedUser,
    /// The device: the session's, or the one that was asked for.
    pub device: Option<String>,
    /// Network address, in its usual text form, where it is known.
    pub address: Option<String>,
    /// How the person was to be recognized.
    pub kind: LoginKind,
    /// What became of it.
    pub outcome: LoginOutcome,
}
one_part_fact!(LoginRecorded = 178, Audit, personal: false);

/// Who did something to an account or to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agent {
    /// Whoever runs the server, by its local socket or by a command with the server stopped.
    Operator,
    /// Somebody who knows the shared secret for registrations.
    SharedSecret,
    /// A person, by user id; the sender of an application service among them.
    User(String),
}

/// Why sessions ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// Logged out, or the devices were deleted.
    LoggedOut,
    /// With a new password.
    PasswordSet,
    /// With the account.
    AccountDeactivated,
}

/// Sessions of a person ended, by the same batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsEnded {
    /// Whose.
    pub user: Subject,
    /// Device ids.
    pub devices: Vec<String>,
    /// Why.
    pub cause: SessionEnd,
    /// Who ended them.
    pub by: Agent,
    /// Network address, in its usual text form, where it is known.
    pub address: Option<String>,
}
one_part_fact!(SessionsEnded = 179, Audit, personal: false);

/// What was done to an account or to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdministrativeAct {
    /// An account was made, by whoever registered or by the operator.
    AccountCreated {
        /// As a server administrator.
        admin: bool,
    },
    /// An account got a new password.
    PasswordSet,
    /// Server administration was given or taken.
    AdminChanged {
        /// True where it was given.
        admin: bool,
    },
    /// An account ended.
    AccountDeactivated {
        /// The person asked for erasure too.
        erase: bool,
    },
    /// The list of accounts is about to be shown.
    AccountsListed,
}

/// Something was done to an account, by the same batch, or is about to be done to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdministrationRecorded {
    /// Who.
    pub by: Agent,
    /// What.
    pub act: AdministrativeAct,
    /// The account.
    pub subject: Option<Subject>,
    /// Network address, in its usual text form, where it is known.
    pub address: Option<String>,
    /// Why, in the agent's own words, where they were given.
    pub reason: Option<String>,
}
one_part_fact!(AdministrationRecorded = 180, Audit, personal: false);
