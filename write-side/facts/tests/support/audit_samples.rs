//! Samples of logins, ends of sessions and administrative acts.

use facts::{
    Fact, LogPosition, StreamId,
    fact::{
        AdministrationRecorded, AdministrativeAct, Agent, ClaimedUser, ExportSealed, ExportStarted,
        LoginKind, LoginOutcome, LoginRecorded, SessionEnd, SessionsEnded, Subject,
    },
};

use super::{USER, device};

fn subject() -> Subject {
    Subject { name: USER.to_owned(), stream: StreamId(3) }
}

const ADDRESS: &str = "192.0.2.1";

pub(crate) fn logins() -> Vec<(&'static str, Fact)> {
    let known = |kind, outcome, device| {
        let user = ClaimedUser::Known(subject());
        LoginRecorded { user, device, address: Some(ADDRESS.to_owned()), kind, outcome }.into()
    };
    let unknown = LoginRecorded {
        user: ClaimedUser::Unknown("@nobody:example.org".to_owned()),
        device: None,
        address: None,
        kind: LoginKind::Password,
        outcome: LoginOutcome::UnknownUser,
    };
    vec![
        ("accepted", known(LoginKind::Password, LoginOutcome::Accepted, Some(device()))),
        ("token", known(LoginKind::Token, LoginOutcome::Accepted, Some(device()))),
        ("registration", known(LoginKind::Registration, LoginOutcome::Accepted, Some(device()))),
        ("confirmation", known(LoginKind::Confirmation, LoginOutcome::WrongPassword, None)),
        ("wrong_password", known(LoginKind::Password, LoginOutcome::WrongPassword, None)),
        ("deactivated", known(LoginKind::Password, LoginOutcome::Deactivated, None)),
        ("refused", known(LoginKind::Password, LoginOutcome::Refused, None)),
        ("unknown_user", unknown.into()),
    ]
}

pub(crate) fn sessions() -> Vec<(&'static str, Fact)> {
    let ended = |cause, by| {
        let (user, devices) = (subject(), vec![device()]);
        SessionsEnded { user, devices, cause, by, address: Some(ADDRESS.to_owned()) }.into()
    };
    vec![
        ("logged_out", ended(SessionEnd::LoggedOut, Agent::User(USER.to_owned()))),
        ("password_set", ended(SessionEnd::PasswordSet, Agent::Operator)),
        ("deactivated", ended(SessionEnd::AccountDeactivated, Agent::User(USER.to_owned()))),
    ]
}

pub(crate) fn administration() -> Vec<(&'static str, Fact)> {
    let of_account = |act, by| {
        let subject = Some(subject());
        AdministrationRecorded { by, act, subject, address: Some(ADDRESS.to_owned()), reason: None }
            .into()
    };
    let of_server = |act| {
        let reason = Some("maintenance".to_owned());
        AdministrationRecorded { by: Agent::Operator, act, subject: None, address: None, reason }
            .into()
    };
    let person = || Agent::User(USER.to_owned());
    vec![
        (
            "account_created",
            of_account(AdministrativeAct::AccountCreated { admin: true }, Agent::SharedSecret),
        ),
        ("password_set", of_account(AdministrativeAct::PasswordSet, person())),
        ("admin_changed", of_account(AdministrativeAct::AdminChanged { admin: false }, person())),
        (
            "account_deactivated",
            of_account(AdministrativeAct::AccountDeactivated { erase: true }, person()),
        ),
        ("accounts_listed", of_server(AdministrativeAct::AccountsListed)),
    ]
}

pub(crate) fn exports() -> Vec<(&'static str, Fact)> {
    let started = ExportStarted {
        case: LogPosition(17),
        format: "jsonl".to_owned(),
        first: LogPosition(5),
        end: LogPosition(400),
        user: USER.to_owned(),
        address: Some(ADDRESS.to_owned()),
    };
    let sealed = ExportSealed {
        case: LogPosition(17),
        export: LogPosition(401),
        manifest_sha256: [7; 32],
        files: 5,
        bytes: 123_456,
        user: USER.to_owned(),
        address: None,
    };
    vec![("", started.into()), ("", sealed.into())]
}
