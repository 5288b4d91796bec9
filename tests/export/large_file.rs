//! An export of a corpus with a large file, in every form: killed while the file is fetched, gone
//! on with, verified, altered, all in bounded memory.
//!
//! `CHANCERY_LARGE_FILE_MIB` sets its size in MiB (8); the project's figures are with 1024.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use event_log::{Random as _, SeededRandom};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    World, case,
    harness::{self, http_client::RawBody, server::Server, two_in_a_room},
    register, stderr, stretch_end,
};

const MIB: usize = 1024 * 1024;
const SIZE_MIB: usize = 8;
const POLL: Duration = Duration::from_millis(1);
const KILL_TRIES_MAX: u32 = 100;
/// No command here takes an hour.
const POLLS_MAX: u32 = 3_600_000;
/// Resident memory of a command, at most, whatever the file's size.
const MEMORY_MAX_KIB: u64 = 192 * 1024;
const FORMS: [&str; 5] = ["jsonl", "csv", "rsmf", "eml", "html"];

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_exported_in_every_form_in_bounded_memory() -> Result<()> {
    let size = std::env::var("CHANCERY_LARGE_FILE_MIB").ok().map(|size| size.parse());
    let size = size.transpose()?.unwrap_or(SIZE_MIB) * MIB;
    let (world, file) = world(size).await?;
    for form in FORMS {
        let out = world.out(form);
        let killed = export_with_a_kill(&world, form, &out, &file, size as u64).await?;
        let medium = out.join("media").join(format!("{file}.bin"));
        ensure!(fs::metadata(&medium)?.len() == size as u64);
        let holds = verified(&world, &out).await?;
        ensure!(holds.0 && holds.1["ok"] == true, "{form}: {}", holds.1);
        flip(&medium, size as u64 * 2 / 3)?;
        let altered = verified(&world, &out).await?;
        ensure!(!altered.0 && altered.1.to_string().contains(&file), "{form}: {}", altered.1);
        let memory = killed.max(holds.2).max(altered.2);
        ensure!(memory <= MEMORY_MAX_KIB, "{form}: {memory} KiB");
        // Read by whoever records the figures of a large run.
        println!("{form}: {size} bytes, at most {memory} KiB of memory in one command");
        fs::remove_dir_all(out)?;
    }
    world.server.finish().await
}

/// A room with a text before and after a file of so many bytes; and the file's media id.
async fn world(size: usize) -> Result<(World, String)> {
    let config = format!("[media]\nupload_bytes = {}\n", size.max(100 * MIB));
    let server = Server::start_with(&config).await?;
    let (mut alice, bob, room) = two_in_a_room(&server, &json!({})).await?;
    let (ann, ben) = (register(&server, "ann").await?, register(&server, "ben").await?);
    alice.send_text(&room, "before").await?;
    let mut bytes = vec![0; size];
    SeededRandom::new(1).fill(&mut bytes);
    let body =
        RawBody { content_type: "application/octet-stream".to_owned(), bytes: Bytes::from(bytes) };
    let path = "/_matrix/media/v3/upload?filename=large";
    let token = Some(alice.access_token.as_str());
    let uploaded = server.http().raw(http::Method::POST, path, token, Some(body)).await?.ok()?;
    let url = uploaded["content_uri"].as_str().context("an address")?;
    let content = json!({ "msgtype": "m.file", "body": "a large file", "url": url });
    bob.send_under(&room, "m.room.message", "large", &content).await?.ok()?;
    alice.send_text(&room, "after").await?;
    let officers = ["role", "bootstrap", &ann.user_id, &ben.user_id];
    ensure!(server.command(&officers).await?.status.success());
    let case = case(&server, &ann, &ben, &room).await?;
    let end = stretch_end(&server, &ann, &case).await?;
    let file = url.rsplit('/').next().context("a media id")?.to_owned();
    Ok((World { server, ann, case, end }, file))
}

/// Kills the command when half of the file is there, and runs it again; the most memory that
/// either took.
async fn export_with_a_kill(
    world: &World,
    form: &str,
    out: &Path,
    file: &str,
    size: u64,
) -> Result<u64> {
    let arguments = world.arguments(form, out);
    let part = out.join("media").join(format!("{file}.part.bin"));
    let half = || fs::metadata(&part).is_ok_and(|part| part.len() >= size / 2);
    let mut before = 0;
    for tries in 1.. {
        let mut torn = world.spawn(&arguments, None)?.spawn()?;
        before = watched(&mut torn, half).await?;
        if torn.try_wait()?.is_none() {
            torn.kill().await?;
        }
        if !out.join("manifest.note").exists() {
            break;
        }
        // A small file may be there before anybody looks.
        ensure!(tries < KILL_TRIES_MAX, "it was never killed in the middle");
        fs::remove_dir_all(out)?;
    }
    let mut whole = world.spawn(&arguments, None)?.spawn()?;
    let after = watched(&mut whole, || false).await?;
    let output = whole.wait_with_output().await?;
    ensure!(output.status.success(), "{}", stderr(&output));
    Ok(before.max(after))
}

/// Whether an export holds, what was said, and the most memory that the command took.
async fn verified(world: &World, dir: &Path) -> Result<(bool, Value, u64)> {
    let key = world.server.command(&["ledger", "key", "--json"]).await?;
    let key: Value = serde_json::from_slice(&key.stdout)?;
    let mut verifying = Command::new(harness::server::binary());
    verifying.arg("verify").arg(dir).args(["--key", key["key"].as_str().context("a key")?]);
    let answer = world.out("answer.json");
    verifying.arg("--json").stdout(fs::File::create(&answer)?).kill_on_drop(true);
    let mut child = verifying.spawn()?;
    let memory = watched(&mut child, || false).await?;
    let ok = child.wait().await?.success();
    Ok((ok, serde_json::from_slice(&fs::read(answer)?)?, memory))
}

/// Watches a command until it ends or `enough`; the most memory that it has taken, in KiB.
async fn watched(child: &mut Child, enough: impl Fn() -> bool) -> Result<u64> {
    let status = format!("/proc/{}/status", child.id().context("it runs")?);
    let mut peak = 0;
    for _ in 0..POLLS_MAX {
        // Of a process that has ended there is no such line any more.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        if child.try_wait()?.is_some() || enough() {
            return Ok(peak);
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("the command does not end")
}

/// Flips one bit of a file in place.
fn flip(path: &Path, at: u64) -> Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    byte[0] ^= 1;
    Ok(file.write_all_at(&byte, at)?)
}
