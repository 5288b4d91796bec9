//! The ledger of a running server: over HTTP as C2SP has it, by other people's tools, and by what
//! somebody kept of it.
//!
//! The Go test needs `go` and, once, the Go module proxy; `CHANCERY_WITHOUT_GO=1` leaves it out.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::{
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};
use event_log::ledger::{Checkpoint, Note, TlogProof, VerifierKey};
use harness::{
    PASSWORD,
    http_client::{Answer, Http},
    matrix_client::MatrixClient,
    register,
    server::{Server, binary},
};
use http::Method;
use serde_json::{Value, json};

const PREFIX: &str = "/_chancery/log/v1";
/// A server that publishes often, so that tests are not slowed by it.
const PUBLIC: &str = "[ledger]\naccess = \"public\"\ncheckpoint_interval_ms = 20";

async fn get(http: &Http, path: &str, token: Option<&str>) -> Result<Answer> {
    http.json(Method::GET, &format!("{PREFIX}/{path}"), token, None).await
}

fn checkpoint_of(answer: &Answer) -> Result<Checkpoint> {
    let note = Note::parse(std::str::from_utf8(&answer.body)?)?;
    Checkpoint::parse(&note.text).context("a checkpoint")
}

/// Asks until a checkpoint covers this many entries. Each question takes a round trip.
async fn checkpoint_over(http: &Http, entries: u64) -> Result<Checkpoint> {
    for _ in 0..20_000 {
        let checkpoint = checkpoint_of(&get(http, "checkpoint", None).await?)?;
        if checkpoint.size >= entries {
            return Ok(checkpoint);
        }
    }
    anyhow::bail!("no checkpoint over {entries} entries")
}

/// Enough entries for a full tile and some of the next.
async fn talk(server: &Server) -> Result<u64> {
    let mut alice = register(server, "alice").await?;
    let room = alice.create_room(&json!({ "preset": "private_chat" })).await?;
    for number in 0..260 {
        alice.send_text(&room, &format!("message {number}")).await?;
    }
    server.verify_log().await?["entries"].as_u64().context("a number of entries")
}

/// Output of a command that must go well.
fn good(output: &Output) -> Result<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\n{stderr}", output.status);
    Ok(String::from_utf8(output.stdout.clone())?)
}

fn chancery(arguments: &[&str]) -> Result<Output> {
    Command::new(binary()).args(arguments).output().context("running the binary")
}

fn is_header(answer: &Answer, name: &str, value: &str) -> bool {
    answer.headers.get(name).is_some_and(|found| found == value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_ledger_answers_as_c2sp_has_it() -> Result<()> {
    let server = Server::start_with(PUBLIC).await?;
    let http = server.http();
    let entries = talk(&server).await?;
    let checkpoint = checkpoint_over(&http, entries).await?;
    let key = good(&server.command(&["ledger", "key"]).await?)?;
    let keys = [VerifierKey::from_vkey(key.trim())?];
    let answer = get(&http, "checkpoint", None).await?;
    ensure!(is_header(&answer, "content-type", "text/plain; charset=utf-8"), "{answer}");
    ensure!(is_header(&answer, "cache-control", "no-cache"));
    Note::parse(std::str::from_utf8(&answer.body)?)?.verify(&keys)?;

    let edge = checkpoint.size % 256;
    let lengths = [
        ("tile/0/000".to_owned(), 8192),
        (format!("tile/0/001.p/{edge}"), edge * 32),
        ("tile/0/001.p/1".to_owned(), 32),
        ("tile/1/000.p/1".to_owned(), 32),
        ("tile/entries/000".to_owned(), 256 * 34),
        (format!("tile/entries/001.p/{edge}"), edge * 34),
    ];
    for (path, length) in lengths {
        let answer = get(&http, &path, None).await?;
        ensure!(answer.status == 200 && answer.body.len() as u64 == length, "{path}: {answer}");
        ensure!(is_header(&answer, "content-type", "application/octet-stream"), "{path}");
        ensure!(is_header(&answer, "cache-control", "public, max-age=31536000, immutable"));
    }
    for wrong in [
        "tile/0/999",
        "tile/0/0",
        "tile/0/000.p/256",
        "tile/0/x000/000",
        "tile/00/000",
        "tile/64/000",
        "tile/2/000.p/1",
        "tile/entries/0",
        "tile/data/000",
        "tile/8/0/000",
        "proof/-1",
        "proof/01",
        "proof/99999999",
        "proof/x",
        "consistency?from=1&to=99999999",
        "tile/0/%30%30%30",
        "tile/entries/00%30",
        "proof/%31",
        "consistency?from=01&to=3",
        "consistency?from=1&to=%33",
    ] {
        get(&http, wrong, None).await?.refused(404, "M_NOT_FOUND").context(wrong)?;
    }
    for wrong in ["consistency", "consistency?from=2&to=1", "consistency?from=a&to=1"] {
        get(&http, wrong, None).await?.refused(400, "M_INVALID_PARAM").context(wrong)?;
    }
    for unknown in ["", "tiles/0/000", "proof", "checkpoints"] {
        get(&http, unknown, None).await?.refused(404, "M_UNRECOGNIZED").context(unknown)?;
    }
    for position in [0, 1, 255, 256, entries - 1] {
        let answer = get(&http, &format!("proof/{position}"), None).await?;
        let proof = TlogProof::parse(std::str::from_utf8(&answer.body)?)?;
        ensure!(proof.index == position && proof.verify(&keys, None)?.size >= entries);
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_only_auditors_read_the_ledger() -> Result<()> {
    let server = Server::start().await?;
    let http = server.http();
    let paths = ["checkpoint", "tile/0/000.p/1", "proof/0", "consistency?from=1&to=1"];
    let alice = register(&server, "alice").await?;
    let password = server.data_dir().join("../password");
    std::fs::write(&password, PASSWORD)?;
    let file = password.to_str().context("a plain name")?;
    let create = ["user", "create", "root", "--admin", "--password-file", file];
    good(&server.command(&create).await?)?;
    let login = json!({
        "type": "m.login.password", "password": PASSWORD,
        "identifier": { "type": "m.id.user", "user": "root" },
    });
    let path = "/_matrix/client/v3/login";
    let session = http.json(Method::POST, path, None, Some(&login)).await?.ok()?;
    let administrator = session["access_token"].as_str().context("a token")?;
    let officers = [register(&server, "ann").await?, register(&server, "ben").await?];
    let [ann, ben] = officers.each_ref().map(|officer| officer.access_token.as_str());
    good(&server.command(&["role", "bootstrap", "@ann:localhost", "@ben:localhost"]).await?)?;
    let otto = register(&server, "otto").await?;
    let staff = "/_chancery/admin/v1/roles/requests";
    let wish = json!({ "role": "auditor", "user": otto.user_id, "reason": "audit" });
    let asked = http.json(Method::POST, staff, Some(ann), Some(&wish)).await?.ok()?;
    let approve = format!("{staff}/{}/approve", asked["request"]);
    let reason = json!({ "reason": "agreed" });
    http.json(Method::POST, &approve, Some(ben), Some(&reason)).await?.ok()?;
    for path in paths {
        get(&http, path, None).await?.refused(401, "M_MISSING_TOKEN").context(path)?;
        get(&http, path, Some("none")).await?.refused(401, "M_UNKNOWN_TOKEN").context(path)?;
        let member = Some(alice.access_token.as_str());
        get(&http, path, member).await?.refused(403, "M_FORBIDDEN").context(path)?;
        // Running the server is no role.
        let admin = get(&http, path, Some(administrator)).await?;
        admin.refused(403, "M_FORBIDDEN").context(path)?;
        for token in [otto.access_token.as_str(), ann] {
            let answer = get(&http, path, Some(token)).await?;
            ensure!(answer.status == 200, "{answer}");
            let public = answer.headers["cache-control"].to_str()?.contains("public");
            ensure!(!public, "no shared cache keeps what needs a token");
        }
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_off_is_kept_and_not_served() -> Result<()> {
    let server = Server::start_with("[ledger]\naccess = \"off\"").await?;
    for path in ["checkpoint", "tile/0/000.p/1", "proof/0", "consistency?from=1&to=1"] {
        get(&server.http(), path, None).await?.refused(404, "M_UNRECOGNIZED").context(path)?;
    }
    let note = good(&server.command(&["ledger", "checkpoint"]).await?)?;
    ensure!(note.starts_with("localhost/chancery/"), "{note}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_go_tools_verify_checkpoint_tiles_and_proofs() -> Result<()> {
    if std::env::var_os("CHANCERY_WITHOUT_GO").is_some() {
        eprintln!("left out: CHANCERY_WITHOUT_GO is set");
        return Ok(());
    }
    let server = Server::start_with(PUBLIC).await?;
    let entries = talk(&server).await?;
    checkpoint_over(&server.http(), entries).await?;
    let key = good(&server.command(&["ledger", "key"]).await?)?;
    let url = format!("{}{PREFIX}", server.http().base());
    let run = |key: String| {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ledger-go");
        let mut go = Command::new("go");
        go.args(["run", ".", &url, &key]).current_dir(tool);
        go.output().context("`go` is needed; CHANCERY_WITHOUT_GO=1 leaves this test out")
    };
    let answer: Value = serde_json::from_str(&good(&run(key.trim().to_owned())?)?)?;
    ensure!(answer["ok"] == true && answer["size"].as_u64() >= Some(entries), "{answer}");
    // And they refuse it under another key of the same name.
    let name = VerifierKey::from_vkey(key.trim())?.name().to_owned();
    let stranger = event_log::ledger::NoteSigner::new(&name, &[7; 32]).context("a name")?;
    let refused = run(stranger.verifier().to_string())?;
    ensure!(!refused.status.success(), "accepted under a key that did not sign");
    server.finish().await
}

/// What a third party keeps, in a directory of its own.
struct Kept {
    dir: tempfile::TempDir,
    key: String,
}

impl Kept {
    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn keep(&self, name: &str, text: &str) -> Result<String> {
        std::fs::write(self.path(name), text)?;
        Ok(self.path(name))
    }

    /// `chancery verify … --json`: exit code and report.
    fn verify(&self, arguments: &[&str]) -> Result<(i32, Value)> {
        let all = [&["verify", "--json", "--key", &self.key], arguments].concat();
        let output = chancery(&all)?;
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout).with_context(|| shown)?;
        Ok((output.status.code().context("an exit code")?, report))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_kept_shows_what_was_done_to_the_log() -> Result<()> {
    let mut server = Server::start_with(PUBLIC).await?;
    let http = server.http();
    let mut alice = register(&server, "alice").await?;
    let room = alice.create_room(&json!({ "preset": "private_chat" })).await?;
    let ledger = async |server: &Server, arguments: &[&str]| {
        good(&server.command(&[&["ledger"], arguments].concat()).await?)
    };
    let key = ledger(&server, &["key"]).await?.trim().to_owned();
    let kept = Kept { dir: tempfile::tempdir()?, key };
    let early = send_and_keep(&server, &mut alice, &room, &kept, "early").await?;
    let proof = kept.keep("5.tlog-proof", &ledger(&server, &["prove", "5"]).await?)?;
    let older = tempfile::tempdir()?;
    server.stop_gracefully().await?;
    copy(&server.data_dir(), older.path())?;
    server.restart().await?;
    let late = send_and_keep(&server, &mut alice, &room, &kept, "late").await?;
    let sizes = [early.size.to_string(), late.size.to_string()];
    let lines = ledger(&server, &["consistency", &sizes[0], &sizes[1]]).await?;
    let consistency = kept.keep("consistency", &lines)?;
    let (early_file, late_file) = (kept.path("early"), kept.path("late"));

    let (code, report) = kept.verify(&[&proof])?;
    ensure!(code == 0 && report["ok"] == true && report["position"] == 5, "{report}");
    let goes_on = [&late_file, "--earlier", &early_file, "--consistency", &consistency];
    let (code, report) = kept.verify(&goes_on)?;
    ensure!(code == 0 && report["earlier_size"] == early.size, "{report}");
    let backwards = [&early_file, "--earlier", &late_file, "--consistency", &consistency];
    let (code, report) = kept.verify(&backwards)?;
    ensure!(code == 1 && report["finding"]["kind"] == "inconsistent", "{report}");

    let data_dir = server.data_dir().display().to_string();
    let both = [&data_dir, "--checkpoint", &early_file, "--checkpoint", &late_file];
    let (code, report) = kept.verify(&both)?;
    ensure!(code == 0 && report["ok"] == true, "beside the running server: {report}");
    let older_dir = older.path().display().to_string();
    let (code, report) = kept.verify(&[&older_dir, "--checkpoint", &early_file])?;
    ensure!(code == 0, "{report}");
    let (code, report) = kept.verify(&[&older_dir, "--checkpoint", &late_file])?;
    let finding = &report["finding"];
    ensure!(code == 1 && finding["kind"] == "rolled_back", "{report}");
    ensure!(finding["first_missing"].as_u64() < Some(late.size), "{report}");
    checkpoint_over(&http, late.size).await?;
    altered_files_are_refused(&kept, &proof)?;
    server.finish().await
}

/// Sends a message and keeps a checkpoint that covers it.
async fn send_and_keep(
    server: &Server,
    alice: &mut MatrixClient,
    room: &str,
    kept: &Kept,
    name: &str,
) -> Result<Checkpoint> {
    alice.send_text(room, name).await?;
    let entries = server.verify_log().await?["entries"].as_u64().context("entries")?;
    checkpoint_over(&server.http(), entries).await?;
    let note = good(&server.command(&["ledger", "checkpoint"]).await?)?;
    kept.keep(name, &note)?;
    Checkpoint::parse(&Note::parse(&note)?.text).context("a checkpoint")
}

fn altered_files_are_refused(kept: &Kept, proof: &str) -> Result<()> {
    let text = std::fs::read_to_string(proof)?;
    let other = kept.keep("other.tlog-proof", &text.replace("index 5", "index 6"))?;
    let (code, report) = kept.verify(&[&other])?;
    ensure!(code == 1 && report["finding"]["kind"] == "proof", "{report}");
    let note = std::fs::read_to_string(kept.path("late"))?;
    let other = kept.keep("other", &note.replacen("localhost", "remotehost", 1))?;
    let (code, report) = kept.verify(&[&other])?;
    ensure!(code == 1 && report["finding"]["kind"] == "checkpoint", "{report}");
    let kept_too = ["verify", "--key", &kept.key, proof, "--checkpoint", &kept.path("late")];
    let idle = chancery(&kept_too)?;
    let said = String::from_utf8_lossy(&idle.stderr);
    ensure!(idle.status.code() == Some(1) && said.contains("nothing would be compared"), "{said}");
    let usage = chancery(&["verify", proof])?;
    ensure!(usage.status.code() == Some(2), "without a key: {usage:?}");
    let nothing = chancery(&["verify", "--key", &kept.key, &kept.path("nothing")])?;
    ensure!(nothing.status.code() == Some(1), "{nothing:?}");
    let bare = kept.dir.path().display().to_string();
    let no_log = chancery(&["verify", "--key", &kept.key, &bare])?;
    ensure!(no_log.status.code() == Some(1), "{no_log:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_goes_on_from_the_one_that_was_trusted() -> Result<()> {
    let mut server = Server::start_with(PUBLIC).await?;
    let held = server.command(&["ledger", "rotate-key"]).await?;
    ensure!(held.status.code() == Some(1), "beside a running server: {held:?}");
    let old = good(&server.command(&["ledger", "key"]).await?)?.trim().to_owned();
    server.stop_gracefully().await?;
    let new = good(&server.command(&["ledger", "rotate-key"]).await?)?.trim().to_owned();
    ensure!(old != new);
    server.restart().await?;
    register(&server, "alice").await?;
    let entries = server.verify_log().await?["entries"].as_u64().context("entries")?;
    checkpoint_over(&server.http(), entries).await?;
    let kept = Kept { dir: tempfile::tempdir()?, key: old };
    let note = good(&server.command(&["ledger", "checkpoint"]).await?)?;
    let note = kept.keep("checkpoint", &note)?;
    let (code, report) = kept.verify(&[&note])?;
    ensure!(code == 1, "the old key alone does not know the new one: {report}");
    let listing = good(&server.command(&["ledger", "key", "--all"]).await?)?;
    ensure!(listing.lines().count() == 2 && listing.contains(&new), "{listing}");
    let listing = kept.keep("keys", &listing)?;
    let (code, report) = kept.verify(&[&note, "--keys-file", &listing])?;
    ensure!(code == 0, "{report}");
    server.finish().await
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        let target = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy(&file.path(), &target)?;
        } else if file.file_type()?.is_file() {
            std::fs::copy(file.path(), &target)?;
        }
    }
    Ok(())
}
