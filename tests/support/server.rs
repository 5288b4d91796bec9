//! The real server as a child process: its own data directory, its own port, its own configuration.
//!
//! Owns the process and the directory: both go away when the value is dropped, however the test
//! ends. When a test fails, the end of the server's output is printed and its data kept. Never
//! waits by a fixed time: readiness is asked for, ends are waited for.

use std::{
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use http::Method;
use parking_lot::Mutex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::http_client::Http;

/// Between two questions whether the server is ready.
const READY_POLL: Duration = Duration::from_millis(10);

/// A server that is not ready by then (60 s, debug builds on a busy machine) never will be.
const READY_POLLS_MAX: u32 = 6_000;

/// Another process may take the chosen port before the server does.
const PORT_TRIES: u32 = 5;

/// For a clean shutdown.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// How much of the server's output a failure shows.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// What `/health` must say for a start to be over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Any,
}

/// One server and all that it has on disk.
pub(crate) struct Server {
    child: Option<Child>,
    port: u16,
    dir: Option<TempDir>,
    config: PathBuf,
    more_config: String,
    output: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    finished: bool,
}

impl Server {
    /// Starts an empty server that lets everybody register.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// As [`Self::start`], with further TOML sections.
    pub(crate) async fn start_with(more_config: &str) -> Result<Self> {
        let dir = TempDir::with_prefix("chancery-test-")?;
        let config = dir.path().join("chancery.toml");
        let mut server = Self {
            child: None,
            port: 0,
            dir: Some(dir),
            config,
            more_config: more_config.to_owned(),
            output: Arc::default(),
            readers: Vec::new(),
            finished: false,
        };
        for _ in 0..PORT_TRIES {
            server.port = free_port()?;
            server.write_config()?;
            match server.launch(Health::Good).await {
                Ok(()) => return Ok(server),
                Err(error) if server.output_tail().to_lowercase().contains("in use") => drop(error),
                Err(error) => return Err(error),
            }
        }
        bail!("no port stayed free: {}", server.output_tail())
    }

    fn write_config(&self) -> Result<()> {
        let (port, more) = (self.port, &self.more_config);
        let data_dir = self.data_dir();
        let data_dir = data_dir.to_str().context("a temporary directory with a plain name")?;
        let toml = format!(
            "[server]\nname = \"localhost\"\ndata_dir = {data_dir:?}\n\
             [listen]\nclient = \"127.0.0.1:{port}\"\n\
             [registration]\nmode = \"open\"\n\
             [limits]\nenabled = false\n{more}\n"
        );
        std::fs::write(&self.config, toml)?;
        Ok(())
    }

    /// Starts the process on what is on disk and waits until it answers.
    async fn launch(&mut self, wanted: Health) -> Result<()> {
        ensure!(self.child.is_none(), "the server runs already");
        let mut child = Command::new(binary())
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the server")?;
        let stdout = child.stdout.take().context("piped")?.into_owned_fd()?;
        let stderr = child.stderr.take().context("piped")?.into_owned_fd()?;
        self.readers = vec![collect(stdout, &self.output), collect(stderr, &self.output)];
        self.child = Some(child);
        self.until_health(wanted).await
    }

    async fn until_health(&mut self, wanted: Health) -> Result<()> {
        let http = self.http();
        for _ in 0..READY_POLLS_MAX {
            let child = self.child.as_mut().context("the server was started")?;
            if let Some(status) = child.try_wait()? {
                self.child = None;
                self.read_to_the_end()?;
                bail!(
                    "the server ended with {status} before it was ready:\n{}",
                    self.output_tail()
                );
            }
            match http.json(Method::GET, "/health", None, None).await {
                Ok(answer) if wanted == Health::Any || answer.status.is_success() => return Ok(()),
                _ => tokio::time::sleep(READY_POLL).await,
            }
        }
        bail!("the server did not get ready:\n{}", self.output_tail())
    }

    /// A new connection pool towards this server.
    pub(crate) fn http(&self) -> Http {
        Http::new(&format!("http://127.0.0.1:{}", self.port))
    }

    /// The client listener's port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `data_dir` of the configuration.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.config.parent().unwrap_or(Path::new("/")).join("data")
    }

    /// Ends the process as a power cut would, without a word, and waits until it is gone.
    pub(crate) async fn kill_9(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server runs")?;
        child.kill().await.context("killing the server")?;
        self.read_to_the_end()
    }

    /// After the end of the process: its last words may still be in the pipes.
    fn read_to_the_end(&mut self) -> Result<()> {
        for reader in self.readers.drain(..) {
            ensure!(reader.join().is_ok(), "the reading of the server's output broke off");
        }
        Ok(())
    }

    /// Starts again on the same data and port.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.restart_with(Health::Good).await
    }

    /// As [`Self::restart`] where something is wrong, so that the server may not get ready: it
    /// answers, or the error says why it ended.
    pub(crate) async fn restart_in_trouble(&mut self) -> Result<()> {
        self.restart_with(Health::Any).await
    }

    async fn restart_with(&mut self, wanted: Health) -> Result<()> {
        for _ in 1..PORT_TRIES {
            match self.launch(wanted).await {
                Err(_) if self.output_tail().to_lowercase().contains("in use") => {
                    tokio::time::sleep(READY_POLL).await;
                }
                outcome => return outcome,
            }
        }
        self.launch(wanted).await
    }

    /// Asks the server to end (SIGTERM) and checks that it does so cleanly.
    pub(crate) async fn stop_gracefully(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server runs")?;
        let pid = child.id().context("the server has not ended")?;
        // The shell's own `kill`: it exists where there is no such program.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {pid}")).status().await?;
        ensure!(sent.success(), "no signal could be sent to {pid}");
        let status = tokio::time::timeout(STOP_DEADLINE, child.wait())
            .await
            .with_context(|| format!("no end in {STOP_DEADLINE:?}:\n{}", self.output_tail()))??;
        self.read_to_the_end()?;
        ensure!(status.success(), "ended with {status}:\n{}", self.output_tail());
        Ok(())
    }

    /// The end of a test that went well: a clean shutdown and a log that verifies. A server that
    /// is dropped without it belongs to a test that failed.
    pub(crate) async fn finish(mut self) -> Result<()> {
        self.stop_gracefully().await?;
        let report = self.verify_log().await?;
        ensure!(report["torn_tail_bytes"] == 0, "a clean shutdown left a torn write: {report}");
        self.finished = true;
        Ok(())
    }

    /// `log verify`, which must find no fault; gives its report. Works beside a running server.
    pub(crate) async fn verify_log(&self) -> Result<Value> {
        let output = self.command(&["log", "verify", "--json"]).await?;
        let shown = format!(
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        ensure!(output.status.success(), "log verify: {}\n{shown}", output.status);
        let report: Value = serde_json::from_slice(&output.stdout).context(shown)?;
        ensure!(report["ok"] == true && report["fault"].is_null(), "log verify: {report}");
        Ok(report)
    }

    /// Runs another command of the binary (`log verify`) with this server's configuration.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<Output> {
        let output = Command::new(binary())
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        output.await.with_context(|| format!("running {arguments:?}"))
    }

    /// The end of what the server has written, over all its lives.
    pub(crate) fn output_tail(&self) -> String {
        String::from_utf8_lossy(&self.output.lock()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Failing to kill what has ended already is no matter.
            let _ = child.start_kill();
        }
        if !self.finished {
            eprintln!("--- output of the server ---\n{}", self.output_tail());
            if let Some(dir) = self.dir.take() {
                eprintln!("--- its files are kept in {} ---", dir.keep().display());
            }
        }
    }
}

/// Copies a pipe's end into `output`, on a thread of its own so that the server never blocks on a
/// full pipe. The thread ends with the process.
fn collect(pipe: std::os::fd::OwnedFd, output: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        let mut pipe = std::fs::File::from(pipe);
        let mut chunk = [0; 8 * 1024];
        while let Ok(read @ 1..) = pipe.read(&mut chunk) {
            let mut output = output.lock();
            output.extend_from_slice(&chunk[..read]);
            let surplus = output.len().saturating_sub(OUTPUT_BYTES_MAX);
            output.drain(..surplus);
        }
    })
}

/// The server under test: what was built with the test, or the binary that `CHANCERY` names.
pub(crate) fn binary() -> PathBuf {
    let named = std::env::var_os("CHANCERY").filter(|path| !path.is_empty());
    named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_chancery")), PathBuf::from)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
