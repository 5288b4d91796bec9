//! The audit trail of accounts: what leaves a line in it, in one batch with what it tells of.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use commands::{
    CommandError, WriteSide,
    audit::{By, record_administration},
    user::{
        self as users, Credential, LogInError, LogInRequest, LoggedIn, NewPassword, Passwords,
        RegisterRequest, TokenLifetimes,
    },
};
use event_log::Log;
use facts::{
    EntryHeader, Fact, LogPosition, RecordClass,
    fact::{
        AccountKind, AdministrativeAct, Agent, ClaimedUser, LoginKind, LoginOutcome, LoginRecorded,
        SessionEnd,
    },
};

use crate::{
    stage::{Stage, user},
    stopped::Failing,
};

const PASSWORD: &str = "canarypasswordqzx";
const GUESS: &str = "canaryguessqzx";
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

async fn given(stage: &mut Stage) -> (Arc<Log>, WriteSide) {
    let log = stage.log();
    let ws = WriteSide::open(stage.parts(Arc::clone(&log) as _)).await.unwrap();
    (log, ws)
}

async fn alice(ws: &WriteSide) -> LoggedIn {
    let user = user("alice");
    let request = RegisterRequest {
        user: &user,
        kind: AccountKind::User,
        password: Some(PASSWORD),
        admin: false,
        display_name: None,
        log_in: Some(vetted(&user)),
        registration_token: None,
        reserved: false,
        by: &By::user(&user, Some(HOME)),
    };
    let done = users::register(ws, &Passwords::new(1), request).await.unwrap();
    done.session.unwrap()
}

fn vetted(user: &ruma::UserId) -> LogInRequest<'_> {
    LogInRequest {
        user,
        credential: Credential::Vetted,
        device_id: Some("DEV"),
        display_name: None,
        refresh: true,
        lifetimes: TokenLifetimes::default(),
        address: Some(HOME),
    }
}

async fn tries(ws: &WriteSide, name: &str, password: &str) -> Result<LoggedIn, LogInError> {
    let user = user(name);
    let credential = Credential::Password(password);
    let request = LogInRequest { credential, device_id: Some("SECOND"), ..vetted(&user) };
    users::log_in(ws, &Passwords::new(1), request).await
}

/// Entries of the log from a position on, with their facts.
fn entries(log: &Log, from: LogPosition) -> Vec<(EntryHeader, Fact)> {
    (from.0..=log.head().0)
        .filter_map(|at| {
            let entry = log.read(LogPosition(at)).unwrap()?;
            let fact = entry.fact().unwrap()?;
            Some((entry.header, fact))
        })
        .collect()
}

fn trail(log: &Log, from: LogPosition) -> Vec<(EntryHeader, Fact)> {
    let mut all = entries(log, from);
    all.retain(|(header, _)| header.parts[0].class == RecordClass::Audit);
    all
}

/// The batch of the only entry that `is`.
fn batch_of(log: &Log, from: LogPosition, is: impl Fn(&Fact) -> bool) -> LogPosition {
    let mut found = entries(log, from).into_iter().filter(|(_, fact)| is(fact));
    let (header, _) = found.next().expect("there is one");
    assert!(found.next().is_none(), "there is one only");
    header.batch
}

fn login(fact: &Fact) -> &LoginRecorded {
    match fact {
        Fact::LoginRecorded(login) => login,
        other => panic!("no login: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_told_with_the_account_and_its_first_session() {
    let mut stage = Stage::new();
    let (log, ws) = given(&mut stage).await;
    let session = alice(&ws).await;
    let told = trail(&log, LogPosition(0));
    let [(created, Fact::AdministrationRecorded(act)), (opened, first)] = &told[..] else {
        panic!("{told:?}");
    };
    let account = batch_of(&log, LogPosition(0), |fact| matches!(fact, Fact::AccountCreated(_)));
    assert_eq!((created.batch, opened.batch), (account, account));
    assert_eq!(act.by, Agent::User("@alice:example.org".to_owned()));
    assert_eq!(act.act, AdministrativeAct::AccountCreated { admin: false });
    assert_eq!(act.address.as_deref(), Some("192.0.2.1"));
    let subject = act.subject.clone().unwrap();
    assert_eq!((subject.name.as_str(), subject.stream), ("@alice:example.org", created.actor));
    let first = login(first);
    assert_eq!(first.user, ClaimedUser::Known(subject));
    assert_eq!(first.device.as_deref(), Some(session.device_id.as_str()));
    assert_eq!((first.kind, first.outcome), (LoginKind::Registration, LoginOutcome::Accepted));
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_told_good_and_bad_before_they_are_answered() {
    let mut stage = Stage::new();
    let (log, ws) = given(&mut stage).await;
    let first = alice(&ws).await;
    let from = log.head().next();
    let mut outcomes = Vec::new();
    for (name, password) in [("alice", GUESS), ("nobody", PASSWORD)] {
        let before = log.head();
        let wrong = tries(&ws, name, password).await;
        assert!(matches!(wrong, Err(LogInError::WrongCredential)));
        assert!(log.head() > before, "the answer came after the disk");
    }
    let second = tries(&ws, "alice", PASSWORD).await.unwrap();
    let session = batch_of(&log, from, |fact| matches!(fact, Fact::SessionOpened(_)));
    users::deactivate(&ws, &user("alice"), false, &By::operator()).await.unwrap();
    assert!(tries(&ws, "alice", PASSWORD).await.is_err());

    for (header, fact) in trail(&log, from) {
        let Fact::LoginRecorded(login) = &fact else { continue };
        let known = matches!(login.user, ClaimedUser::Known(_));
        let by_the_person = header.actor.0 != 0;
        assert_eq!(by_the_person, login.outcome == LoginOutcome::Accepted);
        assert_eq!(header.batch == session, login.outcome == LoginOutcome::Accepted);
        assert_eq!(login.device.as_deref(), Some("SECOND"));
        assert_eq!(login.address.as_deref(), Some("192.0.2.1"));
        outcomes.push((known, login.outcome));
    }
    assert_eq!(
        outcomes,
        [
            (true, LoginOutcome::WrongPassword),
            (false, LoginOutcome::UnknownUser),
            (true, LoginOutcome::Accepted),
            (true, LoginOutcome::Deactivated),
        ]
    );
    let told = format!("{:?}", trail(&log, LogPosition(0)));
    for secret in [PASSWORD, GUESS, &first.access_token, &second.access_token, "argon2"] {
        assert!(!told.contains(secret), "{secret} stands in the trail");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_a_rule_forbids_is_told_as_refused() {
    let mut stage = Stage::new();
    let (log, ws) = given(&mut stage).await;
    alice(&ws).await;
    let (user, from, long) = (user("alice"), log.head().next(), "ü".repeat(200));
    let request = LogInRequest { device_id: Some(&long), ..vetted(&user) };
    assert!(users::log_in(&ws, &Passwords::new(1), request).await.is_err());
    let told = trail(&log, from);
    assert_eq!(told.len(), 1);
    let login = login(&told[0].1);
    assert_eq!((login.kind, login.outcome), (LoginKind::Token, LoginOutcome::Refused));
    assert_eq!(login.device.as_ref().unwrap().len(), 254, "a stranger's text is bounded");
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_of_sessions_name_who_ended_them_and_why() {
    let mut stage = Stage::new();
    let (log, ws) = given(&mut stage).await;
    alice(&ws).await;
    let (person, from) = (user("alice"), log.head().next());
    tries(&ws, "alice", PASSWORD).await.unwrap();
    let own = By::user(&person, Some(HOME));
    users::log_out(&ws, &person, "SECOND", &own).await.unwrap();
    let new = NewPassword { password: GUESS, log_out_others: true, kept_device: None };
    let by = By::operator().because(Some("lost phone".to_owned()));
    users::set_password(&ws, &Passwords::new(1), &person, new, &by).await.unwrap();
    users::set_admin(&ws, &person, true, &by).await.unwrap();
    users::set_admin(&ws, &person, true, &by).await.unwrap();
    tries(&ws, "alice", GUESS).await.unwrap();
    users::deactivate(&ws, &person, true, &own).await.unwrap();

    let told = trail(&log, from);
    let ends: Vec<_> = told
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::SessionsEnded(end) => Some((end.devices.join(","), end.cause, end.by.clone())),
            _ => None,
        })
        .collect();
    let alice = || Agent::User("@alice:example.org".to_owned());
    assert_eq!(
        ends,
        [
            ("SECOND".to_owned(), SessionEnd::LoggedOut, alice()),
            ("DEV".to_owned(), SessionEnd::PasswordSet, Agent::Operator),
            ("SECOND".to_owned(), SessionEnd::AccountDeactivated, alice()),
        ]
    );
    let acts: Vec<_> = told
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::AdministrationRecorded(act) => Some((act.act, act.reason.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(
        acts,
        [
            (AdministrativeAct::PasswordSet, true),
            // Given once: what is so already is no act.
            (AdministrativeAct::AdminChanged { admin: true }, true),
            (AdministrativeAct::AccountDeactivated { erase: true }, false),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_recorded_no_password_is_judged() {
    let mut stage = Stage::new();
    let log = stage.log();
    let journal = Failing::over(Arc::clone(&log));
    let ws = WriteSide::open(stage.parts(Arc::clone(&journal) as _)).await.unwrap();
    alice(&ws).await;
    journal.failed.store(true, Ordering::SeqCst);
    for (name, password) in [("alice", GUESS), ("nobody", GUESS), ("alice", PASSWORD)] {
        let answer = tries(&ws, name, password).await;
        let stopped = matches!(answer, Err(LogInError::Command(CommandError::Stopped)));
        assert!(stopped, "{name}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_the_server_is_durable_before_it_is_done_and_outlives_a_restart() {
    let mut stage = Stage::new();
    let (log, ws) = given(&mut stage).await;
    let by = By::operator();
    let at = record_administration(&ws, &by, AdministrativeAct::AccountsListed).await.unwrap();
    assert!(log.head() >= at);
    ws.close().await.unwrap();
    drop(log);
    let (log, ws) = given(&mut stage).await;
    record_administration(&ws, &by, AdministrativeAct::AccountsListed).await.unwrap();
    let told = trail(&log, LogPosition(0));
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].0.stream, told[1].0.stream, "one trail, also after a restart");
    assert_eq!(told[0].0.position, at);
}
