//! A hold survives every attempt to destroy what it covers: every route that can take something
//! away, every command, an erasure, runs, a restart and views built anew.
//!
//! The list of routes is the served one: a route that is in no list here fails the test.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/officer.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod officer;

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::SystemTime};

use anyhow::{Context, Result, ensure};
use event_log::{Log, LogOptions, PartContent, RANGE_ENTRIES_MAX, SystemRandom};
use facts::{LogPosition, Timestamp};
use harness::{
    PASSWORD,
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    two_in_a_room,
};
use officer::Officer;
use policies::staff_routes;
use serde_json::{Value, json};

const WHY: [&str; 3] = ["--reason", "because", "--yes"];
const CANARIES: u32 = 12;

/// Routes that only add something, or say what is.
const GIVES: &[&str] = &[
    "POST /_matrix/client/v3/account/password",
    "POST /_matrix/client/v3/createRoom",
    "POST /_matrix/client/v3/join/{room_id_or_alias}",
    "POST /_matrix/client/v3/keys/claim",
    "POST /_matrix/client/v3/keys/device_signing/upload",
    "POST /_matrix/client/v3/keys/signatures/upload",
    "POST /_matrix/client/v3/keys/upload",
    "POST /_matrix/client/v3/knock/{room_id_or_alias}",
    "POST /_matrix/client/v3/login",
    "POST /_matrix/client/v3/refresh",
    "POST /_matrix/client/v3/register",
    "POST /_matrix/client/v3/room_keys/version",
    "POST /_matrix/client/v3/rooms/{room_id}/invite",
    "POST /_matrix/client/v3/rooms/{room_id}/join",
    "POST /_matrix/client/v3/rooms/{room_id}/read_markers",
    "POST /_matrix/client/v3/rooms/{room_id}/receipt/{receipt_type}/{event_id}",
    "POST /_matrix/client/v3/rooms/{room_id}/unban",
    "POST /_matrix/client/v3/user/{user_id}/filter",
    "POST /_matrix/media/v1/create",
    "POST /_matrix/media/v3/upload",
    "PUT /_matrix/client/v3/devices/{device_id}",
    "PUT /_matrix/client/v3/directory/list/room/{room_id}",
    "PUT /_matrix/client/v3/directory/room/{room_alias}",
    "PUT /_matrix/client/v3/pushrules/global/{kind}/{rule_id}",
    "PUT /_matrix/client/v3/pushrules/global/{kind}/{rule_id}/actions",
    "PUT /_matrix/client/v3/pushrules/global/{kind}/{rule_id}/enabled",
    "PUT /_matrix/client/v3/room_keys/keys",
    "PUT /_matrix/client/v3/room_keys/keys/{room_id}",
    "PUT /_matrix/client/v3/room_keys/keys/{room_id}/{session_id}",
    "PUT /_matrix/client/v3/room_keys/version/{version}",
    "PUT /_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}",
    "PUT /_matrix/client/v3/sendToDevice/{event_type}/{txn_id}",
    "PUT /_matrix/client/v3/user/{user_id}/rooms/{room_id}/tags/{tag}",
    "PUT /_matrix/media/v3/upload/{server_name}/{media_id}",
    // Of the staff: rights, cases, holds, and the documents by which things are kept.
    "POST /roles/requests",
    "POST /roles/requests/{request}/approve",
    "POST /roles/requests/{request}/reject",
    "POST /roles/revoke",
    "POST /roles/restore",
    "POST /cases",
    "POST /cases/{case}/approve",
    "POST /cases/{case}/reject",
    "POST /cases/{case}/close",
    "POST /cases/{case}/exports",
    "POST /cases/{case}/exports/{export}/seal",
    "POST /holds",
    "POST /holds/{hold}/widen",
    "POST /holds/{hold}/notified",
    "POST /holds/releases/{request}/reject",
    "POST /erasures/{request}/withdraw",
    // A release by two is no attempt to get around a hold: it ends it.
    "POST /holds/{hold}/release",
    "POST /holds/releases/{request}/approve",
];

/// Routes by which something of a person or a room is replaced, removed or ended, in an order in
/// which each of them has something left to take. All are tried below.
const TAKES: &[&str] = &[
    "PUT /_matrix/client/v3/rooms/{room_id}/redact/{event_id}/{txn_id}",
    "PUT /_matrix/client/v3/rooms/{room_id}/state/{event_type}",
    "PUT /_matrix/client/v3/rooms/{room_id}/state/{event_type}/",
    "PUT /_matrix/client/v3/rooms/{room_id}/state/{event_type}/{state_key}",
    "PUT /_matrix/client/v3/profile/{user_id}/avatar_url",
    "PUT /_matrix/client/v3/profile/{user_id}/displayname",
    "PUT /_matrix/client/v3/profile/{user_id}/{field}",
    "DELETE /_matrix/client/v3/profile/{user_id}/avatar_url",
    "DELETE /_matrix/client/v3/profile/{user_id}/displayname",
    "DELETE /_matrix/client/v3/profile/{user_id}/{field}",
    "PUT /_matrix/client/v3/user/{user_id}/account_data/{event_type}",
    "PUT /_matrix/client/v3/user/{user_id}/rooms/{room_id}/account_data/{event_type}",
    "DELETE /_matrix/client/v3/user/{user_id}/rooms/{room_id}/tags/{tag}",
    "DELETE /_matrix/client/v3/pushrules/global/{kind}/{rule_id}",
    "DELETE /_matrix/client/v3/directory/room/{room_alias}",
    "DELETE /_matrix/client/v3/room_keys/keys/{room_id}/{session_id}",
    "DELETE /_matrix/client/v3/room_keys/keys/{room_id}",
    "DELETE /_matrix/client/v3/room_keys/keys",
    "DELETE /_matrix/client/v3/room_keys/version/{version}",
    "POST /_matrix/client/v3/rooms/{room_id}/upgrade",
    "POST /_matrix/client/v3/rooms/{room_id}/kick",
    "POST /_matrix/client/v3/rooms/{room_id}/ban",
    "POST /_matrix/client/v3/rooms/{room_id}/leave",
    "POST /_matrix/client/v3/rooms/{room_id}/forget",
    "DELETE /_matrix/client/v3/devices/{device_id}",
    "POST /_matrix/client/v3/delete_devices",
    "POST /_matrix/client/v3/logout",
    "POST /_matrix/client/v3/logout/all",
    "POST /_matrix/client/v3/account/deactivate",
    "POST /policies",
    "POST /erasures",
    "POST /policies/run",
];

/// The routes that are served and change something.
fn served() -> Result<BTreeSet<String>> {
    let snapshot = "write-side/endpoints/tests/endpoints/snapshots/\
                    endpoints__routes__every_route_is_listed_once_and_has_ruma_s_paths.snap";
    let listed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(snapshot))?;
    let matrix = listed.lines().filter(|line| line.contains(" /_matrix/")).map(str::to_owned);
    let staff = staff_routes().into_iter().map(|route| format!("{} {}", route.method, route.path));
    Ok(matrix.chain(staff).filter(|route| !route.starts_with("GET ")).collect())
}

#[test]
fn every_route_is_known_to_take_or_to_give() -> Result<()> {
    let known = GIVES.iter().chain(TAKES).map(|&route| route.to_owned()).collect();
    let served = served()?;
    let missing: Vec<_> = served.symmetric_difference(&known).collect();
    ensure!(missing.is_empty(), "say whether these can take something away: {missing:#?}");
    Ok(())
}

fn canary(number: u32) -> String {
    format!("canaryheld{number}q")
}

struct World {
    server: Server,
    alice: MatrixClient,
    bob: MatrixClient,
    ann: MatrixClient,
    ben: MatrixClient,
    dora: MatrixClient,
    room: String,
    event: String,
    device: String,
    backup: String,
}

/// Alice, who is a custodian, with something in every place from which it can be taken.
async fn world() -> Result<World> {
    let server = Server::start().await?;
    let (mut alice, bob, room) =
        two_in_a_room(&server, &json!({ "preset": "public_chat" })).await?;
    let (user, place) = (encode(&alice.user_id), encode(&room));
    let event = alice.send_text(&room, &canary(0)).await?;
    alice.set_state(&room, "m.room.topic", "", &json!({ "topic": canary(1) })).await?;
    alice
        .put(&format!("/v3/profile/{user}/displayname"), &json!({ "displayname": canary(2) }))
        .await?;
    let avatar = json!({ "avatar_url": format!("mxc://localhost/{}", canary(3)) });
    alice.put(&format!("/v3/profile/{user}/avatar_url"), &avatar).await?;
    let data = format!("/v3/user/{user}/account_data/org.example.note");
    alice.put(&data, &json!({ "note": canary(4) })).await?;
    let data = format!("/v3/user/{user}/rooms/{place}/account_data/org.example.note");
    alice.put(&data, &json!({ "note": canary(5) })).await?;
    let tag = format!("/v3/user/{user}/rooms/{place}/tags/u.{}", canary(6));
    alice.put(&tag, &json!({})).await?;
    let rule = format!("/v3/pushrules/global/content/{}", canary(7));
    alice.put(&rule, &json!({ "pattern": canary(7), "actions": ["notify"] })).await?;
    let media = alice.upload("text/plain", canary(8).as_bytes()).await?;
    let file = json!({ "msgtype": "m.file", "body": canary(8), "url": media });
    alice.send_under(&room, "m.room.message", "f", &file).await?.ok()?;
    let device = text(&alice.get("/v3/account/whoami").await?, "device_id")?;
    let named = json!({ "display_name": canary(9) });
    alice.put(&format!("/v3/devices/{}", encode(&device)), &named).await?;
    let backup = json!({ "algorithm": "m.megolm_backup.v1", "auth_data": { "own": canary(10) } });
    let backup = text(&alice.post("/v3/room_keys/version", &backup).await?, "version")?;
    let session = json!({
        "first_message_index": 0,
        "forwarded_count": 0,
        "is_verified": false,
        "session_data": { "sealed": canary(11) },
    });
    alice.put(&format!("/v3/room_keys/keys/{place}/s1?version={backup}"), &session).await?;
    let alias = json!({ "room_id": room });
    alice.put(&format!("/v3/directory/room/{}", encode("#held:localhost")), &alias).await?;
    let [ann, ben, dora] = [
        register(&server, "ann").await?,
        register(&server, "ben").await?,
        register(&server, "dora").await?,
    ];
    Ok(World { server, alice, bob, ann, ben, dora, room, event, device, backup })
}

impl World {
    fn officer(&self, client: &MatrixClient) -> Result<Officer<'_>> {
        Officer::new(&self.server, client)
    }

    async fn set_up(&self) -> Result<()> {
        let set_up = ["role", "bootstrap", "@ann:localhost", "@ben:localhost"];
        ensure!(self.server.command(&set_up).await?.status.success(), "no officers");
        let grant = ["role", "grant", "data_protection_officer", "@dora:localhost"];
        let asked = self.officer(&self.ann)?.does(&[&grant[..], &WHY[..2]].concat()).await?;
        let asked = asked["request"].to_string();
        self.officer(&self.ben)?.does(&["role", "approve", &asked, WHY[0], WHY[1]]).await?;
        let place = ["hold", "place", "--matter", "inquiry 7", "--user", "@alice:localhost"];
        self.officer(&self.ann)?.does(&[&place[..], &WHY].concat()).await?;
        Ok(())
    }

    /// The body and the path of a route that takes something.
    fn attempt(&self, path: &str) -> (String, Value) {
        let path = path
            .replace("{room_id}", &encode(&self.room))
            .replace("{event_id}", &encode(&self.event))
            .replace("{user_id}", &encode(&self.alice.user_id))
            .replace("{device_id}", &encode(&self.device))
            .replace("{room_alias}", &encode("#held:localhost"))
            .replace("{session_id}", "s1")
            .replace("{version}", &self.backup)
            .replace("{txn_id}", "t1")
            .replace("{state_key}", "")
            .replace("{kind}", "content")
            .replace("{rule_id}", &canary(7))
            .replace("{tag}", &format!("u.{}", canary(6)))
            .replace("{field}", "org.example.field");
        let event_type = if path.contains("/state/") { "m.room.topic" } else { "org.example.note" };
        let path = path.replace("{event_type}", event_type);
        let body = json!({
            "reason": "gone", "topic": "other", "displayname": "other", "note": "other",
            "avatar_url": "mxc://localhost/other", "org.example.field": "other",
            "user_id": if path.ends_with("/leave") { "@alice:localhost" } else { "@bob:localhost" },
            "devices": [self.device], "new_version": "12", "erase": true,
        });
        let body = if path.ends_with("/org.example.field") {
            json!({ "org.example.field": "other" })
        } else {
            body
        };
        let keys = path.contains("/room_keys/keys");
        let path = if keys { format!("{path}?version={}", self.backup) } else { path };
        (path, body)
    }

    async fn try_matrix(&self, route: &str) -> Result<()> {
        let (method, path) = route.split_once(' ').context("a method and a path")?;
        let method: http::Method = method.parse()?;
        let (path, mut body) = self.attempt(path);
        // Whoever logged out logs in again for the next attempt.
        let alice = MatrixClient::log_in(&self.server.http(), "alice", PASSWORD, None).await?;
        let mut answer = alice.call(method.clone(), &path, Some(&body)).await?;
        if answer.status.as_u16() == 401 {
            body["auth"] = json!({
                "type": "m.login.password",
                "session": answer.json()?["session"],
                "identifier": { "type": "m.id.user", "user": "alice" },
                "password": PASSWORD,
            });
            answer = alice.call(method, &path, Some(&body)).await?;
        }
        ensure!(answer.status.is_success(), "{route} took nothing: {answer}");
        Ok(())
    }

    async fn try_staff(&self, route: &str) -> Result<()> {
        let (ann, dora) = (self.officer(&self.ann)?, self.officer(&self.dora)?);
        match route {
            "POST /policies" => {
                let file = self.server.data_dir().join("../brief.toml");
                let short = "[redaction]\nkeep = \"1h\"\n[policy.brief]\nrecords = [\"messages\", \
                             \"state\", \"media\", \"receipts\", \"to-device\"]\n\
                             keep_at_most = \"1h\"\n";
                fs::write(&file, short)?;
                let file = file.to_str().context("a plain name")?;
                ann.does(&[&["policy", "apply", file][..], &WHY].concat()).await?;
            }
            "POST /erasures" => {
                let erase = ["erasure", "request", "@alice:localhost"];
                dora.does(&[&erase[..], &WHY].concat()).await?;
            }
            "POST /policies/run" => self.run().await?,
            other => anyhow::bail!("{other} is not tried"),
        }
        Ok(())
    }

    /// A run finds that the hold keeps everything, says so, and so does the explanation.
    async fn run(&self) -> Result<()> {
        let ann = self.officer(&self.ann)?;
        let receipt = ann.does(&[&["policy", "run"][..], &WHY].concat()).await?;
        ensure!(receipt["restricted"].as_u64() > Some(0), "{receipt}");
        let explained = ann.does(&["policy", "explain", &self.event]).await?;
        ensure!(explained["fate"] == "restricted", "{explained}");
        ensure!(explained["decided_by"]["rule"] == "hold", "{explained}");
        Ok(())
    }

    /// Everything that Alice had can still be opened, and her file is there. The server is down.
    fn everything_is_there(&self) -> Result<()> {
        let options = LogOptions::new(self.server.data_dir(), "localhost");
        let log = Log::open(options, Arc::new(now), Arc::new(SystemRandom))?;
        let mut clear = Vec::new();
        for entry in log.read_range(LogPosition(0), RANGE_ENTRIES_MAX, usize::MAX)? {
            for part in entry.parts.iter().filter_map(PartContent::clear) {
                clear.extend_from_slice(part);
            }
        }
        log.close();
        for number in 0..CANARIES {
            let canary = canary(number);
            let found = clear.windows(canary.len()).any(|window| window == canary.as_bytes());
            ensure!(found, "{canary} was destroyed");
        }
        let media = self.server.data_dir().join("media");
        let folders = fs::read_dir(media)?.collect::<std::io::Result<Vec<_>>>()?;
        let mut files = 0;
        for folder in folders.iter().filter(|folder| folder.file_name() != "new") {
            files += fs::read_dir(folder.path())?.count();
        }
        ensure!(files == 1, "{files} files of media");
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the log under test goes on in real time")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_survives_every_route_and_command() -> Result<()> {
    let mut world = world().await?;
    world.set_up().await?;
    for route in TAKES {
        let tried = if route.contains(" /_matrix/") {
            world.try_matrix(route).await
        } else {
            world.try_staff(route).await
        };
        tried.with_context(|| (*route).to_owned())?;
    }
    world.run().await.context("after everything was tried")?;
    world.server.stop_gracefully().await?;
    world.everything_is_there()?;

    for command in [&["log", "scavenge"][..], &["views", "rebuild"]] {
        let output = world.server.command(command).await?;
        ensure!(output.status.success(), "{command:?}: {}", officer::stderr(&output));
    }
    world.everything_is_there().context("after commands")?;
    world.server.restart().await?;
    world.run().await.context("after a restart")?;
    world.server.kill_9().await?;
    world.server.restart().await?;
    world.run().await.context("after a crash")?;
    let bob = world.bob.clone();
    ensure!(bob.get("/v3/account/whoami").await.is_ok(), "others go on");
    world.server.stop_gracefully().await?;
    world.everything_is_there().context("at the end")
}
