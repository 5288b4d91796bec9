//! Views and folds are nothing but the log seen from another side: deleted, they come back equal,
//! and clients cannot tell (I1).

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/shown.rs"]
mod shown;

use anyhow::{Result, ensure};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
};
use serde_json::{Value, json};
use shown::{Shown, compare, strip};

struct Scene {
    clients: Vec<MatrixClient>,
    rooms: Vec<String>,
    retried: String,
}

const RETRIED: &str = "before-the-rebuild";

/// A server's life in small: every kind of thing that a view shows.
async fn play(server: &Server) -> Result<Scene> {
    let mut alice = register(server, "alice").await?;
    let mut bob = register(server, "bob").await?;
    let carol = register(server, "carol").await?;
    let open = json!({ "preset": "public_chat", "name": "Hall", "room_alias_name": "hall",
        "visibility": "public" });
    let hall = alice.create_room(&open).await?;
    let closed = json!({ "preset": "private_chat", "invite": [bob.user_id, carol.user_id] });
    let den = alice.create_room(&closed).await?;
    bob.join("#hall:localhost").await?;
    carol.join(&hall).await?;
    bob.join(&den).await?;
    for number in 0..12 {
        alice.send_text(&hall, &format!("alice {number}")).await?;
        bob.send_text(&hall, &format!("@alice:localhost bob {number}")).await?;
    }
    let first = alice.send_text(&den, "a secret").await?;
    let redact = format!("/v3/rooms/{}/redact/{}/r1", encode(&den), encode(&first));
    alice.put(&redact, &json!({ "reason": "not for here" })).await?;
    let second = bob.send_text(&den, "typo").await?;
    relate(&bob, &den, &second).await?;
    alice.set_state(&hall, "m.room.topic", "", &json!({ "topic": "as it was" })).await?;
    alice.set_state(&hall, "m.room.topic", "", &json!({ "topic": "as it is" })).await?;
    let kick = format!("/v3/rooms/{}/kick", encode(&hall));
    alice.post(&kick, &json!({ "user_id": carol.user_id, "reason": "late" })).await?;
    alice.send_text(&hall, "after the kick").await?;
    personal(&bob, &hall).await?;
    let content = json!({ "msgtype": "m.text", "body": "retried" });
    let answer = bob.send_under(&hall, "m.room.message", RETRIED, &content).await?;
    let retried = text(&answer.ok()?, "event_id")?;
    Ok(Scene { clients: vec![alice, bob, carol], rooms: vec![hall, den], retried })
}

/// An edit, a reaction and a thread.
async fn relate(client: &MatrixClient, room: &str, event: &str) -> Result<()> {
    let edit = json!({ "msgtype": "m.text", "body": "* mended",
        "m.new_content": { "msgtype": "m.text", "body": "mended" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": event } });
    client.send_under(room, "m.room.message", "edit", &edit).await?.ok()?;
    let reaction = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event,
        "key": "+1" } });
    client.send_under(room, "m.reaction", "react", &reaction).await?.ok()?;
    let threaded = json!({ "msgtype": "m.text", "body": "aside",
        "m.relates_to": { "rel_type": "m.thread", "event_id": event } });
    client.send_under(room, "m.room.message", "thread", &threaded).await?.ok()?;
    Ok(())
}

/// Account data, tags, profile, a receipt and keys.
async fn personal(client: &MatrixClient, room: &str) -> Result<()> {
    let user = encode(&client.user_id);
    client.put(&format!("/v3/user/{user}/account_data/m.note"), &json!({ "n": 1 })).await?;
    let tag = format!("/v3/user/{user}/rooms/{}/tags/m.favourite", encode(room));
    client.put(&tag, &json!({ "order": 0.5 })).await?;
    client.put(&format!("/v3/profile/{user}/displayname"), &json!({ "displayname": "B." })).await?;
    let newest = client.page(room, "b", None, 1).await?;
    let newest = text(&newest["chunk"][0], "event_id")?;
    let receipt = format!("/v3/rooms/{}/receipt/m.read/{}", encode(room), encode(&newest));
    client.post(&receipt, &json!({})).await?;
    let keys =
        json!({ "one_time_keys": { "signed_curve25519:AAAA": { "key": "a", "signatures": {} } } });
    client.post("/v3/keys/upload", &keys).await?;
    Ok(())
}

/// Everything that the clients are shown, without what may differ: ages and tokens.
async fn look(scene: &Scene) -> Result<Shown> {
    let include_leave = encode(r#"{"room":{"include_leave":true}}"#);
    let small = encode(r#"{"room":{"timeline":{"limit":3},"state":{"lazy_load_members":true}}}"#);
    let mut shown = Shown::new();
    for client in &scene.clients {
        let mut paths = vec![
            "/v3/sync?timeout=0".to_owned(),
            "/v3/sync?timeout=0&full_state=true&use_state_after=true".to_owned(),
            format!("/v3/sync?timeout=0&filter={include_leave}"),
            format!("/v3/sync?timeout=0&filter={small}"),
            "/v3/joined_rooms".to_owned(),
            "/v3/devices".to_owned(),
            "/v3/pushrules/".to_owned(),
            format!("/v3/profile/{}", encode(&client.user_id)),
            "/v3/publicRooms".to_owned(),
            "/v3/directory/room/%23hall%3Alocalhost".to_owned(),
        ];
        for room in &scene.rooms {
            let room = encode(room);
            paths.push(format!("/v3/rooms/{room}/members"));
            paths.push(format!("/v3/rooms/{room}/state"));
            paths.push(format!("/v3/rooms/{room}/joined_members"));
            paths.push(format!("/v1/rooms/{room}/threads"));
        }
        for path in paths {
            let path = format!("/_matrix/client{path}");
            let answer = client.call(http::Method::GET, &path, None).await?;
            // A refusal is something shown as well, and must stay the same.
            let mut body = answer.json()?;
            strip(&mut body);
            let seen = json!({ "status": answer.status.as_u16(), "body": body });
            shown.insert(format!("{} {path}", client.user_id), seen);
        }
        walk(client, scene, &mut shown).await?;
    }
    Ok(shown)
}

async fn walk(client: &MatrixClient, scene: &Scene, shown: &mut Shown) -> Result<()> {
    let joined = client.get("/v3/joined_rooms").await?;
    for room in &scene.rooms {
        let is_in = joined["joined_rooms"].as_array().into_iter().flatten().any(|id| id == room);
        for limit in if is_in { [1, 5, 100].as_slice() } else { &[] } {
            let mut events = Value::Array(client.history(room, *limit).await?);
            strip(&mut events);
            shown.insert(format!("{} walks {room} by {limit}", client.user_id), events);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_views_and_folds_come_back_equal_when_they_are_deleted() -> Result<()> {
    let mut server = Server::start().await?;
    let mut scene = play(&server).await?;
    let before = look(&scene).await?;
    ensure!(before.values().any(|shown| shown.to_string().contains("as it is")), "{before:?}");
    for gone in [&["views", "folds"][..], &["views"], &["folds"], &[]] {
        server.stop_gracefully().await?;
        for dir in gone {
            let dir = server.data_dir().join(dir);
            ensure!(dir.is_dir(), "{} is not there", dir.display());
            std::fs::remove_dir_all(dir)?;
        }
        server.restart().await?;
        compare(&before, &look(&scene).await?, &format!("without {gone:?}"))?;
    }
    // The write side's memory came back as well: the transaction is known, and the room goes on.
    let content = json!({ "msgtype": "m.text", "body": "retried" });
    let hall = scene.rooms[0].clone();
    let bob = &mut scene.clients[1];
    let again = bob.send_under(&hall, "m.room.message", RETRIED, &content).await?.ok()?;
    ensure!(again["event_id"] == scene.retried.as_str(), "a retry made another event: {again}");
    bob.send_text(&hall, "and on").await?;
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_by_command_and_one_after_a_kill_come_back_equal() -> Result<()> {
    let mut server = Server::start().await?;
    let scene = play(&server).await?;
    let before = look(&scene).await?;
    server.kill_9().await?;
    let output = server.command(&["views", "rebuild"]).await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.restart().await?;
    compare(&before, &look(&scene).await?, "rebuilt by command")?;
    server.kill_9().await?;
    for dir in ["views", "folds"] {
        std::fs::remove_dir_all(server.data_dir().join(dir))?;
    }
    server.restart().await?;
    compare(&before, &look(&scene).await?, "deleted after a kill")?;
    server.finish().await
}
