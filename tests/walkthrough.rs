//! The walkthrough of the README and the auditor's page, run as a reader would: the commands are
//! taken from the pages, and go into one shell beside a server that was started without any
//! configuration but a free port.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "the walkthrough is its own client")]
mod harness;

use std::{
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use harness::{http_client::Http, server::binary};
use http::Method;
use tokio::process::{Child, Command};

const HEADING: &str = "## A walkthrough\n";
/// The address of the README, which may be taken while tests run.
const ADDRESS: &str = "127.0.0.1:8008";
const READY_POLL: Duration = Duration::from_millis(20);
const READY_POLLS_MAX: u32 = 3_000;
const SHELL_DEADLINE: Duration = Duration::from_mins(4);
/// What must be said on the way: an exit code alone would not show that it was about something.
const SAID: &[&str] = &[
    "Sell it all before Monday.",
    "is complete and untouched",
    "items are destroyed in part or whole",
    "(destroyed)",
];

/// What stands in the fences for `sh` of a text.
fn commands(text: &str) -> Option<String> {
    let fences = text.split("```sh\n").skip(1);
    let commands: Option<Vec<&str>> = fences.map(|fence| fence.split("```").next()).collect();
    commands.map(|commands| commands.concat()).filter(|commands| !commands.is_empty())
}

/// The README's section.
fn walkthrough() -> Option<String> {
    let section = include_str!("../README.md").split(HEADING).nth(1)?.split("\n## ").next()?;
    commands(section)
}

async fn serve(dir: &Path, address: &str) -> Result<Child> {
    let mut server = Command::new(binary())
        .arg("serve")
        .current_dir(dir)
        .env("CHANCERY_LISTEN__CLIENT", address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let http = Http::new(&format!("http://{address}"));
    for _ in 0..READY_POLLS_MAX {
        if let Some(status) = server.try_wait()? {
            anyhow::bail!("the server ended with {status}");
        }
        match http.json(Method::GET, "/health", None, None).await {
            Ok(answer) if answer.status.is_success() => return Ok(server),
            _ => tokio::time::sleep(READY_POLL).await,
        }
    }
    anyhow::bail!("the server did not get ready")
}

/// Runs the script in a shell that ends at the first command that fails.
async fn run(dir: &Path, script: &str) -> Result<Output> {
    let shell = Command::new("sh")
        .args(["-eux", "-c", script])
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    Ok(tokio::time::timeout(SHELL_DEADLINE, shell).await.context("it does not end")??)
}

/// The auditor's page, with other people's tools, on what the walkthrough left on the other machine.
async fn audit(dir: &Path) -> Result<()> {
    let script = commands(include_str!("../docs/compliance/auditor.md")).context("no commands")?;
    let elsewhere = dir.join("walkthrough/elsewhere");
    let proof = elsewhere.join("receipt.tlog-proof");
    std::fs::copy(dir.join("walkthrough/receipt.tlog-proof"), &proof)?;
    let output = run(&elsewhere, &script).await?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\n{told}", output.status);
    // The same commands fail where something was changed.
    let good = std::fs::read_to_string(&proof)?;
    let (index, other) = (good.lines().nth(2).context("index")?, "index 0");
    let manifest = elsewhere.join("inquiry-7/manifest.note");
    let signed = std::fs::read_to_string(&manifest)?;
    for (path, altered) in [
        (&proof, good.replacen(index, other, 1)),
        (&manifest, signed.replacen("\"case\": ", "\"case\": 1", 1)),
    ] {
        let before = std::fs::read_to_string(path)?;
        ensure!(altered != before, "nothing was changed in {}", path.display());
        std::fs::write(path, altered)?;
        let output = run(&elsewhere, &script).await?;
        ensure!(!output.status.success(), "{} was altered, and passes", path.display());
        std::fs::write(path, before)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walkthrough_and_the_auditors_page_work_as_they_stand() -> Result<()> {
    let script = walkthrough().context("no walkthrough")?;
    let dir = tempfile::tempdir()?;
    let programs = dir.path().join("target/release");
    std::fs::create_dir_all(&programs)?;
    symlink(binary(), programs.join("chancery"))?;
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.to_string();
    let mut server = serve(dir.path(), &address).await?;
    ensure!(script.contains(ADDRESS), "the walkthrough names the server's address");
    let output = run(dir.path(), &script.replace(ADDRESS, &address)).await?;
    let (said, told) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{}\n{said}\n{told}", output.status);
    for words in SAID {
        ensure!(said.contains(words), "it does not say {words:?}:\n{said}\n{told}");
    }
    server.kill().await?;
    audit(dir.path()).await
}
