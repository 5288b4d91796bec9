//! How to speak to the store: out of the section `[offsite]`, with the secret read.

use std::{fmt, path::Path};

use crate::{backup::BackupRefusal, config::offsite::Offsite};

/// A credentials file is at most this large.
const FILE_BYTES_MAX: usize = 4_096;

/// A store and who we are there.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
    pub(super) path_style: bool,
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(in crate::backup) retention_days: u32,
    pub(in crate::backup) legal_hold: bool,
    /// A legal hold is open: what is put by name of a manifest gets one too.
    pub(in crate::backup) hold_is_open: bool,
    pub(super) timeout_seconds: u32,
    pub(super) tries: u32,
    /// What is larger goes up in parts of so many bytes.
    pub(super) part_bytes: u64,
}

impl Settings {
    /// Reads the credentials of a configuration.
    pub(crate) fn of(offsite: &Offsite) -> Result<Self, BackupRefusal> {
        let (access_key, secret_key) = match &offsite.credentials_file {
            Some(path) => from_file(path)?,
            None => from_environment()?,
        };
        Ok(Self {
            endpoint: offsite.endpoint.clone(),
            region: offsite.region.clone(),
            path_style: offsite.path_style,
            access_key,
            secret_key,
            retention_days: offsite.retention_days,
            legal_hold: offsite.legal_hold,
            hold_is_open: false,
            timeout_seconds: offsite.timeout_seconds,
            tries: offsite.tries,
            part_bytes: u64::from(offsite.part_mebibytes) * 1024 * 1024,
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

fn from_file(path: &Path) -> Result<(String, String), BackupRefusal> {
    let refuse = |what: &str| BackupRefusal::Credentials(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error.to_string()))?;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [access, secret] if text.len() <= FILE_BYTES_MAX => {
            Ok(((*access).to_owned(), (*secret).to_owned()))
        }
        _ => Err(refuse("it is not two lines, access key and secret key")),
    }
}

fn from_environment() -> Result<(String, String), BackupRefusal> {
    let read = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| BackupRefusal::Credentials(format!("{name} is not in the environment")))
    };
    Ok((read("AWS_ACCESS_KEY_ID")?, read("AWS_SECRET_ACCESS_KEY")?))
}
