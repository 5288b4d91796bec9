//! Making rooms: what each preset and each option of `/createRoom` brings about.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use anyhow::{Context, Result, ensure};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
};
use http::Method;
use serde_json::{Value, json};

const CREATE: &str = "/_matrix/client/v3/createRoom";

#[tokio::test(flavor = "multi_thread")]
async fn presets_set_join_rules_visibility_and_guest_access() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let presets = [
        ("private_chat", "invite", "can_join"),
        ("trusted_private_chat", "invite", "can_join"),
        ("public_chat", "public", "forbidden"),
    ];
    for (preset, join_rule, guests) in presets {
        let room = alice.create_room(&json!({ "preset": preset })).await?;
        let rules = alice.state(&room, "m.room.join_rules", "").await?;
        ensure!(rules["join_rule"] == join_rule, "{preset}: {rules}");
        let visibility = alice.state(&room, "m.room.history_visibility", "").await?;
        ensure!(visibility["history_visibility"] == "shared", "{preset}: {visibility}");
        let access = alice.state(&room, "m.room.guest_access", "").await;
        let access = access.map(|access| access["guest_access"].clone()).unwrap_or_default();
        let closed = guests == "forbidden" && (access.is_null() || access == "forbidden");
        ensure!(access == guests || closed, "{preset}: {access}");
    }
    // Without a preset the visibility decides.
    let room = alice.create_room(&json!({ "visibility": "public" })).await?;
    ensure!(alice.state(&room, "m.room.join_rules", "").await?["join_rule"] == "public");
    let room = alice.create_room(&json!({})).await?;
    ensure!(alice.state(&room, "m.room.join_rules", "").await?["join_rule"] == "invite");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn trusted_invitees_have_the_powers_of_the_creator() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let bob = register(&server, "bob").await?;
    let trusted = json!({ "preset": "trusted_private_chat", "invite": [bob.user_id] });
    let room = alice.create_room(&trusted).await?;
    let create = alice.state(&room, "m.room.create", "").await?;
    ensure!(create["additional_creators"] == json!([bob.user_id]), "{create}");

    let mut older = trusted.clone();
    older["room_version"] = "11".into();
    let room = alice.create_room(&older).await?;
    let levels = alice.state(&room, "m.room.power_levels", "").await?;
    ensure!(levels["users"][&bob.user_id] == levels["users"][&alice.user_id], "{levels}");
    ensure!(levels["users"][&alice.user_id] == 100, "{levels}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn options_become_state_in_the_order_of_the_specification() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let bob = register(&server, "bob").await?;
    let options = json!({
        "preset": "public_chat", "name": "Name", "topic": "Topic", "room_alias_name": "named",
        "visibility": "public", "is_direct": true, "invite": [bob.user_id],
        "creation_content": { "m.federate": false, "type": "m.space" },
        "initial_state": [
            { "type": "m.room.join_rules", "state_key": "", "content": { "join_rule": "knock" } },
            { "type": "org.example.kept", "state_key": "k", "content": { "a": 1 } },
        ],
        "power_level_content_override": { "events_default": 7 },
    });
    let room = alice.create_room(&options).await?;
    let create = alice.state(&room, "m.room.create", "").await?;
    ensure!(create["m.federate"] == false && create["type"] == "m.space", "{create}");
    ensure!(alice.state(&room, "m.room.name", "").await?["name"] == "Name");
    ensure!(alice.state(&room, "m.room.topic", "").await?["topic"] == "Topic");
    let alias = alice.state(&room, "m.room.canonical_alias", "").await?;
    ensure!(alias["alias"] == "#named:localhost", "{alias}");
    // What the caller sets overrides the preset.
    ensure!(alice.state(&room, "m.room.join_rules", "").await?["join_rule"] == "knock");
    ensure!(alice.state(&room, "org.example.kept", "k").await? == json!({ "a": 1 }));
    let levels = alice.state(&room, "m.room.power_levels", "").await?;
    ensure!(levels["events_default"] == 7, "{levels}");
    let invite = alice.state(&room, "m.room.member", &bob.user_id).await?;
    ensure!(invite["membership"] == "invite" && invite["is_direct"] == true, "{invite}");
    order_holds(&alice, &room).await?;
    let listed = bob.get("/v3/publicRooms").await?;
    let mut listed = listed["chunk"].as_array().context("a list")?.iter();
    ensure!(listed.any(|entry| entry["room_id"] == room.as_str()), "not in the directory");
    server.finish().await
}

/// Create, own membership and power levels come first; name, topic and invitations last.
async fn order_holds(client: &MatrixClient, room: &str) -> Result<()> {
    let events = client.history(room, 100).await?;
    let types: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    let start = ["m.room.create", "m.room.member", "m.room.power_levels", "m.room.canonical_alias"];
    ensure!(types.starts_with(&start), "{types:?}");
    let place = |kind: &str| types.iter().rposition(|other| *other == kind);
    let last = ["org.example.kept", "m.room.name", "m.room.topic", "m.room.member"].map(place);
    ensure!(last.is_sorted() && last.iter().all(Option::is_some), "{types:?}");
    ensure!(last[3] == Some(types.len() - 1), "{types:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn room_versions_are_chosen_and_refused() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let capabilities = alice.get("/v3/capabilities").await?;
    let versions = &capabilities["capabilities"]["m.room_versions"];
    ensure!(versions["default"] == "12", "{versions}");
    let available = versions["available"].as_object().context("available versions")?;
    for number in 2..=12 {
        let name = number.to_string();
        let expected = if number < 6 { "unstable" } else { "stable" };
        ensure!(available.get(&name).is_some_and(|is| is == expected), "{name}: {versions}");
        let room = alice.create_room(&json!({ "room_version": name })).await?;
        let create = alice.state(&room, "m.room.create", "").await?;
        ensure!(create["room_version"] == name.as_str(), "{create}");
        ensure!(room.contains(':') == (number < 12), "{name} has the room id {room}");
    }
    for version in ["1", "13", "org.example.none"] {
        let body = json!({ "room_version": version });
        let answer = alice.call(Method::POST, CREATE, Some(&body)).await?;
        answer.refused(400, "M_UNSUPPORTED_ROOM_VERSION")?;
    }
    server.finish().await
}

/// In version 12 the room is named after its create event, which is shown with the room's id.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_12_room_is_named_after_its_create_event() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let room = alice.create_room(&json!({})).await?;
    let events = alice.history(&room, 100).await?;
    let create = events.first().context("a first event")?;
    ensure!(text(create, "event_id")?[1..] == room[1..], "{create} in {room}");
    ensure!(create["room_id"] == room.as_str(), "{create}");
    let levels = alice.state(&room, "m.room.power_levels", "").await?;
    ensure!(levels["users"].get(&alice.user_id).is_none(), "a creator in the levels: {levels}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_room_leaves_nothing_behind() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let taken = alice.create_room(&json!({ "room_alias_name": "taken" })).await?;
    let bad = [
        (json!({ "room_alias_name": "taken" }), "M_ROOM_IN_USE"),
        (json!({ "room_alias_name": "taken:elsewhere" }), ""),
        (json!({ "invite": ["not a user id"] }), ""),
        (json!({ "preset": 7 }), "M_BAD_JSON"),
        (json!({ "power_level_content_override": { "users_default": "high" } }), ""),
        (
            json!({ "initial_state": [{ "type": "m.room.member", "state_key": "@x:localhost",
            "content": { "membership": "join" } }] }),
            "",
        ),
    ];
    for (options, errcode) in &bad {
        let answer = alice.call(Method::POST, CREATE, Some(options)).await?;
        ensure!(answer.status.is_client_error(), "{options}: {answer}");
        ensure!(errcode.is_empty() || answer.errcode().as_deref() == Some(errcode), "{answer}");
    }
    let joined = alice.get("/v3/joined_rooms").await?;
    ensure!(joined["joined_rooms"] == json!([taken]), "{joined}");
    let directory = alice.get("/v3/directory/room/%23taken%3Alocalhost").await?;
    ensure!(directory["room_id"] == taken.as_str(), "{directory}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_alias_goes_to_one_of_many_rooms_made_at_once() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let options = json!({ "room_alias_name": "contested" });
    let made: Vec<_> = (0..8).map(|_| alice.call(Method::POST, CREATE, Some(&options))).collect();
    let made = futures_util::future::try_join_all(made).await?;
    let won: Vec<Value> = made.iter().filter_map(|answer| answer.ok().ok()).collect();
    ensure!(won.len() == 1, "{} rooms got the alias", won.len());
    for answer in made.iter().filter(|answer| !answer.status.is_success()) {
        ensure!(answer.errcode().as_deref() == Some("M_ROOM_IN_USE"), "{answer}");
    }
    let path = format!("/v3/directory/room/{}", encode("#contested:localhost"));
    ensure!(alice.get(&path).await?["room_id"] == won[0]["room_id"]);
    ensure!(alice.get("/v3/joined_rooms").await?["joined_rooms"] == json!([won[0]["room_id"]]));
    server.finish().await
}
