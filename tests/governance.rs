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
