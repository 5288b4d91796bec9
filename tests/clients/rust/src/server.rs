//! The real server as a child process, on a free port and in a directory of its own. Killed when
//! the test ends; its files go with a test that passed and stay with one that failed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::Result;

const READY_POLL: Duration = Duration::from_millis(20);
const READY_POLLS_MAX: usize = 3000;
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// A server with its directory; the process may be down between [`Server::kill9`] and
/// [`Server::launch`].
pub struct Server {
    binary: PathBuf,
    dir: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts an empty server from `binary`.
    ///
    /// # Errors
    /// When its directory cannot be made or it does not get ready.
    pub async fn start(binary: &Path) -> Result<Self> {
        let dir = std::env::temp_dir().join(format!("chancery-rust-{}", std::process::id()));
        std::fs::create_dir(&dir)?;
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let config = format!(
            "[server]\nname = \"localhost\"\ndata_dir = {:?}\n\
             [listen]\nclient = \"127.0.0.1:{port}\"\n\
             [registration]\nmode = \"open\"\n\
             [limits]\nenabled = false\n",
            dir.join("data"),
        );
        std::fs::write(dir.join("chancery.toml"), config)?;
        let mut server = Self { binary: binary.to_owned(), dir, port, child: None };
        server.launch().await?;
        Ok(server)
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A place for the files of the test, next to the server's.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts the process on what is on disk and waits until it answers.
    ///
    /// # Errors
    /// When it ends early or does not answer in time.
    pub async fn launch(&mut self) -> Result<()> {
        let output = File::options().create(true).append(true).open(self.dir.join("output"))?;
        let child = Command::new(&self.binary)
            .args(["serve", "--config"])
            .arg(self.dir.join("chancery.toml"))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()?;
        let child = self.child.insert(child);
        for _ in 0..READY_POLLS_MAX {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the server ended before it was ready: {status}").into());
            }
            if healthy(self.port).await.unwrap_or(false) {
                return Ok(());
            }
            sleep(READY_POLL).await;
        }
        Err("the server did not get ready".into())
    }

    /// Ends the process as a power cut would, and waits until it is gone.
    ///
    /// # Errors
    /// When the process cannot be signaled.
    pub async fn kill9(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Ends the process; shows its output and keeps its files when `keep` says they are needed.
    pub async fn close(mut self, keep: bool) -> Result<()> {
        self.kill9().await?;
        if !keep {
            return Ok(std::fs::remove_dir_all(&self.dir)?);
        }
        let output = std::fs::read(self.dir.join("output"))?;
        let tail = &output[output.len().saturating_sub(OUTPUT_BYTES_MAX)..];
        eprintln!("--- output of the server ---\n{}", String::from_utf8_lossy(tail));
        eprintln!("--- files in {} ---", self.dir.display());
        Ok(())
    }
}

/// Asks `/health` over a bare connection: the SDK's HTTP client belongs to the people.
async fn healthy(port: u16) -> Result<bool> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let ask = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    socket.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.take(1024).read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}
