//! Governance of a running server, by its command line alone: the first set-up, roles by four
//! eyes, a case, what is refused, reading what was redacted, and all of it after a restart.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::{path::PathBuf, process::Output};

use anyhow::{Context, Result, ensure};
use harness::{
    http_client::encode, matrix_client::MatrixClient, register, server::Server, two_in_a_room,
};
use http::Method;
use serde_json::{Value, json};

const SECRET: &str = "what was said before it was taken back";

/// Somebody at a command line, with a token file.
struct Officer<'a> {
    server: &'a Server,
    url: String,
    token_file: PathBuf,
}

impl<'a> Officer<'a> {
    fn new(server: &'a Server, client: &MatrixClient) -> Result<Self> {
        let name = client.user_id.trim_start_matches('@').replace(':', "_");
        let token_file = server.data_dir().join(format!("../{name}.token"));
        std::fs::write(&token_file, format!("{}\n", client.access_token))?;
        Ok(Self { server, url: server.http().base().to_owned(), token_file })
    }

    async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let file = self.token_file.to_str().context("a plain name")?;
        let mut all = arguments.to_vec();
        all.extend(["--server", &self.url, "--token-file", file]);
        self.server.command(&all).await
    }

    /// A command that goes well; its answer.
    async fn does(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.run(&all).await?;
        ensure!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// A command that is refused, with exit code 1 and words.
    async fn may_not(&self, arguments: &[&str], words: &str) -> Result<()> {
        let output = self.run(arguments).await?;
        let said = stderr(&output);
        ensure!(output.status.code() == Some(1), "{arguments:?}: {} {said}", output.status);
        ensure!(said.contains(words) && said.contains("What to do"), "{arguments:?}: {said}");
        ensure!(output.stdout.is_empty(), "a refusal prints no result");
        Ok(())
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A moment that the server's clock reaches after the test.
fn in_a_day() -> Result<String> {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_millis();
    Ok((now + 86_400_000).to_string())
}

/// Names the first two officers, by the operator's socket.
async fn set_up(server: &Server, officers: [&MatrixClient; 2]) -> Result<()> {
    let [first, second] = officers.map(|officer| officer.user_id.as_str());
    let same = server.command(&["role", "bootstrap", first, first]).await?;
    ensure!(same.status.code() == Some(1), "{}", stderr(&same));
    let one = server.command(&["role", "bootstrap", first]).await?;
    ensure!(one.status.code() == Some(2), "{}", stderr(&one));
    let done = server.command(&["role", "bootstrap", first, second]).await?;
    ensure!(done.status.success(), "{}", stderr(&done));
    let again = server.command(&["role", "bootstrap", first, second]).await?;
    ensure!(again.status.code() == Some(1) && stderr(&again).contains("set up already"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_officers_to_a_case_that_is_read_and_outlives_a_restart() -> Result<()> {
    let mut server = Server::start().await?;
    let options = json!({ "preset": "private_chat" });
    let (mut alice, bob, room) = two_in_a_room(&server, &options).await?;
    let (ann, ben, otto) = (
        register(&server, "ann").await?,
        register(&server, "ben").await?,
        register(&server, "otto").await?,
    );
    let said = alice.send_text(&room, SECRET).await?;
    let path = format!("/v3/rooms/{}/redact/{}/r1", encode(&room), encode(&said));
    alice.put(&path, &json!({})).await?;
    set_up(&server, [&ann, &ben]).await?;
    let clients = (&ann, &ben, &otto, &alice);
    let case = roles_and_a_case(&server, clients, &bob, &room).await?;

    server.stop_gracefully().await?;
    server.restart().await?;
    let (ann, otto) = (Officer::new(&server, &ann)?, Officer::new(&server, &otto)?);
    let read = ann.does(&["case", "read", &case, "--limit", "1000"]).await?;
    ensure!(read.to_string().contains(SECRET), "after a restart: {read}");
    let roles = otto.does(&["role", "list"]).await?;
    ensure!(roles.to_string().contains("@otto:localhost"), "{roles}");
    let path = format!("/_chancery/admin/v1/cases/{case}/accesses");
    let token = std::fs::read_to_string(&otto.token_file)?;
    let accesses = server.http().json(Method::GET, &path, Some(token.trim()), None).await?.ok()?;
    let accesses = accesses["accesses"].as_array().context("a list")?;
    ensure!(accesses.len() == 3, "each page is an access: {accesses:?}");
    ensure!(accesses[0]["address"] == "127.0.0.1" && accesses[0]["user"] == "@ann:localhost");

    ann.does(&["case", "close", &case, "--reason", "done"]).await?;
    ann.may_not(&["case", "read", &case], "closed").await?;
    drop((ann, otto));
    server.finish().await
}

async fn roles_and_a_case(
    server: &Server,
    (ann, ben, otto, alice): (&MatrixClient, &MatrixClient, &MatrixClient, &MatrixClient),
    bob: &MatrixClient,
    room: &str,
) -> Result<String> {
    let (ann, ben) = (Officer::new(server, ann)?, Officer::new(server, ben)?);
    let (otto, alice) = (Officer::new(server, otto)?, Officer::new(server, alice)?);
    let why = ["--reason", "because"];
    let grant = ["role", "grant", "auditor", "@otto:localhost", why[0], why[1]];
    alice.may_not(&grant, "compliance officer").await?;
    let asked = ann.does(&grant).await?["request"].to_string();
    ann.may_not(&["role", "approve", &asked, why[0], why[1]], "second person").await?;
    ben.does(&["role", "approve", &asked, why[0], why[1]]).await?;

    let open = ["case", "open", "--room", room, "--expires", "2099-01-01", why[0], why[1]];
    ann.may_not(&open, "366 days").await?;
    let expires = in_a_day()?;
    let open = ["case", "open", "--room", room, "--expires", &expires, why[0], why[1]];
    otto.may_not(&open, "officer").await?;
    let case = ann.does(&open).await?["case"].to_string();
    let read = ["case", "read", &case];
    ann.may_not(&read, "pending").await?;
    ann.may_not(&["case", "approve", &case, why[0], why[1]], "second person").await?;
    ben.does(&["case", "approve", &case, why[0], why[1]]).await?;
    otto.may_not(&read, "officer").await?;
    alice.may_not(&read, "officer").await?;

    // In the room, nobody sees it any more; in the case, the original is there.
    let history = bob.history(room, 100).await?;
    ensure!(!Value::from(history).to_string().contains(SECRET));
    let shown = ann.does(&["case", "read", &case, "--limit", "1000"]).await?;
    ensure!(shown.to_string().contains(SECRET), "{shown}");
    let output = ben.run(&read).await?;
    let lines = String::from_utf8(output.stdout)?;
    ensure!(lines.contains(SECRET) && lines.contains("is redacted"), "{lines}");
    let status = otto.does(&["case", "show", &case]).await?;
    ensure!(status["status"] == "in_force" && !status.to_string().contains(SECRET));
    Ok(case)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_resets_an_officers_password_is_no_officer() -> Result<()> {
    let server = Server::start().await?;
    let (ann, ben) = (register(&server, "ann").await?, register(&server, "ben").await?);
    set_up(&server, [&ann, &ben]).await?;
    let password = tempfile::NamedTempFile::new()?;
    std::fs::write(password.path(), "another pass phrase")?;
    let file = password.path().to_str().context("a path in UTF-8")?;
    // Even on the devices that stay signed in: the operator may have copied nothing but that.
    let reset = ["user", "reset-password", "ann", "--keep-devices", "--password-file", file];
    let done = server.command(&reset).await?;
    ensure!(String::from_utf8_lossy(&done.stdout).contains("role restore @ann:localhost"));
    let (ann, ben) = (Officer::new(&server, &ann)?, Officer::new(&server, &ben)?);
    ann.may_not(&["role", "list"], "officers and auditors").await?;
    let restore = ["role", "restore", "@ann:localhost", "--reason", "seen in person"];
    ann.may_not(&restore, "a compliance officer").await?;
    let roles = ben.does(&["role", "list"]).await?;
    ensure!(roles["holders"][0]["suspended"] == true, "{roles}");
    ben.does(&restore).await?;
    ann.does(&["role", "list"]).await?;
    drop((ann, ben));
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_set_up_works_without_a_server_and_a_members_officer_stays_out() -> Result<()> {
    let mut server = Server::start().await?;
    let (ann, ben, room) = two_in_a_room(&server, &json!({ "preset": "private_chat" })).await?;
    server.stop_gracefully().await?;
    set_up(&server, [&ann, &ben]).await?;
    server.restart().await?;
    let officer = Officer::new(&server, &ann)?;
    let soon = in_a_day()?;
    let why = ["--reason", "because"];
    let open = ["case", "open", "--room", &room, "--expires", &soon, why[0], why[1]];
    officer.may_not(&open, "in the scope").await?;
    let nobody = ["case", "open", "--expires", &soon, why[0], why[1]];
    let output = officer.run(&nobody).await?;
    ensure!(output.status.code() == Some(2), "an empty scope is wrong usage");
    let wrong = server.command(&[
        "case",
        "list",
        "--server",
        "http://matrix.example.org",
        "--token-file",
        "/nowhere",
    ]);
    ensure!(wrong.await?.status.code() == Some(1));
    drop(officer);
    server.finish().await
}

/// A login that fails, a login that goes well, and a new password by the operator.
async fn comings_and_goings(server: &Server) -> Result<()> {
    register(server, "dora").await?;
    let wrong = json!({
        "type": "m.login.password", "password": "canaryguessqzx",
        "identifier": { "type": "m.id.user", "user": "dora" },
    });
    let path = "/_matrix/client/v3/login";
    let answer = server.http().json(Method::POST, path, None, Some(&wrong)).await?;
    ensure!(answer.status.as_u16() == 403, "{}", answer.status);
    MatrixClient::log_in(&server.http(), "dora", harness::PASSWORD, None).await?;
    let password = tempfile::NamedTempFile::new()?;
    std::fs::write(password.path(), "canarynewqzx")?;
    let file = password.path().to_str().context("a path in UTF-8")?;
    let reset = ["user", "reset-password", "dora", "--reason", "lost phone"];
    let done = server.command(&[&reset[..], &["--password-file", file]].concat()).await?;
    ensure!(done.status.success(), "{}", stderr(&done));
    Ok(())
}

/// The entries of the trail as `chancery audit list` prints them.
async fn trail(officer: &Officer<'_>, more: &[&str]) -> Result<Vec<Value>> {
    let listed = officer.run(&[&["audit", "list", "--json"], more].concat()).await?;
    ensure!(listed.status.success(), "{}", stderr(&listed));
    let lines = String::from_utf8(listed.stdout)?;
    lines.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// That these entries follow each other, with others in between or not: kind, who acted, whom it
/// is about, and a value of the details.
fn appear(entries: &[Value], wanted: &[[&str; 4]]) -> Result<()> {
    let mut wanted = wanted.iter().peekable();
    for entry in entries {
        let Some([kind, actor, subject, detail]) = wanted.peek() else { break };
        let is = |key: &str, text: &str| entry[key].as_str().unwrap_or("-") == text;
        let named = is("kind", kind) && is("actor", actor) && is("subject", subject);
        if named && entry["details"].to_string().contains(detail) {
            wanted.next();
        }
    }
    ensure!(wanted.peek().is_none(), "{:?} is missing in {entries:#?}", wanted.peek());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_administration_are_in_the_trail_and_no_secret_is() -> Result<()> {
    let mut server = Server::start().await?;
    let (ann, ben) = (register(&server, "ann").await?, register(&server, "ben").await?);
    set_up(&server, [&ann, &ben]).await?;
    comings_and_goings(&server).await?;
    let (first, second) = (Officer::new(&server, &ann)?, Officer::new(&server, &ben)?);
    let why = ["--reason", "because"];
    let grant = ["role", "grant", "auditor", "@dora:localhost", why[0], why[1]];
    let asked = first.does(&grant).await?["request"].to_string();
    second.does(&["role", "approve", &asked, why[0], why[1]]).await?;
    drop((first, second));
    server.stop_gracefully().await?;
    server.restart().await?;

    let ben_again = Officer::new(&server, &ben)?;
    let (dora, operator) = ("@dora:localhost", "operator");
    let wanted = [
        ["administration_recorded", dora, dora, "account_created"],
        ["login_recorded", dora, dora, "registration"],
        ["login_recorded", "-", dora, "wrong_password"],
        ["login_recorded", dora, dora, "accepted"],
        ["administration_recorded", operator, dora, "password_set"],
        ["sessions_ended", operator, dora, "password_set"],
        ["role_requested", "@ann:localhost", dora, "auditor"],
        ["role_approved", "@ben:localhost", "-", &asked],
        ["staff_record_read", "@ben:localhost", "-", "audit_trail"],
    ];
    let entries = trail(&ben_again, &[]).await?;
    appear(&entries, &wanted)?;
    let failed = entries.iter().find(|entry| entry["details"]["outcome"] == "wrong_password");
    ensure!(failed.context("a failed login")?["address"] == "127.0.0.1");
    ensure!(entries.iter().any(|entry| entry["reason"] == "lost phone"));
    let logins = trail(&ben_again, &["--kind", "login_recorded", "--user", dora]).await?;
    ensure!(logins.len() == 3, "{logins:?}");
    ben_again.may_not(&["audit", "list", "--kind", "nonsense"], "login_recorded").await?;

    let out = server.data_dir().join("../trail.jsonl");
    let out = out.to_str().context("a path in UTF-8")?;
    let written = ben_again.does(&["audit", "export", "--out", out]).await?;
    let text = std::fs::read_to_string(out)?;
    ensure!(written["entries"].as_u64() == Some(text.lines().count().try_into()?));
    ensure!(text.lines().count() > entries.len(), "the looks since then are in it");
    for secret in [harness::PASSWORD, "canary", "argon2", &ann.access_token, &ben.access_token] {
        ensure!(!text.contains(secret), "{secret} stands in the trail");
    }
    ben_again.may_not(&["audit", "export", "--out", out], "is there already").await?;
    drop(ben_again);
    server.finish().await
}
