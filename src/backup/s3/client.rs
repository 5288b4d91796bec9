//! The requests that a backup makes of S3, each waited for here.
//!
//! Owns the client and its bounds on time and tries. Knows nothing of backups.

use std::{collections::BTreeMap, fs::File, io::Write as _, path::Path, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::digest::{Context as Sha, SHA256};
use aws_sdk_s3::{
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
    primitives::{ByteStream, DateTime},
    types::{
        ChecksumMode, ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
        ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{runtime::Runtime, time::Instant};

use super::{
    Settings,
    parts::LockedAs,
    said::{code, status},
};
use crate::backup::{BackupRefusal, digest::Seen};

/// To connect.
const CONNECT: Duration = Duration::from_secs(10);
/// An object that comes or goes slower than this on average, beyond the time of a request, is given
/// up.
const SLOWEST_BYTES_A_SECOND: u64 = 64 * 1024;
/// Answers of a list that are asked for.
pub(super) const PAGES_MAX: usize = 10_000;

/// A version of an object; empty where the store gives none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) Option<String>);

/// What the store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Looked {
    /// Its length.
    pub(super) length: Option<u64>,
    /// Until when it is locked in compliance mode; `None` where it is not.
    pub(super) locked_until: Option<u64>,
    /// Its SHA-256 in hexadecimal, where the store has one.
    pub(super) sha256: Option<String>,
}

/// Speaks to one bucket.
pub(super) struct Client {
    pub(super) runtime: Runtime,
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) bucket: String,
    pub(super) part_bytes: u64,
    /// One try of a request without a body, and how long an object's first bytes may take.
    timeout: Duration,
}

impl Client {
    pub(super) fn new(bucket: &str, settings: &Settings) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (access, secret) = (settings.access_key.clone(), settings.secret_key.clone());
        let timeout = Duration::from_secs(settings.timeout_seconds.into());
        let times = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(timeout)
            .build();
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(Credentials::new(access, secret, None, None, "configuration"))
            .force_path_style(settings.path_style)
            // We send the SHA-256 that we have; further checksums are not understood everywhere.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            // A body of which nothing goes or comes for so long; a pause is no failure.
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled().grace_period(timeout).build(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(settings.tries))
            .timeout_config(times);
        config.set_endpoint_url(settings.endpoint.clone());
        let s3 = aws_sdk_s3::Client::from_conf(config.build());
        let (bucket, part_bytes) = (bucket.to_owned(), settings.part_bytes);
        Ok(Self { runtime, s3, bucket, part_bytes, timeout })
    }

    /// How long one try may take that has a body of so many bytes.
    pub(super) fn time_for(&self, bytes: u64) -> aws_sdk_s3::config::Builder {
        let times = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(self.timeout + slowest(bytes))
            .build();
        aws_sdk_s3::Config::builder().timeout_config(times)
    }

    /// Whether the bucket locks objects.
    pub(super) fn bucket_locks(&self) -> Result<bool> {
        let sent = self.s3.get_object_lock_configuration().bucket(&self.bucket).send();
        match self.runtime.block_on(sent) {
            Ok(answer) => {
                let found = answer.object_lock_configuration;
                let enabled = found.and_then(|found| found.object_lock_enabled);
                Ok(enabled == Some(ObjectLockEnabled::Enabled))
            }
            Err(error) if code(&error) == Some("ObjectLockConfigurationNotFoundError") => Ok(false),
            Err(error) => Err(self.failed("say whether the bucket locks objects", &error)),
        }
    }

    /// Puts a file, locked until this time and perhaps held.
    pub(super) fn put(
        &self,
        key: &str,
        path: &Path,
        seen: &Seen,
        until: u64,
        held: bool,
    ) -> Result<Version> {
        let hash = STANDARD.encode(hex::decode(&seen.sha256).context("a hash in hexadecimal")?);
        let hold = held.then_some(ObjectLockLegalHoldStatus::On);
        if seen.bytes > self.part_bytes {
            let lock = LockedAs { until: moment(until)?, hold };
            return self.runtime.block_on(self.put_in_parts(key, path, seen.bytes, lock));
        }
        let answer = self.runtime.block_on(async {
            let body = ByteStream::from_path(path).await.map_err(anyhow::Error::new)?;
            let sent = self
                .s3
                .put_object()
                .bucket(&self.bucket)
                .key(key)
                .body(body)
                .checksum_sha256(hash)
                .object_lock_mode(ObjectLockMode::Compliance)
                .object_lock_retain_until_date(moment(until)?)
                .set_object_lock_legal_hold_status(hold)
                .customize()
                .config_override(self.time_for(seen.bytes))
                .send();
            sent.await.map_err(|error| self.failed(&format!("put {key}"), &error))
        })?;
        Ok(Version(answer.version_id))
    }

    /// What the store says of an object; `None` where it is not there.
    pub(super) fn look(&self, key: &str, version: &Version) -> Result<Option<Looked>> {
        let asked = self.s3.head_object().bucket(&self.bucket).key(key);
        let asked = asked.checksum_mode(ChecksumMode::Enabled);
        let sent = asked.set_version_id(version.0.clone()).send();
        let found = match self.runtime.block_on(sent) {
            Ok(found) => found,
            Err(error) if status(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(self.failed(&format!("look at {key}"), &error)),
        };
        let compliance = found.object_lock_mode == Some(ObjectLockMode::Compliance);
        let until = found.object_lock_retain_until_date.filter(|_| compliance);
        let locked_until = match until {
            Some(until) => millis(until),
            None => self.retention(key, version)?,
        };
        let length = found.content_length.and_then(|length| u64::try_from(length).ok());
        let sha256 = found.checksum_sha256.and_then(|stated| STANDARD.decode(stated).ok());
        let sha256 = sha256.filter(|hash| hash.len() == 32).map(hex::encode);
        Ok(Some(Looked { length, locked_until, sha256 }))
    }

    /// The same asked for by itself, for stores that do not say it with the object.
    fn retention(&self, key: &str, version: &Version) -> Result<Option<u64>> {
        let asked = self.s3.get_object_retention().bucket(&self.bucket).key(key);
        let sent = asked.set_version_id(version.0.clone()).send();
        let found = match self.runtime.block_on(sent) {
            Ok(answer) => answer.retention,
            Err(error) if code(&error) == Some("NoSuchObjectLockConfiguration") => None,
            // An answer that says nothing says of no lock.
            Err(error) if status(&error) == Some(200) => None,
            Err(error) => return Err(self.failed(&format!("say how {key} is locked"), &error)),
        };
        let compliance =
            found.filter(|found| found.mode == Some(ObjectLockRetentionMode::Compliance));
        Ok(compliance.and_then(|found| found.retain_until_date).and_then(millis))
    }

    /// Locks an object for longer.
    pub(super) fn lock_until(&self, key: &str, version: &Version, until: u64) -> Result<()> {
        let retention = ObjectLockRetention::builder()
            .mode(ObjectLockRetentionMode::Compliance)
            .retain_until_date(moment(until)?)
            .build();
        let asked = self.s3.put_object_retention().bucket(&self.bucket).key(key);
        let sent = asked.set_version_id(version.0.clone()).retention(retention).send();
        let done = self.runtime.block_on(sent);
        done.map(|_| ()).map_err(|error| self.failed(&format!("lock {key} for longer"), &error))
    }

    /// Whether a legal hold is on an object.
    pub(super) fn is_held(&self, key: &str, version: &Version) -> Result<bool> {
        let asked = self.s3.get_object_legal_hold().bucket(&self.bucket).key(key);
        let sent = asked.set_version_id(version.0.clone()).send();
        match self.runtime.block_on(sent) {
            Ok(answer) => {
                let status = answer.legal_hold.and_then(|hold| hold.status);
                Ok(status == Some(ObjectLockLegalHoldStatus::On))
            }
            Err(error) if code(&error) == Some("NoSuchObjectLockConfiguration") => Ok(false),
            Err(error) => Err(self.failed(&format!("say whether {key} is held"), &error)),
        }
    }

    /// Puts a legal hold on an object, or takes it off.
    pub(super) fn hold(&self, key: &str, version: &Version, on: bool) -> Result<()> {
        let status =
            if on { ObjectLockLegalHoldStatus::On } else { ObjectLockLegalHoldStatus::Off };
        let hold = ObjectLockLegalHold::builder().status(status).build();
        let asked = self.s3.put_object_legal_hold().bucket(&self.bucket).key(key);
        let sent = asked.set_version_id(version.0.clone()).legal_hold(hold).send();
        let done = self.runtime.block_on(sent);
        done.map(|_| ()).map_err(|error| self.failed(&format!("change the hold of {key}"), &error))
    }

    /// Objects below a prefix, by what follows it, with their lengths.
    pub(super) fn list(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        let mut found = BTreeMap::new();
        let (mut next, mut before) = (None, None);
        for _ in 0..PAGES_MAX {
            let asked = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let sent = asked.set_continuation_token(next.take()).send();
            let page = self.runtime.block_on(sent);
            let page = page.map_err(|error| self.failed("list the objects", &error))?;
            for object in page.contents() {
                let name = object.key().and_then(|key| key.strip_prefix(prefix));
                let length = object.size().and_then(|size| u64::try_from(size).ok());
                found.extend(name.map(str::to_owned).zip(length));
            }
            match page.next_continuation_token {
                None => return Ok(found),
                // It would go on so for ever.
                Some(same) if Some(&same) == before.as_ref() => break,
                Some(other) => {
                    before = Some(other.clone());
                    next = Some(other);
                }
            }
        }
        Err(anyhow!("the store's list of objects does not end"))
    }

    /// Length and SHA-256 of what the store gives out. Of what is longer than `most` not more is
    /// read than it takes to see that.
    pub(super) fn digest(&self, key: &str, version: &Version, most: u64) -> Result<Seen> {
        let mut sha = Sha::new(&SHA256);
        let mut bytes = 0;
        self.each_piece(key, version, most, |piece| {
            sha.update(piece);
            bytes += piece.len() as u64;
            Ok(())
        })?;
        Ok(Seen { bytes, sha256: hex::encode(sha.finish()) })
    }

    /// Copies a version to a path that is not there; of what is longer than `most` its beginning
    /// and a bit, as what was seen tells by its length.
    pub(super) fn get(&self, key: &str, version: &Version, to: &Path, most: u64) -> Result<Seen> {
        let unwritten = || BackupRefusal::unwritten(to);
        let mut file = File::create_new(to).map_err(unwritten())?;
        let mut sha = Sha::new(&SHA256);
        let mut bytes = 0;
        self.each_piece(key, version, most, |piece| {
            file.write_all(piece).map_err(unwritten())?;
            sha.update(piece);
            bytes += piece.len() as u64;
            Ok(())
        })?;
        file.sync_all().map_err(unwritten())?;
        Ok(Seen { bytes, sha256: hex::encode(sha.finish()) })
    }

    /// A version in memory; `None` where it is larger than that.
    pub(super) fn get_small(
        &self,
        key: &str,
        version: &Version,
        most: u64,
    ) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.each_piece(key, version, most, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok((bytes.len() as u64 <= most).then_some(bytes))
    }

    /// Hands over what comes, until it is over or longer than `most`: a store may send without an
    /// end.
    fn each_piece(
        &self,
        key: &str,
        version: &Version,
        most: u64,
        mut piece: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.runtime.block_on(async {
            let asked = self.s3.get_object().bucket(&self.bucket).key(key);
            let sent = asked.set_version_id(version.0.clone()).send().await;
            let answer = sent.map_err(|error| self.failed(&format!("get {key}"), &error))?;
            let (mut body, begun, mut got) = (answer.body, Instant::now(), 0);
            loop {
                let until = begun + self.timeout + slowest(got);
                let next = tokio::time::timeout_at(until, body.try_next());
                let next = next.await.map_err(|_| self.too_slow(key, got))?;
                let Some(bytes) = next.with_context(|| format!("{key} broke off"))? else {
                    return Ok(());
                };
                got += bytes.len() as u64;
                piece(&bytes)?;
                if got > most {
                    return Ok(());
                }
            }
        })
    }
}

/// What a body may take.
fn slowest(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST_BYTES_A_SECOND)
}

fn moment(millis: u64) -> Result<DateTime> {
    Ok(DateTime::from_secs(i64::try_from(millis / 1000)?))
}

fn millis(moment: DateTime) -> Option<u64> {
    moment.to_millis().ok().and_then(|millis| u64::try_from(millis).ok())
}
