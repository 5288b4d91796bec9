//! Exports of a running server, by the officers' command line: killed again and again on both
//! sides, on a full disk, verified on another machine, altered, refused.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "export/large_file.rs"]
mod large_file;
#[path = "support/officer.rs"]
mod officer;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use harness::{matrix_client::MatrixClient, register, server::Server, two_in_a_room};
use officer::{Officer, stderr};
use serde_json::{Value, json};
use tokio::process::Command;

const WHY: [&str; 3] = ["--reason", "because", "--yes"];
const POLL: Duration = Duration::from_millis(2);
const POLLS_MAX: u32 = 30_000;
const KILLS_MAX: u32 = 300;

struct World {
    server: Server,
    ann: MatrixClient,
    case: String,
    /// What every export of the same stretch names.
    end: String,
}

/// A room with texts, an edit, a deletion and two files, and a case in force over it.
async fn world() -> Result<World> {
    let server = Server::start().await?;
    let (mut alice, bob, room) = two_in_a_room(&server, &json!({})).await?;
    let (ann, ben) = (register(&server, "ann").await?, register(&server, "ben").await?);
    for number in 0..40 {
        let text = format!("{number} {}", "something to say. ".repeat(1_000));
        alice.send_text(&room, &text).await?;
    }
    let said = alice.send_text(&room, "what was taken back").await?;
    let path = format!(
        "/v3/rooms/{}/redact/{}/r1",
        harness::http_client::encode(&room),
        harness::http_client::encode(&said)
    );
    alice.put(&path, &json!({})).await?;
    for (number, size) in [(1, 100), (2, 3_000_000)] {
        let url = alice.upload("application/octet-stream", &vec![number; size]).await?;
        let content = json!({ "msgtype": "m.file", "body": "a file", "url": url });
        let txn = format!("file-{number}");
        bob.send_under(&room, "m.room.message", &txn, &content).await?.ok()?;
    }
    let officers = ["role", "bootstrap", &ann.user_id, &ben.user_id];
    ensure!(server.command(&officers).await?.status.success());
    let case = case(&server, &ann, &ben, &room).await?;
    let end = stretch_end(&server, &ann, &case).await?;
    Ok(World { server, ann, case, end })
}

async fn case(
    server: &Server,
    ann: &MatrixClient,
    ben: &MatrixClient,
    room: &str,
) -> Result<String> {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_millis();
    let expires = (now + 86_400_000).to_string();
    let open = ["case", "open", "--room", room, "--expires", &expires, WHY[0], WHY[1]];
    let case = Officer::new(server, ann)?.does(&open).await?["case"].to_string();
    Officer::new(server, ben)?.does(&["case", "approve", &case, WHY[0], WHY[1]]).await?;
    Ok(case)
}

/// Where an export that begins now would end.
async fn stretch_end(server: &Server, ann: &MatrixClient, case: &str) -> Result<String> {
    let path = format!("/_chancery/admin/v1/cases/{case}/exports");
    let (http, body) = (server.http(), json!({ "format": "csv" }));
    let answer =
        http.json(http::Method::POST, &path, Some(&ann.access_token), Some(&body)).await?.ok()?;
    Ok(answer["terms"]["end"].to_string())
}

impl World {
    fn out(&self, name: &str) -> PathBuf {
        self.server.data_dir().with_file_name(name)
    }

    /// The arguments of an export of the stretch.
    fn arguments(&self, format: &str, out: &Path) -> Vec<String> {
        // So small that a kill finds it in the middle of a page.
        let mut all = self.whole_pages(format, out);
        all.extend(["--page", "9"].map(str::to_owned));
        all
    }

    fn whole_pages(&self, format: &str, out: &Path) -> Vec<String> {
        let out = out.to_string_lossy();
        let arguments =
            ["export", "--case", &self.case, "--format", format, "--out", &out, "--end", &self.end];
        let mut all: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        all.push("--yes".to_owned());
        all
    }

    async fn export(&self, format: &str, out: &Path) -> Result<Value> {
        let arguments = self.whole_pages(format, out);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Officer::new(&self.server, &self.ann)?.does(&arguments).await
    }

    /// A command that can be killed.
    fn spawn(&self, arguments: &[String], limit: Option<u32>) -> Result<Command> {
        let mut command = Command::new("sh");
        let limit = limit.map(|blocks| format!("trap '' XFSZ; ulimit -f {blocks}; "));
        let script = format!("{}exec \"$0\" \"$@\"", limit.unwrap_or_default());
        let token = self.server.data_dir().join("../ann_localhost.token");
        command
            .args(["-c", &script])
            .arg(harness::server::binary())
            .args(arguments)
            .args(["--server", self.server.http().base(), "--token-file"])
            .arg(token.to_str().context("a plain name")?)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    async fn verify(&self, dir: &Path) -> Result<(bool, Value)> {
        let key = self.server.command(&["ledger", "key", "--json"]).await?;
        let key: Value = serde_json::from_slice(&key.stdout)?;
        let key = key["key"].as_str().context("a key")?.to_owned();
        let dir = dir.to_str().context("a plain name")?;
        let output = Command::new(harness::server::binary())
            .args(["verify", dir, "--key", &key, "--json"])
            .env_clear()
            .output()
            .await?;
        let answer = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok((output.status.success(), answer))
    }
}

fn files(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let (mut open, mut found) = (vec![dir.to_owned()], BTreeMap::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(dir)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

fn same(one: &Path, two: &Path) -> Result<()> {
    let (one, two) = (files(one)?, files(two)?);
    ensure!(one.keys().eq(two.keys()), "{:?} and {:?}", one.keys(), two.keys());
    for (path, bytes) in &one {
        ensure!(two[path] == *bytes, "{} differs", path.display());
    }
    Ok(())
}

/// Bytes below a directory: what grows while an export is made.
fn size(dir: &Path) -> u64 {
    files(dir).map_or(0, |files| files.values().map(|bytes| bytes.len() as u64).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_both_sides_it_gives_the_same_bytes_which_verify_elsewhere() -> Result<()> {
    let mut world = world().await?;
    let (whole, torn) = (world.out("whole"), world.out("torn"));
    let answer = world.export("jsonl", &whole).await?;
    ensure!(answer["missing_media"] == json!([]) && answer["files"] == 8, "{answer}");
    let text = fs::read_to_string(whole.join("export.jsonl"))?;
    ensure!(text.contains("what was taken back"), "the deleted text is in the export");

    let arguments = world.arguments("jsonl", &torn);
    let mut kills = 0;
    while !torn.join("manifest.note").exists() {
        let before = size(&torn);
        let mut child = world.spawn(&arguments, None)?.spawn()?;
        if wait_for_growth(&mut child, &torn, before, kills).await? {
            let output = child.wait_with_output().await?;
            ensure!(output.status.success(), "after {kills} kills: {}", stderr(&output));
            break;
        }
        child.kill().await?;
        kills += 1;
        ensure!(kills < KILLS_MAX, "it never ended");
        if kills == 5 {
            world.server.kill_9().await?;
            world.server.restart().await?;
        }
    }
    ensure!(kills > 5, "it was killed {kills} times only");
    // What a kill after the manifest would leave is cleared by the next start.
    let again = world.spawn(&arguments, None)?.output().await?;
    ensure!(stderr(&again).contains("finished export"), "{}", stderr(&again));
    same(&whole, &torn)?;

    // On another machine: the directory and the key, nothing else.
    let elsewhere = tempfile::tempdir()?;
    let copy = elsewhere.path().join("export");
    for (path, bytes) in files(&torn)? {
        fs::create_dir_all(copy.join(&path).parent().context("a folder")?)?;
        fs::write(copy.join(path), bytes)?;
    }
    let (ok, verdict) = world.verify(&copy).await?;
    ensure!(ok && verdict["ok"] == true && verdict["withheld"] == 0, "{verdict}");
    let changed = text.replacen("taken back", "token back", 1);
    fs::write(copy.join("export.jsonl"), changed)?;
    let (ok, verdict) = world.verify(&copy).await?;
    ensure!(!ok && verdict["finding"]["kind"] == "export.jsonl", "{verdict}");
    world.server.finish().await
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// What a directory's files are, as `files.sha256` has it.
fn list(dir: &Path) -> Result<(String, Value)> {
    let (mut text, mut count, mut bytes) = (String::new(), 0, 0);
    for (path, content) in files(dir)? {
        let path = path.to_str().context("a plain name")?.to_owned();
        if ["files.sha256", "manifest.note"].contains(&path.as_str()) {
            continue;
        }
        count += 1;
        bytes += content.len();
        writeln!(text, "{}  {path}", sha256(&content))?;
    }
    let sealing = json!({ "files_sha256": sha256(text.as_bytes()), "files": count,
        "bytes": bytes, "missing_media": [] });
    Ok((text, sealing))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_who_hides_a_text_has_it_sealed_and_convinces_nobody() -> Result<()> {
    let world = world().await?;
    let (whole, hidden) = (world.out("honest"), world.out("hidden"));
    world.export("jsonl", &whole).await?;
    for (path, bytes) in files(&whole)? {
        fs::create_dir_all(hidden.join(&path).parent().context("a folder")?)?;
        fs::write(hidden.join(path), bytes)?;
    }
    // Of one message the text is gone, in the evidence and in the form.
    let entries = fs::read_to_string(hidden.join("evidence/entries.jsonl"))?;
    let form = fs::read_to_string(hidden.join("export.jsonl"))?;
    let item = form.lines().find(|line| line.contains("what was taken back")).context("it")?;
    let mut item: Value = serde_json::from_str(item)?;
    let position = item["position"].clone();
    let is_it = |line: &str| line.starts_with(&format!("{{\"position\":{position},"));
    let line = entries.lines().find(|line| is_it(line)).context("its line")?;
    let (shown, content) = line.rsplit_once(",\"key\":").context("its content")?;
    ensure!(content.ends_with("}]}"), "{content}");
    let gone = format!("{shown},\"destroyed\":true}}]}}");
    fs::write(hidden.join("evidence/entries.jsonl"), entries.replacen(line, &gone, 1))?;
    item["content_destroyed"] = true.into();
    item["event"]["content"] = json!({});
    let lines = form.lines().map(|line| {
        if line.contains("what was taken back") { item.to_string() } else { line.to_owned() }
    });
    fs::write(hidden.join("export.jsonl"), lines.map(|line| line + "\n").collect::<String>())?;

    let (text, sealing) = list(&hidden)?;
    fs::write(hidden.join("files.sha256"), text)?;
    let (http, token) = (world.server.http(), Some(world.ann.access_token.as_str()));
    let path = format!("/_chancery/admin/v1/cases/{}/exports", world.case);
    let end: u64 = world.end.parse()?;
    let wish = json!({ "format": "jsonl", "end": end });
    let begun = http.json(http::Method::POST, &path, token, Some(&wish)).await?.ok()?;
    let path = format!("{path}/{}/seal", begun["export"]);
    let sealed = http.json(http::Method::POST, &path, token, Some(&sealing)).await?.ok()?;
    let manifest = sealed["manifest"].as_str().context("a manifest")?;
    fs::write(hidden.join("manifest.note"), manifest)?;
    let (ok, verdict) = world.verify(&hidden).await?;
    let why = verdict["finding"]["why"].as_str().unwrap_or_default();
    ensure!(!ok && why.contains("the server did not say so"), "{verdict}");
    ensure!(verdict["findings"].as_array().context("findings")?.len() == 1, "{verdict}");
    let (ok, verdict) = world.verify(&whole).await?;
    ensure!(ok && verdict["manifest_version"] == 2, "{verdict}");
    let rights = fs::metadata(&whole)?.permissions().mode();
    ensure!(rights & 0o777 == 0o700, "others may read the record: {rights:o}");

    // What cannot be read is located too.
    fs::remove_file(hidden.join("export.jsonl"))?;
    fs::create_dir(hidden.join("export.jsonl"))?;
    let (ok, verdict) = world.verify(&hidden).await?;
    let of_form = verdict["findings"].as_array().context("findings")?.iter().any(|finding| {
        finding["place"] == "export.jsonl"
            && finding["why"].as_str().is_some_and(|why| why.contains("cannot be read"))
    });
    ensure!(!ok && of_form, "{verdict}");
    world.server.finish().await
}

/// Waits until the directory has grown for a while; true where the command ended by itself.
async fn wait_for_growth(
    child: &mut tokio::process::Child,
    dir: &Path,
    before: u64,
    kills: u32,
) -> Result<bool> {
    // Each life gets a little further than the one before, wherever it is killed.
    let wanted = before + 1 + u64::from(kills) * 20_000;
    for _ in 0..POLLS_MAX {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        if size(dir) >= wanted {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("the export does not go on")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_it_with_words_and_it_goes_on() -> Result<()> {
    let world = world().await?;
    let (whole, cramped) = (world.out("whole"), world.out("cramped"));
    world.export("eml", &whole).await?;
    let arguments = world.arguments("eml", &cramped);
    // The limit is met in the evidence, then in a medium, then in the form.
    for blocks in [600, 4_000, 7_000] {
        let output = world.spawn(&arguments, Some(blocks))?.output().await?;
        let said = stderr(&output);
        ensure!(output.status.code() == Some(1), "{blocks}: {} {said}", output.status);
        ensure!(said.contains("make room and run the same command again"), "{blocks}: {said}");
        ensure!(!cramped.join("manifest.note").exists());
    }
    let done = world.spawn(&arguments, None)?.output().await?;
    ensure!(done.status.success(), "{}", stderr(&done));
    same(&whole, &cramped)?;
    world.server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_why_and_writes_nothing() -> Result<()> {
    let world = world().await?;
    let ann = Officer::new(&world.server, &world.ann)?;
    let out = world.out("refused");
    let dir = out.to_str().context("a plain name")?;
    let export =
        |format, case, dir| ["export", "--case", case, "--format", format, "--out", dir, "--yes"];
    let unknown = ann.run(&export("pdf", &world.case, dir)).await?;
    ensure!(unknown.status.code() == Some(2) && stderr(&unknown).contains("rsmf"));
    ann.may_not(&export("csv", "1", dir), "There is no such case").await?;
    let unasked = ["export", "--case", &world.case, "--format", "csv", "--out", dir];
    ann.may_not(&unasked, "nothing was done").await?;
    ensure!(!out.exists(), "nothing was written");

    fs::create_dir_all(&out)?;
    fs::write(out.join("mine.txt"), "mine")?;
    ann.may_not(&export("csv", &world.case, dir), "not empty").await?;
    ensure!(files(&out)?.len() == 1);

    let other = world.out("other");
    world.export("csv", &other).await?;
    let dir = other.to_str().context("a plain name")?;
    ann.may_not(&export("csv", &world.case, dir), "finished export").await?;
    ann.does(&["case", "close", &world.case, WHY[0], WHY[1]]).await?;
    let third = world.out("third");
    let dir = third.to_str().context("a plain name")?;
    ann.may_not(&export("csv", &world.case, dir), "closed").await?;
    drop(ann);
    world.server.finish().await
}

/// Every file of media.
fn blobs(dir: &Path) -> Result<Vec<PathBuf>> {
    let paths = files(&dir.join("media"))?.into_keys();
    Ok(paths.map(|path| dir.join("media").join(path)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_are_damaged_are_said_to_be_missing() -> Result<()> {
    let world = world().await?;
    let mut blobs = blobs(&world.server.data_dir())?;
    blobs.sort_by_key(|path| fs::metadata(path).map_or(0, |found| found.len()));
    let [small, large] = &blobs[..] else { bail!("two files: {blobs:?}") };
    let out = world.out("damaged");
    // A byte far behind the first piece, and a file that cannot even be opened.
    let mut bytes = fs::read(large)?;
    let whole = bytes.clone();
    bytes[2_000_000] ^= 1;
    fs::write(large, &bytes)?;
    fs::write(small, b"torn")?;
    let answer = world.export("jsonl", &out).await?;
    let missing = answer["missing_media"].as_array().context("a list")?;
    ensure!(missing.len() == 2, "{answer}");
    ensure!(fs::read_dir(out.join("media"))?.next().is_none(), "nothing of them is left");
    let (holds, report) = world.verify(&out).await?;
    ensure!(holds, "{report}");

    // What is whole again is not said to be missing.
    fs::write(large, &whole)?;
    let out = world.out("mended");
    let answer = world.export("jsonl", &out).await?;
    ensure!(answer["missing_media"].as_array().map(Vec::len) == Some(1), "{answer}");
    let lengths: Vec<_> = files(&out.join("media"))?.into_values().map(|file| file.len()).collect();
    ensure!(lengths == [3_000_000], "{lengths:?}");
    Ok(())
}
