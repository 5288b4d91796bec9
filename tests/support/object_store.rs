//! A real S3-compatible server that enforces Object Lock (versitygw), on a free port, with its own
//! directories; and a client of somebody who wants to delete.
//!
//! The program is looked for as `CHANCERY_VERSITYGW` says, or in the path.

use std::{net::TcpListener, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ACCESS: &str = "access";
const SECRET: &str = "a secret of a test";
const READY_POLL: Duration = Duration::from_millis(20);
const READY_POLLS_MAX: u32 = 1_500;

/// The server.
pub(crate) struct ObjectStore {
    child: Child,
    pub(crate) dir: TempDir,
    pub(crate) client: Client,
    endpoint: String,
}

impl ObjectStore {
    /// Starts it and waits until it answers.
    pub(crate) async fn start() -> Result<Self> {
        let dir = TempDir::with_prefix("chancery-s3-")?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let (root, versions) = (dir.path().join("root"), dir.path().join("versions"));
        for made in [&root, &versions] {
            std::fs::create_dir(made)?;
        }
        let named =
            std::env::var_os("CHANCERY_VERSITYGW").map_or("versitygw".into(), PathBuf::from);
        let child = Command::new(named)
            .args(["--port", &format!("127.0.0.1:{port}"), "--access", ACCESS, "--secret", SECRET])
            .args(["--quiet", "posix", "--versioning-dir"])
            .arg(&versions)
            .arg(&root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("`versitygw` is needed; CHANCERY_WITHOUT_S3=1 leaves these tests out")?;
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
            ensure!(ended.is_none(), "versitygw ended: {ended:?}");
            tokio::time::sleep(READY_POLL).await;
        }
        bail!("versitygw did not get ready")
    }

    /// Makes a bucket.
    pub(crate) async fn bucket(&self, name: &str, locks: bool) -> Result<()> {
        let made = self.client.create_bucket().bucket(name);
        made.object_lock_enabled_for_bucket(locks).send().await?;
        Ok(())
    }

    /// A section of the configuration.
    pub(crate) fn config(&self) -> Result<String> {
        let file = self.dir.path().join("credentials");
        std::fs::write(&file, format!("{ACCESS}\n{SECRET}\n"))?;
        Ok(section(&self.endpoint, &file.display().to_string()))
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
