//! Real S3-compatible servers that enforce Object Lock (versitygw, `MinIO`), each on a free port with
//! its own directories; and a client of somebody who wants to delete.
//!
//! The programs are looked for as `CHANCERY_VERSITYGW` and `CHANCERY_MINIO` say, or in the path;
//! `CHANCERY_WITHOUT_S3=1` and `CHANCERY_WITHOUT_MINIO=1` leave them out.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    primitives::DateTime,
    types::{ObjectLockRetention, ObjectLockRetentionMode},
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ACCESS: &str = "access";
const SECRET: &str = "a secret of a test";
const READY_POLL: Duration = Duration::from_millis(20);
const READY_POLLS_MAX: u32 = 1_500;

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Versitygw,
    Minio,
}

impl Make {
    /// Those that are not left out.
    pub(crate) fn all() -> Vec<Self> {
        let known =
            [(Self::Versitygw, "CHANCERY_WITHOUT_S3"), (Self::Minio, "CHANCERY_WITHOUT_MINIO")];
        let left_out = |name: &str| {
            let left_out = std::env::var_os(name).is_some();
            if left_out {
                eprintln!("left out: {name} is set");
            }
            left_out
        };
        known.into_iter().filter(|(_, name)| !left_out(name)).map(|(make, _)| make).collect()
    }

    fn named(self) -> &'static str {
        match self {
            Self::Versitygw => "versitygw",
            Self::Minio => "minio",
        }
    }

    fn command(self, dir: &Path, port: u16) -> Result<Command> {
        let (root, versions) = (dir.join("root"), dir.join("versions"));
        for made in [&root, &versions] {
            std::fs::create_dir(made)?;
        }
        let variable = format!("CHANCERY_{}", self.named().to_uppercase());
        let program = std::env::var_os(variable).map_or(self.named().into(), PathBuf::from);
        let mut command = Command::new(program);
        let address = format!("127.0.0.1:{port}");
        match self {
            Self::Versitygw => command
                .args(["--port", &address, "--access", ACCESS, "--secret", SECRET])
                .args(["--quiet", "posix", "--versioning-dir"])
                .arg(&versions)
                .arg(&root),
            Self::Minio => command
                .args(["server", "--quiet", "--address", &address])
                .arg(&root)
                .env("MINIO_ROOT_USER", ACCESS)
                .env("MINIO_ROOT_PASSWORD", SECRET)
                .env("MINIO_BROWSER", "off")
                .env("MINIO_UPDATE", "off")
                .env("HOME", dir),
        };
        Ok(command)
    }
}

/// The server.
pub(crate) struct ObjectStore {
    child: Child,
    pub(crate) dir: TempDir,
    pub(crate) client: Client,
    pub(crate) endpoint: String,
}

impl ObjectStore {
    /// Starts one and waits until it answers.
    pub(crate) async fn start(make: Make) -> Result<Self> {
        let dir = TempDir::with_prefix("chancery-s3-")?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = make
            .command(dir.path(), port)?
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{}` is needed, or is left out", make.named()))?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let client = client(&endpoint);
        let mut store = Self { child, dir, client, endpoint };
        store.until_ready().await?;
        Ok(store)
    }

    async fn until_ready(&mut self) -> Result<()> {
        for _ in 0..READY_POLLS_MAX {
            if self.client.list_buckets().send().await.is_ok() {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            ensure!(ended.is_none(), "the object store ended: {ended:?}");
            tokio::time::sleep(READY_POLL).await;
        }
        bail!("the object store did not get ready")
    }

    /// Makes a bucket.
    pub(crate) async fn bucket(&self, name: &str, locks: bool) -> Result<()> {
        let made = self.client.create_bucket().bucket(name);
        made.object_lock_enabled_for_bucket(locks).send().await?;
        Ok(())
    }

    /// A section of the configuration.
    pub(crate) fn config(&self) -> Result<String> {
        self.config_at(&self.endpoint)
    }

    /// The same for somebody who stands before it.
    pub(crate) fn config_at(&self, endpoint: &str) -> Result<String> {
        let file = self.dir.path().join("credentials");
        std::fs::write(&file, format!("{ACCESS}\n{SECRET}\n"))?;
        Ok(section(endpoint, &file.display().to_string()))
    }

    /// Every version of every object below a prefix, as (key, version).
    pub(crate) async fn versions(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        let (mut key, mut version) = (None, None);
        loop {
            let asked = self.client.list_object_versions().bucket(bucket).prefix(prefix);
            let asked = asked.set_key_marker(key).set_version_id_marker(version);
            let page = asked.send().await?;
            for one in page.versions() {
                let (Some(key), Some(version)) = (one.key(), one.version_id()) else {
                    bail!("a version without a name: {one:?}");
                };
                found.push((key.to_owned(), version.to_owned()));
            }
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            (key, version) = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// Deleting and shortening are refused by the store, and the object is still readable.
    pub(crate) async fn cannot_be_removed(
        &self,
        bucket: &str,
        key: &str,
        version: &str,
    ) -> Result<()> {
        let deleted = self.client.delete_object().bucket(bucket).key(key).version_id(version);
        ensure!(deleted.send().await.is_err(), "{key} was deleted");
        for mode in [ObjectLockRetentionMode::Compliance, ObjectLockRetentionMode::Governance] {
            // It is locked for a day.
            let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
            let sooner = DateTime::from_secs(i64::try_from(now)? + 3_600);
            let shorter =
                ObjectLockRetention::builder().mode(mode).retain_until_date(sooner).build();
            let asked = self.client.put_object_retention().bucket(bucket).key(key);
            let asked = asked.version_id(version).retention(shorter);
            let asked = asked.bypass_governance_retention(true);
            ensure!(asked.send().await.is_err(), "the lock of {key} was shortened");
        }
        let read = self.client.get_object().bucket(bucket).key(key).version_id(version);
        let read = read.send().await?.body.collect().await?.into_bytes();
        ensure!(!read.is_empty(), "{key} is still readable");
        Ok(())
    }
}

/// A section `[offsite]` that is quick to give up.
pub(crate) fn section(endpoint: &str, credentials: &str) -> String {
    format!(
        "[offsite]\nendpoint = {endpoint:?}\ncredentials_file = {credentials:?}\n\
         retention_days = 1\ntimeout_seconds = 5\ntries = 3\n"
    )
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(ACCESS, SECRET, None, None, "test"))
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}
