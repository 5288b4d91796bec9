//! What others wrote, on the terminal of whoever reads it: names of files in an export, of failed
//! logins, types of events. None of it is obeyed, and none passes for a line of the program's own.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/officer.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod officer;

use std::{fs, process::Output, time::SystemTime};

use anyhow::{Context as _, Result, ensure};
use harness::{matrix_client::MatrixClient, register, server::Server, two_in_a_room};
use officer::{Officer, stderr};
use serde_json::{Value, json};

/// In small letters, as a name of a login is kept: clears the screen, turns what follows around, and begins a line.
const HOSTILE: &str = "\u{1b}[2j\u{202e}\u{9b}2j\nthe export of case 1 is complete and untouched";
/// How its beginning is shown.
const SHOWN: &str = r"\u{1b}[2j\u{202e}\u{9b}2j\n";
const WHY: [&str; 3] = ["--reason", "because", "--yes"];

/// What was printed, which a terminal shows as it is.
fn printed(output: &Output, ok: bool) -> Result<String> {
    ensure!(output.status.success() == ok, "{}: {}", output.status, stderr(output));
    let text = String::from_utf8(output.stdout.clone())?;
    for printed in [&text, &stderr(output)] {
        let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        ensure!(!printed.contains(obeyed), "{printed:?}");
        let forged = printed.lines().any(|line| line.trim().starts_with("the export of case 1"));
        ensure!(!forged, "{printed:?}");
    }
    Ok(text)
}

/// A case over a room with an event whose type is hostile, and a failed login of such a name.
async fn case(server: &Server, ann: &MatrixClient, ben: &MatrixClient) -> Result<String> {
    let (alice, _, room) = two_in_a_room(server, &json!({})).await?;
    let content = json!({ "body": HOSTILE });
    alice.send_under(&room, HOSTILE, "hostile", &content).await?.ok()?;
    let failed = MatrixClient::log_in(&server.http(), HOSTILE, "a guess", None).await;
    ensure!(failed.is_err());
    let officers = ["role", "bootstrap", &ann.user_id, &ben.user_id];
    ensure!(server.command(&officers).await?.status.success());
    let expires = (SystemTime::UNIX_EPOCH.elapsed()?.as_millis() + 86_400_000).to_string();
    let open = ["case", "open", "--room", &room, "--expires", &expires, WHY[0], WHY[1]];
    let case = Officer::new(server, ann)?.does(&open).await?["case"].to_string();
    Officer::new(server, ben)?.does(&["case", "approve", &case, WHY[0], WHY[1]]).await?;
    Ok(case)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_obeys_nothing_that_others_wrote() -> Result<()> {
    let server = Server::start().await?;
    let (ann, ben) = (register(&server, "ann").await?, register(&server, "ben").await?);
    let case = case(&server, &ann, &ben).await?;
    let officer = Officer::new(&server, &ann)?;
    for command in [&["case", "read", &case][..], &["audit", "list"]] {
        let shown = printed(&officer.run(command).await?, true)?;
        ensure!(shown.contains(SHOWN), "{shown}");
        // A script reads what was written.
        let json = printed(&officer.run(&[command, &["--json"]].concat()).await?, true)?;
        let values: Vec<Value> =
            json.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let values = Value::from(values);
        ensure!(strings(&values).any(|text| text.contains(HOSTILE)), "{command:?}: {values:#}");
    }

    let out = server.data_dir().with_file_name("out");
    let dir = out.to_str().context("a plain name")?;
    let line = ["export", "--case", &case, "--format", "jsonl", "--out", dir, "--yes"];
    officer.does(&line).await?;
    let key = server.command(&["ledger", "key", "--json"]).await?;
    let key: Value = serde_json::from_slice(&key.stdout)?;
    let verify = ["verify", dir, "--key", key["key"].as_str().context("a key")?];
    let right = printed(&server.command(&verify).await?, true)?;
    ensure!(right.contains("is complete and untouched"), "{right}");
    ensure!(right.contains("time was NOT OVER at position"), "{right}");
    fs::write(out.join(HOSTILE), "x")?;
    let wrong = printed(&server.command(&verify).await?, false)?;
    ensure!(wrong.starts_with("NOT VERIFIED\n") && wrong.contains(SHOWN), "{wrong}");
    let json = server.command(&[&verify[..], &["--json"]].concat()).await?;
    let found: Value = serde_json::from_str(&printed(&json, false)?)?;
    ensure!(found["finding"]["kind"] == HOSTILE, "{found}");
    drop(officer);
    server.finish().await
}

/// All strings of a value.
fn strings(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(list) => Box::new(list.iter().flat_map(strings)),
        Value::Object(members) => Box::new(members.values().flat_map(strings)),
        _ => Box::new(std::iter::empty()),
    }
}
