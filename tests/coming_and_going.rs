//! Leaving and coming back: what a client must hear of it, and whom it is refused.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use anyhow::{Result, ensure};
use harness::{PASSWORD, http_client::encode, register, server::Server, two_in_a_room};
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_can_be_turned_down_when_nobody_is_left() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let mut bob = register(&server, "bob").await?;
    let room = alice.create_room(&json!({ "preset": "private_chat" })).await?;
    alice.invite(&room, &bob.user_id).await?;
    alice.post(&format!("/v3/rooms/{}/leave", encode(&room)), &json!({})).await?;
    ensure!(bob.sync(0).await?["rooms"]["invite"].get(&room).is_some());
    bob.post(&format!("/v3/rooms/{}/leave", encode(&room)), &json!({})).await?;
    let left = bob.sync(0).await?;
    ensure!(left["rooms"]["leave"].get(&room).is_some(), "{left}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaving_is_told_though_the_room_is_forgotten() -> Result<()> {
    let server = Server::start().await?;
    let (_alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    bob.sync(0).await?;
    bob.post(&format!("/v3/rooms/{}/leave", encode(&room)), &json!({})).await?;
    bob.post(&format!("/v3/rooms/{}/forget", encode(&room)), &json!({})).await?;
    let told = bob.sync(0).await?;
    ensure!(told["rooms"]["leave"].get(&room).is_some(), "{told}");
    let again = bob.sync(0).await?;
    ensure!(again["rooms"]["leave"].get(&room).is_none(), "{again}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_has_changed_devices_and_a_new_timeline() -> Result<()> {
    let server = Server::start().await?;
    let options = json!({ "preset": "public_chat" });
    let (mut alice, mut bob, room) = two_in_a_room(&server, &options).await?;
    alice.sync(0).await?;
    bob.sync(0).await?;
    bob.post(&format!("/v3/rooms/{}/leave", encode(&room)), &json!({})).await?;
    alice.send_text(&room, "bob is away").await?;
    bob.join(&room).await?;
    let changed = alice.sync(0).await?;
    let lists = &changed["device_lists"];
    ensure!(
        lists["changed"] == json!([bob.user_id]),
        "what changed meanwhile was not told: {lists}"
    );
    let back = bob.sync(0).await?;
    ensure!(back["device_lists"]["changed"].as_array().is_some_and(|all| !all.is_empty()));
    let timeline = &back["rooms"]["join"][&room]["timeline"];
    ensure!(timeline["limited"] == true && timeline["prev_batch"].is_string(), "{timeline}");
    // A new name is no coming back.
    bob.put(
        &format!("/v3/profile/{}/displayname", encode(&bob.user_id)),
        &json!({ "displayname": "B" }),
    )
    .await?;
    let renamed = alice.sync(1_000).await?;
    ensure!(
        renamed["device_lists"].get("changed").is_none_or(|all| *all == json!([])),
        "{renamed}"
    );
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_type_names_as_they_like_and_confirm_for_themselves_alone() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    register(&server, "bob").await?;
    let (http, login) = (server.http(), "/_matrix/client/v3/login");
    let body = json!({
        "type": "m.login.password", "password": PASSWORD,
        "identifier": { "type": "m.id.user", "user": "ALICE" },
    });
    let session = http.json(Method::POST, login, None, Some(&body)).await?.ok()?;
    ensure!(session["user_id"] == alice.user_id, "{session}");
    let path = format!("/_matrix/client/v3/devices/{}", encode(&alice.device_id));
    let token = Some(alice.access_token.as_str());
    let asked = http.json(Method::DELETE, &path, token, Some(&json!({}))).await?;
    ensure!(asked.status == 401, "{asked}");
    let session = asked.json()?["session"].clone();
    let auth = json!({
        "type": "m.login.password", "session": session, "password": "whatever it is",
        "identifier": { "type": "m.id.user", "user": "bob" },
    });
    let refused = http.json(Method::DELETE, &path, token, Some(&json!({ "auth": auth }))).await?;
    refused.refused(403, "M_FORBIDDEN")?;
    server.finish().await
}
