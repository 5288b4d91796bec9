//! What belongs to one person: profile, account data, tags, filters, push rules, receipts.

use commands::user::look;
use decide::user::AccountDataKey;
use serde_json::{Value, json};

use crate::world::{Person, World, refusal};

async fn member_content(world: &World, person: &Person, room: &str) -> Value {
    let room = ruma::RoomId::parse(room).unwrap();
    let fold = world.write_side.room(&room).await.unwrap();
    let entry = fold.state_entry("m.room.member", person.user_id.as_str()).unwrap();
    let stored = world.write_side.pdu(&room, &entry.event_id).await.unwrap().unwrap();
    serde_json::to_value(stored.pdu.content_object().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_reaches_the_rooms() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let room = world.public_room(&alice).await;
    world.is_in(&alice, &room);
    let path = format!("/profile/{}/displayname", alice.user_id);
    world.by(&alice, "PUT", &path, json!({ "displayname": "Alice L." })).await.ok();
    let member = member_content(&world, &alice, &room).await;
    assert_eq!(member, json!({ "displayname": "Alice L.", "membership": "join" }));
    let path_of_avatar = format!("/profile/{}/avatar_url", alice.user_id);
    let avatar = json!({ "avatar_url": "mxc://example.org/cat" });
    world.by(&alice, "PUT", &path_of_avatar, avatar).await.ok();
    world.by(&alice, "DELETE", &path, json!({})).await.ok();
    let member = member_content(&world, &alice, &room).await;
    assert_eq!(member, json!({ "avatar_url": "mxc://example.org/cat", "membership": "join" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_field_is_one_s_own_and_bounded() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let path = format!("/profile/{}/org.example.pronouns", alice.user_id);
    let value = json!({ "org.example.pronouns": ["she", "her"] });
    world.by(&alice, "PUT", &path, value.clone()).await.ok();
    let foreign = world.by(&bob, "PUT", &path, value).await.refused();
    assert_eq!(foreign, refusal(403, "M_FORBIDDEN"));
    let large = json!({ "org.example.pronouns": "x".repeat(70_000) });
    let large = world.by(&alice, "PUT", &path, large).await.refused();
    assert_eq!(large, refusal(400, "M_PROFILE_TOO_LARGE"));
    world.by(&alice, "DELETE", &path, json!({})).await.ok();
    let fields = look(&world.write_side, &alice.user_id, |fold| fold.profile.len());
    assert_eq!(fields.await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn account_data_is_one_s_own_and_some_types_are_the_server_s() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let user = &alice.user_id;
    let path = format!("/user/{user}/account_data/org.example.colors");
    world.by(&alice, "PUT", &path, json!({ "sky": "blue" })).await.ok();
    let foreign = world.by(&bob, "PUT", &path, json!({})).await.refused();
    assert_eq!(foreign, refusal(403, "M_FORBIDDEN"));
    let rules = format!("/user/{user}/account_data/m.push_rules");
    let controlled = world.by(&alice, "PUT", &rules, json!({})).await.refused();
    assert_eq!(controlled, refusal(405, "M_BAD_JSON"));
    let room = world.public_room(&alice).await;
    let path = format!("/user/{user}/rooms/{room}/account_data/org.example.mood");
    world.by(&alice, "PUT", &path, json!({ "mood": "curious" })).await.ok();
    let keys = [
        AccountDataKey::global("org.example.colors"),
        AccountDataKey::room(&room, "org.example.mood"),
    ];
    let stored = look(&world.write_side, user, |fold| {
        keys.iter().all(|key| fold.account_data.contains_key(key))
    });
    assert!(stored.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_filters_and_push_rules_are_stored() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let user = &alice.user_id;
    let room = world.public_room(&alice).await;
    let tag = format!("/user/{user}/rooms/{room}/tags/u.work");
    world.by(&alice, "PUT", &tag, json!({ "order": 0.5 })).await.ok();
    world.by(&alice, "DELETE", &tag, json!({})).await.ok();

    let path = format!("/user/{user}/filter");
    let filter = json!({ "room": { "timeline": { "limit": 7 } }, "org.example.unknown": true });
    let first = world.by(&alice, "POST", &path, filter.clone()).await.ok();
    let again = world.by(&alice, "POST", &path, filter).await.ok();
    assert_eq!(first, again);
    let broken = world.by(&alice, "POST", &path, json!({ "room": 7 })).await.refused();
    assert_eq!(broken, refusal(400, "M_BAD_JSON"));

    let rule = "/pushrules/global/content/tea";
    let body = json!({ "pattern": "tea", "actions": ["notify"] });
    world.by(&alice, "PUT", rule, body.clone()).await.ok();
    let off = json!({ "enabled": false });
    world.by(&alice, "PUT", &format!("{rule}/enabled"), off.clone()).await.ok();
    let actions = json!({ "actions": [] });
    world.by(&alice, "PUT", &format!("{rule}/actions"), actions).await.ok();
    world.by(&alice, "DELETE", rule, json!({})).await.ok();
    let gone = world.by(&alice, "DELETE", rule, json!({})).await.refused();
    assert_eq!(gone, refusal(404, "M_NOT_FOUND"));
    let unknown = "/pushrules/global/override/nothing/enabled";
    let unknown = world.by(&alice, "PUT", unknown, off).await.refused();
    assert_eq!(unknown, refusal(404, "M_NOT_FOUND"));
    let default = "/pushrules/global/content/.org.example.rule";
    let refused = world.by(&alice, "PUT", default, body).await.refused();
    assert_eq!(refused, refusal(400, "M_INVALID_PARAM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_of_members_and_move_forward() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let room = world.public_room(&alice).await;
    let path = format!("/rooms/{room}/send/m.room.message/t");
    let sent = world.by(&alice, "PUT", &path, json!({ "body": "x" })).await.ok();
    let event_id = sent["event_id"].as_str().unwrap();
    let receipt = |kind: &str| format!("/rooms/{room}/receipt/{kind}/{event_id}");
    for kind in ["m.read", "m.read.private", "m.fully_read"] {
        world.by(&alice, "POST", &receipt(kind), json!({})).await.ok();
        let outside = world.by(&bob, "POST", &receipt(kind), json!({})).await.refused();
        assert_eq!(outside, refusal(403, "M_FORBIDDEN"));
    }
    let main = json!({ "thread_id": "main" });
    world.by(&alice, "POST", &receipt("m.read"), main.clone()).await.ok();
    for (kind, body) in [
        ("m.unknown", json!({})),
        ("m.fully_read", main),
        ("m.read", json!({ "thread_id": "no event id" })),
    ] {
        let refused = world.by(&alice, "POST", &receipt(kind), body).await.refused();
        assert_eq!(refused, refusal(400, "M_INVALID_PARAM"));
    }
    let markers = json!({ "m.fully_read": event_id, "m.read": event_id });
    let path = format!("/rooms/{room}/read_markers");
    world.by(&alice, "POST", &path, markers).await.ok();
    let marker =
        look(&world.write_side, &alice.user_id, |fold| fold.fully_read.get(&room).cloned());
    assert_eq!(marker.await.unwrap().as_deref(), Some(event_id));
}
