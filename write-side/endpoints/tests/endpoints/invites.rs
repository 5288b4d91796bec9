//! What member events say of whom they are about.

use serde_json::{Value, json};

use crate::world::{Person, World, refusal};

async fn named(world: &World, name: &str) -> Person {
    let person = world.person(name).await;
    let path = format!("/profile/{}/displayname", person.user_id);
    world.by(&person, "PUT", &path, json!({ "displayname": name.to_uppercase() })).await.ok();
    let path = format!("/profile/{}/avatar_url", person.user_id);
    world.by(&person, "PUT", &path, json!({ "avatar_url": format!("mxc://a/{name}") })).await.ok();
    person
}

async fn member(world: &World, room: &str, person: &Person) -> Value {
    world.state(room, "m.room.member", person.user_id.as_str()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_are_invited_have_a_name_from_the_start() {
    let world = World::new().await;
    let alice = named(&world, "alice").await;
    let bob = named(&world, "bob").await;
    let nameless = world.person("carol").await;
    let wish = json!({
        "invite": [bob.user_id, nameless.user_id, "@nobody:example.org"],
        "is_direct": true,
        "preset": "trusted_private_chat",
    });
    let room = world.by(&alice, "POST", "/createRoom", wish).await.ok();
    let room = room["room_id"].as_str().unwrap();
    let invite = json!({
        "membership": "invite",
        "is_direct": true,
        "displayname": "BOB",
        "avatar_url": "mxc://a/bob",
    });
    assert_eq!(member(&world, room, &bob).await, invite);
    let bare = json!({ "membership": "invite", "is_direct": true });
    assert_eq!(member(&world, room, &nameless).await, bare);
    assert_eq!(world.state(room, "m.room.member", "@nobody:example.org").await, bare);
    world.by(&bob, "POST", &format!("/rooms/{room}/join"), json!({})).await.ok();
    let join = json!({ "membership": "join", "displayname": "BOB", "avatar_url": "mxc://a/bob" });
    assert_eq!(member(&world, room, &bob).await, join);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_invite_gives_the_name() {
    let world = World::new().await;
    let alice = named(&world, "alice").await;
    let bob = named(&world, "bob").await;
    let carol = named(&world, "carol").await;
    let room = world.public_room(&alice).await;
    let body = json!({ "user_id": bob.user_id, "reason": "tea" });
    world.by(&alice, "POST", &format!("/rooms/{room}/invite"), body).await.ok();
    let invite = json!({
        "membership": "invite",
        "reason": "tea",
        "displayname": "BOB",
        "avatar_url": "mxc://a/bob",
    });
    assert_eq!(member(&world, &room, &bob).await, invite);

    let path = format!("/rooms/{room}/state/m.room.member/{}", carol.user_id);
    let body = json!({ "membership": "invite", "displayname": "Said" });
    world.by(&alice, "PUT", &path, body).await.ok();
    let invite = json!({
        "membership": "invite",
        "displayname": "Said",
        "avatar_url": "mxc://a/carol",
    });
    assert_eq!(member(&world, &room, &carol).await, invite);
    let ban = json!({ "membership": "ban" });
    world.by(&alice, "PUT", &path, ban.clone()).await.ok();
    assert_eq!(member(&world, &room, &carol).await, ban);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_invites_gets_none() {
    let world = World::new().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let room = world.public_room(&alice).await;
    let config = format!("/user/{}/account_data/m.invite_permission_config", bob.user_id);
    let block = json!({ "default_action": "block" });
    world.by(&bob, "PUT", &config, block).await.ok();
    let blocked = refusal(403, "M_INVITE_BLOCKED");
    let create = json!({ "invite": [bob.user_id] });
    assert_eq!(world.by(&alice, "POST", "/createRoom", create).await.refused(), blocked);
    let invite = format!("/rooms/{room}/invite");
    let body = json!({ "user_id": bob.user_id });
    assert_eq!(world.by(&alice, "POST", &invite, body.clone()).await.refused(), blocked);
    let state = format!("/rooms/{room}/state/m.room.member/{}", bob.user_id);
    let event = json!({ "membership": "invite" });
    assert_eq!(world.by(&alice, "PUT", &state, event).await.refused(), blocked);
    assert_eq!(member(&world, &room, &bob).await, Value::Null);

    world.by(&bob, "PUT", &config, json!({ "default_action": "allow" })).await.ok();
    world.by(&alice, "POST", &invite, body).await.ok();
    assert_eq!(member(&world, &room, &bob).await["membership"], "invite");
}
