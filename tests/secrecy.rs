//! What the disk gives away. Strings that appear nowhere else are planted in everything that people
//! write; then every byte of every file is searched.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, Registration},
    register,
    server::Server,
};
use serde_json::json;

const BODY: &str = "canarybodyqzx";
const TO_DEVICE: &str = "canarydevicemsgqzx";
const ROOM_NAME: &str = "canaryroomnameqzx";
const TOPIC: &str = "canarytopicqzx";
const USER: &str = "canaryuserqzx";
const ALIAS: &str = "canaryaliasqzx";
const ACCOUNT_DATA: &str = "canaryaccountqzx";
const DISPLAY_NAME: &str = "canarydisplayqzx";
const MEDIA: &str = "canarymediaqzx";
const FILE_NAME: &str = "canaryfilenameqzx";
const PASSWORD: &str = "canarypasswordqzx";

/// Plants everything; gives the access tokens.
async fn plant(server: &Server) -> Result<Vec<String>> {
    let http = server.http();
    let mut alice = MatrixClient::register(&http, USER, PASSWORD, &Registration::Open).await?;
    let bob = register(server, "bob").await?;
    let options = json!({
        "preset": "public_chat", "name": ROOM_NAME, "topic": TOPIC, "room_alias_name": ALIAS,
    });
    let room = alice.create_room(&options).await?;
    bob.join(&room).await?;
    alice.send_text(&room, BODY).await?;
    let edited = json!({ "msgtype": "m.text", "body": format!("* {BODY}"),
        "m.new_content": { "msgtype": "m.text", "body": BODY } });
    alice.send_under(&room, "m.room.message", "edit", &edited).await?.ok()?;
    let message =
        json!({ "messages": { &bob.user_id: { &bob.device_id: { "note": TO_DEVICE } } } });
    alice.put("/v3/sendToDevice/m.canary/t1", &message).await?;
    let user = encode(&alice.user_id);
    alice
        .put(&format!("/v3/profile/{user}/displayname"), &json!({ "displayname": DISPLAY_NAME }))
        .await?;
    let path = format!("/v3/user/{user}/account_data/m.canary");
    alice.put(&path, &json!({ "note": ACCOUNT_DATA })).await?;
    // Incompressible length does not matter: the search is for the text itself.
    let media = MEDIA.repeat(64);
    let mxc = alice.upload(&format!("text/plain; note={FILE_NAME}"), media.as_bytes()).await?;
    ensure!(bob.download(&mxc).await?.body == media.as_bytes());
    Ok(vec![alice.access_token.clone(), bob.access_token.clone()])
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// What is not zero throughout: the store's journals are mostly space that is set aside, and no
/// secret has a zero in it.
fn written(bytes: &[u8]) -> Vec<&[u8]> {
    const BLOCK: usize = 4096;
    let mut parts: Vec<std::ops::Range<usize>> = Vec::new();
    for (number, block) in bytes.chunks(BLOCK).enumerate() {
        if block == &[0; BLOCK][..block.len()] {
            continue;
        }
        let (start, end) = (number * BLOCK, number * BLOCK + block.len());
        match parts.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => parts.push(start..end),
        }
    }
    parts.into_iter().map(|part| &bytes[part]).collect()
}

/// Files below `dir` that hold one of `secrets`, in UTF-8, whole.
fn leaks(dir: &Path, secrets: &[&str]) -> Result<Vec<String>> {
    let mut leaks = Vec::new();
    let files = files(dir)?;
    ensure!(!files.is_empty(), "nothing to search in {}", dir.display());
    for file in files {
        let bytes = std::fs::read(&file)?;
        let written = written(&bytes);
        for secret in secrets {
            let mut windows = written.iter().flat_map(|part| part.windows(secret.len()));
            if windows.any(|window| window == secret.as_bytes()) {
                leaks.push(format!("`{secret}` in {}", file.display()));
            }
        }
    }
    Ok(leaks)
}

fn search(server: &Server, tokens: &[String]) -> Result<()> {
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    // Nowhere, not in views or folds either: what is secret is read from the log by position, and
    // of passwords and tokens only hashes are kept.
    let mut nowhere = vec![BODY, TO_DEVICE, ACCOUNT_DATA, MEDIA, PASSWORD];
    nowhere.extend(&tokens);
    let mut found = leaks(&server.data_dir(), &nowhere)?;
    // The log holds no name at all: it is sealed throughout.
    let mut sealed = vec![ROOM_NAME, TOPIC, USER, ALIAS, DISPLAY_NAME, FILE_NAME];
    sealed.extend(&nowhere);
    found.extend(leaks(&server.data_dir().join("log"), &sealed)?);
    ensure!(found.is_empty(), "the disk gives away: {found:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_gives_nothing_away_while_running_nor_after_any_end() -> Result<()> {
    let mut server = Server::start().await?;
    let tokens = plant(&server).await?;
    search(&server, &tokens)?;
    server.kill_9().await?;
    search(&server, &tokens)?;
    server.restart().await?;
    server.stop_gracefully().await?;
    search(&server, &tokens)?;
    server.restart().await?;
    // The server's own output is a file on somebody's disk as well.
    let output = server.output_tail();
    for secret in [BODY, TO_DEVICE, PASSWORD, ACCOUNT_DATA, tokens[0].as_str()] {
        ensure!(!output.contains(secret), "`{secret}` in the server's output");
    }
    server.finish().await
}

/// The search must be able to fail.
#[test]
fn a_planted_string_in_a_file_is_found() -> Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::create_dir(dir.path().join("deep"))?;
    std::fs::write(dir.path().join("deep/file"), [b"\0\x01", BODY.as_bytes(), b"\xff"].concat())?;
    ensure!(leaks(dir.path(), &[BODY, TOPIC])?.len() == 1);
    // Over the end of a block, after one that is not searched.
    let mut bytes = vec![0; 20_000];
    bytes[8_190..8_190 + TOPIC.len()].copy_from_slice(TOPIC.as_bytes());
    std::fs::write(dir.path().join("deep/file"), bytes)?;
    ensure!(leaks(dir.path(), &[BODY, TOPIC])?.len() == 1);
    Ok(())
}
