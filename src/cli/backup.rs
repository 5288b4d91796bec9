//! `chancery backup`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use event_log::{KeyringCopy, SystemRandom, ledger::Ledger};
use serde_json::json;

use super::{Failure, Origin, log::open, output};
use crate::{
    admin_socket,
    backup::{BackupPoint, BackupRefusal, LiveLog, LogCopy, Place, copy_keys},
    clock::SystemClock,
    config::Config,
    user_admin::{BackupAnswer, UserAnswer, UserRequest},
    wiring::log_options,
};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Directory for log and media: ciphertext. Made if it is not there; a later run copies only
    /// what is new. Or `s3://bucket/prefix`, by the configuration's section [offsite]: locked there.
    #[arg(long, value_name = "DIR|s3://…")]
    to: String,
    /// Directory for the keyring and the other keys, on another medium than the log. It holds one
    /// copy: the one before is destroyed.
    #[arg(long, value_name = "DIR")]
    keyring_to: PathBuf,
    /// Days after which this copy of the keyring must be gone, which its manifest states.
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
    keyring_days: u32,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Backup, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    backup(command, &config).map_err(advised)
}

/// A refusal with what to do about it.
pub(super) fn advised(error: anyhow::Error) -> anyhow::Error {
    match BackupRefusal::next_of(&error) {
        Some(next) => Failure::new(format!("{error:#}"), next).into(),
        None => error,
    }
}

fn backup(command: &Backup, config: &Config) -> anyhow::Result<ExitCode> {
    if overlaps(command)? {
        return Err(Failure::new(
            "the keyring would lie beside the log that it opens",
            "name another directory with --keyring-to, on another medium",
        )
        .into());
    }
    let source = Source::open(config)?;
    let point = source.point()?;
    let now = SystemClock.now_ms();
    let options = log_options(config);
    let to = Place::parse(&command.to, Some(&config.offsite))?.locked_by(point.lock);
    let copy = LogCopy::take(&options.data_dir, &to, &point, now)
        .with_context(|| format!("no backup was made in {to}"))?;
    // The keys before the manifest of the log: they open at least what that one names.
    let times = (now, command.keyring_days);
    let copied = copy_keys(&options.keys_dir, &command.keyring_to, &point, times, |dir| {
        source.copy_keyring(dir)
    });
    let keys = copied.with_context(|| {
        format!("no backup of the keys was made in {}", command.keyring_to.display())
    })?;
    let report = copy.commit()?;
    source.close();
    if command.json {
        output::json(&json!({
            "log": report,
            "keys": { "generation": keys.generation, "applied_through": keys.applied_through },
        }))?;
    } else {
        output::line(&format!(
            "Backed up to position {}: {} files, {} of them copied now ({} bytes), {} removed. The \
             copy of the keyring must be gone within {} days.",
            report.head,
            report.files,
            report.copied,
            report.copied_bytes,
            report.removed,
            command.keyring_days,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether one target is inside the other.
fn overlaps(command: &Backup) -> anyhow::Result<bool> {
    let mut places = Vec::new();
    if command.to.starts_with("s3://") {
        return Ok(false);
    }
    for dir in [Path::new(&command.to), &command.keyring_to] {
        let place = std::path::absolute(dir).context("a directory has no absolute path")?;
        places.push(fs::canonicalize(&place).unwrap_or(place));
    }
    Ok(places[0].starts_with(&places[1]) || places[1].starts_with(&places[0]))
}

/// The log, in the running server or opened here.
enum Source<'a> {
    Server(&'a Config),
    Here(LiveLog),
}

impl<'a> Source<'a> {
    fn open(config: &'a Config) -> anyhow::Result<Self> {
        let data_dir = &config.server.data_dir;
        let asked = admin_socket::ask(data_dir, &UserRequest::BackupPoint)?;
        if asked.is_some() {
            return Ok(Self::Server(config));
        }
        let log = Arc::new(open(config)?);
        let ledger = Ledger::open(Arc::clone(&log), &SystemRandom).context(
            "the ledger does not agree with the log, which is not backed up over a good copy",
        )?;
        Ok(Self::Here(LiveLog { log, ledger: Arc::new(ledger) }))
    }

    fn point(&self) -> anyhow::Result<BackupPoint> {
        match self {
            Self::Here(live) => Ok(live.point()),
            Self::Server(config) => match ask(config, &UserRequest::BackupPoint)? {
                BackupAnswer::Point(point) => Ok(point),
                BackupAnswer::KeyringCopied { .. } => {
                    Err(anyhow!("the server answered another question"))
                }
            },
        }
    }

    fn copy_keyring(&self, dir: &Path) -> anyhow::Result<KeyringCopy> {
        match self {
            Self::Here(live) => live.copy_keyring(dir),
            Self::Server(config) => {
                let to = fs::canonicalize(dir)
                    .with_context(|| format!("cannot look at {}", dir.display()))?;
                match ask(config, &UserRequest::CopyKeyring { to })? {
                    BackupAnswer::KeyringCopied { generation, newest_epoch, applied_through } => {
                        Ok(KeyringCopy { generation, newest_epoch, applied_through })
                    }
                    BackupAnswer::Point(_) => Err(anyhow!("the server answered another question")),
                }
            }
        }
    }

    fn close(self) {
        if let Self::Here(live) = self {
            live.log.close();
        }
    }
}

fn ask(config: &Config, request: &UserRequest) -> anyhow::Result<BackupAnswer> {
    match admin_socket::ask(&config.server.data_dir, request)? {
        Some(UserAnswer::Backup { done }) => Ok(done),
        Some(UserAnswer::Refused { why }) => Err(BackupRefusal::Server(why).into()),
        Some(_) => Err(anyhow!("the server does not know of backups: it is of another version")),
        None => Err(anyhow!("the server ended meanwhile; try again")),
    }
}
