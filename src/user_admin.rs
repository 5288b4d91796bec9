//! What `chancery user`, `chancery role bootstrap` and `chancery backup` ask for, and doing it: in the running server, or by the command itself.
//!
//! Owns the requests and answers that cross `<data_dir>/admin.sock`. Contains no rule: refusals
//! come from the commands.

use std::{fmt::Display, path::PathBuf};

use commands::{
    CommandError, WriteSide,
    audit::{By, record_administration},
    governance,
    user::{self, LogInError, NewPassword, Passwords, RegisterError, RegisterRequest},
};
use decide::governance::check_reason;
use facts::{
    KeyEpoch, LogPosition, StreamId,
    fact::{AccountKind, AdministrativeAct},
};
use projections::ClientView;
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    backup::{BackupPoint, LiveLog},
    offsite::lock_terms,
};

/// Accounts in one answer to [`UserRequest::List`].
const PAGE: usize = 500;

/// A wish of the operator.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum UserRequest {
    /// Make an account.
    Create {
        /// The part of the user id before the colon.
        localpart: String,
        /// The password.
        password: String,
        /// Make it a server administrator.
        admin: bool,
        /// Why, for the audit trail.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Give an account a new password.
    ResetPassword {
        /// The part of the user id before the colon.
        localpart: String,
        /// The password.
        password: String,
        /// Keep its devices.
        keep_devices: bool,
        /// Why, for the audit trail.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Name the first compliance officers; the only thing about roles that an operator can do.
    BootstrapRoles {
        /// Their user ids.
        officers: Vec<OwnedUserId>,
    },
    /// Say where the log stands, for a backup.
    BackupPoint,
    /// Write a copy of the keyring into a directory that has none.
    CopyKeyring {
        /// The directory, an absolute path.
        to: PathBuf,
    },
    /// Accounts after a stream number, in order of creation.
    List {
        /// The last one seen.
        after: Option<u64>,
    },
}

/// What became of a wish.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum UserAnswer {
    /// It is done, durably.
    Done {
        /// The account.
        user_id: String,
    },
    /// An account has a new password.
    PasswordSet {
        /// The account.
        user_id: String,
        /// It has roles, which count for nothing until another officer vouches for it.
        roles_suspended: bool,
    },
    /// The first compliance officers are named.
    RolesSetUp,
    /// A page of accounts; an empty one is the last.
    Accounts {
        /// The accounts.
        accounts: Vec<AccountLine>,
    },
    /// What was done for a backup.
    Backup {
        /// What.
        done: BackupAnswer,
    },
    /// It was refused, or it failed.
    Refused {
        /// Why.
        why: String,
    },
}

/// What was done for a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BackupAnswer {
    /// Where the log stands.
    Point(BackupPoint),
    /// The keyring is copied.
    KeyringCopied {
        /// Its generation.
        generation: u64,
        /// Its newest key epoch.
        newest_epoch: KeyEpoch,
        /// The last order that it has carried out.
        applied_through: LogPosition,
    },
}

/// An account in a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountLine {
    /// Its stream in the log.
    pub(crate) stream: u64,
    /// User id.
    pub(crate) user_id: String,
    /// Server administrator.
    pub(crate) admin: bool,
    /// It can no longer be used.
    pub(crate) deactivated: bool,
    /// When it was created, in milliseconds since the Unix epoch.
    pub(crate) created_at: u64,
}

/// Carries wishes out.
#[derive(Clone)]
pub(crate) struct UserAdmin {
    pub(crate) write_side: WriteSide,
    pub(crate) passwords: Passwords,
    pub(crate) view: ClientView,
    pub(crate) live: LiveLog,
}

impl UserAdmin {
    /// Does what is asked.
    pub(crate) async fn answer(&self, request: UserRequest) -> UserAnswer {
        match request {
            UserRequest::Create { localpart, password, admin, reason } => match because(reason) {
                Ok(by) => self.create(&localpart, &password, admin, &by).await,
                Err(refused) => refused,
            },
            UserRequest::ResetPassword { localpart, password, keep_devices, reason } => {
                match because(reason) {
                    Ok(by) => self.reset_password(&localpart, &password, keep_devices, &by).await,
                    Err(refused) => refused,
                }
            }
            UserRequest::BootstrapRoles { officers } => {
                match governance::bootstrap_roles(&self.write_side, &officers).await {
                    Ok(_) => UserAnswer::RolesSetUp,
                    Err(error) => refused(why(&error)),
                }
            }
            UserRequest::BackupPoint => {
                let lock = lock_terms(&self.write_side);
                self.for_backup(move |live| {
                    Ok(BackupAnswer::Point(BackupPoint { lock, ..live.point() }))
                })
                .await
            }
            UserRequest::CopyKeyring { to } => {
                self.for_backup(move |live| {
                    let copy = live.copy_keyring(&to)?;
                    Ok(BackupAnswer::KeyringCopied {
                        generation: copy.generation,
                        newest_epoch: copy.newest_epoch,
                        applied_through: copy.applied_through,
                    })
                })
                .await
            }
            UserRequest::List { after } => self.list_recorded(after.map(StreamId)).await,
        }
    }

    /// Does what waits for the disk where that is allowed.
    async fn for_backup(
        &self,
        act: impl FnOnce(&LiveLog) -> anyhow::Result<BackupAnswer> + Send + 'static,
    ) -> UserAnswer {
        let live = self.live.clone();
        match tokio::task::spawn_blocking(move || act(&live)).await {
            Ok(Ok(answer)) => UserAnswer::Backup { done: answer },
            Ok(Err(error)) => refused(format!("{error:#}")),
            Err(_) => refused("the copying broke off; see the server's log"),
        }
    }

    async fn create(&self, localpart: &str, password: &str, admin: bool, by: &By) -> UserAnswer {
        let user = match self.user_id(localpart) {
            Ok(user) => user,
            Err(refused) => return refused,
        };
        let request = RegisterRequest {
            user: &user,
            kind: AccountKind::User,
            password: Some(password),
            admin,
            display_name: None,
            log_in: None,
            registration_token: None,
            reserved: false,
            by,
        };
        match user::register(&self.write_side, &self.passwords, request).await {
            Ok(done) => UserAnswer::Done { user_id: done.user_id.to_string() },
            Err(RegisterError::Command(error)) => refused(why(&error)),
            Err(RegisterError::Password(error)) => refused(error),
            Err(RegisterError::Token(error)) => refused(error),
        }
    }

    async fn reset_password(
        &self,
        localpart: &str,
        password: &str,
        keep: bool,
        by: &By,
    ) -> UserAnswer {
        let user = match self.user_id(localpart) {
            Ok(user) => user,
            Err(refused) => return refused,
        };
        let (write, passwords) = (&self.write_side, &self.passwords);
        let new = NewPassword { password, log_out_others: !keep, kept_device: None };
        // First: a crash in between leaves roles suspended, never an officer whom the operator
        // can act as.
        let roles_suspended = match governance::suspend_roles(write, &user).await {
            Ok(suspended) => suspended,
            Err(error) => return refused(why(&error)),
        };
        match user::set_password(write, passwords, &user, new, by).await {
            Ok(()) => UserAnswer::PasswordSet { user_id: user.to_string(), roles_suspended },
            Err(LogInError::Command(error)) => refused(why(&error)),
            Err(error) => refused(error),
        }
    }

    /// That the accounts are looked at is a fact before the first is shown.
    async fn list_recorded(&self, after: Option<StreamId>) -> UserAnswer {
        if after.is_none() {
            let (by, act) = (By::operator(), AdministrativeAct::AccountsListed);
            if let Err(error) = record_administration(&self.write_side, &by, act).await {
                return refused(why(&error));
            }
        }
        self.list(after)
    }

    fn list(&self, after: Option<StreamId>) -> UserAnswer {
        let page = self.view.snapshot().map_err(|error| error.to_string()).and_then(|snapshot| {
            let accounts = snapshot.accounts(after, PAGE).map_err(|error| error.to_string())?;
            let line = |account: projections::query::Account| {
                let user_id = snapshot.name(account.user).ok()??;
                Some(AccountLine {
                    stream: account.user.0,
                    user_id,
                    admin: account.admin,
                    deactivated: account.deactivated,
                    created_at: account.created_at.0,
                })
            };
            Ok(accounts.into_iter().filter_map(line).collect())
        });
        match page {
            Ok(accounts) => UserAnswer::Accounts { accounts },
            Err(why) => UserAnswer::Refused { why },
        }
    }

    fn user_id(&self, localpart: &str) -> Result<OwnedUserId, UserAnswer> {
        let server = &self.write_side.identity().server_name;
        UserId::parse_with_server_name(localpart, server)
            .map_err(|error| refused(format!("`{localpart}` is no user name: {error}")))
    }
}

/// The operator with a reason, if one was given.
fn because(reason: Option<String>) -> Result<By, UserAnswer> {
    if let Some(reason) = &reason {
        check_reason(reason).map_err(refused)?;
    }
    Ok(By::operator().because(reason))
}

fn refused(why: impl Display) -> UserAnswer {
    UserAnswer::Refused { why: why.to_string() }
}

/// A refusal in its own words; anything else in words for operators.
fn why<R: Display>(error: &CommandError<R>) -> String {
    match error {
        CommandError::Refusal(refusal) => refusal.to_string(),
        CommandError::Gate(_) => "a policy forbids it".to_owned(),
        CommandError::PersonErased(_) => "the person's records were erased".to_owned(),
        CommandError::Stopped => "the writer has stopped; see the server's log".to_owned(),
        CommandError::Busy { .. } => "the server is busy; try again".to_owned(),
        CommandError::Fault(fault) => fault.to_string(),
    }
}
