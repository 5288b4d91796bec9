//! Starting the server on a log of a million entries with current views.
//!
//! Fills the log through the library, starts the release binary once so that it builds its views
//! and folds, and ends it; then times from the start of the process until `/health` answers 200:
//! after clean ends, and after a kill. Another number of entries: `-- --entries N`.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/verdict.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod verdict;
#[path = "support/written_log.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod written_log;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use event_log::{Log, LogOptions, SystemRandom};
use facts::Timestamp;

use crate::written_log::WrittenLog;

const SERVER: &str = "bench.example";
const PEOPLE: usize = 1_000;
const ROOMS: usize = 500;
/// Starts after a clean end; their median counts.
const STARTS: usize = 5;
/// Building the views of a million entries takes a while.
const READY_MAX: Duration = Duration::from_mins(30);
const READY_POLL: Duration = Duration::from_millis(2);
const BUDGET: Duration = Duration::from_secs(2);

#[derive(Parser)]
struct Settings {
    /// Entries of the log.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Cargo says it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let settings = Settings::parse();
    let dir = tempfile::tempdir()?;
    let data_dir = dir.path().join("data");
    let started = Instant::now();
    let entries = fill(&data_dir, settings.entries)?;
    verdict::line(&format!("{entries} entries written in {:.1} s", seconds(started.elapsed())));

    let server = Server::beside(dir.path())?;
    let (child, took) = server.start()?;
    verdict::line(&format!("first start, building views and folds: {:.1} s", seconds(took)));
    end(child)?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let (child, took) = server.start()?;
        starts.push(took);
        end(child)?;
    }
    starts.sort_unstable();
    let (mut child, _) = server.start()?;
    child.kill()?;
    child.wait()?;
    let (child, after_kill) = server.start()?;
    end(child)?;

    let median = starts[STARTS / 2];
    verdict::say(
        &format!("start with {entries} entries and current views"),
        &format!(
            "{:.2} s (of {STARTS}: {:.2} to {:.2} s; after kill -9: {:.2} s)",
            seconds(median),
            seconds(starts[0]),
            seconds(starts[STARTS - 1]),
            seconds(after_kill)
        ),
        "<= 2 s",
        median <= BUDGET,
    );
    Ok(())
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn fill(data_dir: &Path, entries: u64) -> Result<u64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = Timestamp(u64::try_from(now.as_millis())?);
    let options = LogOptions::new(data_dir, SERVER);
    let log = Arc::new(Log::open(options, Arc::new(move || now), Arc::new(SystemRandom))?);
    let mut written = WrittenLog::new(Arc::clone(&log), SERVER, PEOPLE, ROOMS);
    written.talk(entries.saturating_sub(log.head().0 + 1));
    log.close();
    Ok(log.head().0 + 1)
}

/// Asks a process to end, and waits for a clean one.
fn end(mut child: Child) -> Result<()> {
    // The shell's own `kill`: it exists where there is no such program.
    let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", child.id())).status()?;
    ensure!(sent.success(), "no signal could be sent");
    let status = child.wait()?;
    ensure!(status.success(), "the server ended with {status}");
    Ok(())
}

struct Server {
    config: PathBuf,
    address: SocketAddr,
}

impl Server {
    /// A configuration in `dir`, with a port that is free now.
    fn beside(dir: &Path) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let config = dir.join("chancery.toml");
        let data_dir = dir.join("data");
        let data_dir = data_dir.to_str().context("a temporary directory with a plain name")?;
        let toml = format!(
            "[server]\nname = \"{SERVER}\"\ndata_dir = {data_dir:?}\n\
             [listen]\nclient = \"{address}\"\n[registration]\nmode = \"open\"\n"
        );
        std::fs::write(&config, toml)?;
        Ok(Self { config, address })
    }

    /// Starts the server; how long until it said that it is healthy.
    fn start(&self) -> Result<(Child, Duration)> {
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_chancery"))
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the server")?;
        while started.elapsed() < READY_MAX {
            if self.is_healthy() {
                return Ok((child, started.elapsed()));
            }
            if let Some(status) = child.try_wait()? {
                bail!("the server ended with {status} before it was ready");
            }
            std::thread::sleep(READY_POLL);
        }
        child.kill()?;
        bail!("the server did not get ready within {READY_MAX:?}")
    }

    fn is_healthy(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = [0; 12];
        stream.write_all(request).is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"HTTP/1.1 200"
    }
}
