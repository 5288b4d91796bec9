//! Aliases, the public directory, summaries, spaces, people.

use facts::fact::{AliasSet, RoomPublished, StreamKind};
use serde_json::{Value, json};

use crate::world::{World, refused, user_id};

fn public(world: &mut World, name: &str) -> usize {
    let room = world.room("alice");
    world.state(room, "alice", "m.room.name", json!({"name": name}));
    world.state(room, "alice", "m.room.join_rules", json!({"join_rule": "public"}));
    world
        .log
        .append(vec![(world.rooms[room].stream.into(), RoomPublished { public: true }.into())]);
    room
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_lead_to_rooms() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    let id = world.id(room).to_owned();
    let alias = world.stream(StreamKind::Alias, "#tea:here.test");
    let set = AliasSet { room: id.clone(), creator: user_id("alice") };
    world.log.append(vec![(alias.into(), set.into())]);
    let found = world.get("", "/v3/directory/room/%23tea:here.test").await.ok();
    assert_eq!(found, json!({"room_id": id, "servers": ["here.test"]}));
    let none = world.get("", "/v3/directory/room/%23none:here.test").await;
    assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"));
    let path = format!("/v3/rooms/{id}/aliases");
    assert_eq!(world.get("alice", &path).await.ok(), json!({"aliases": ["#tea:here.test"]}));
    assert_eq!(world.get("bob", &path).await.refusal(), refused(403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_in_pages_and_by_filter() {
    let mut world = World::with(&["alice", "bob"]);
    let rooms: Vec<usize> =
        ["Tea", "Coffee", "Green tea"].into_iter().map(|name| public(&mut world, name)).collect();
    world.member(rooms[1], "bob", "join");
    let hidden = world.room("alice");
    let names = |answer: &Value| -> Vec<String> {
        let chunk = answer["chunk"].as_array().expect("a chunk");
        chunk.iter().map(|room| room["name"].as_str().expect("a name").to_owned()).collect()
    };
    let first = world.get("", "/v3/publicRooms?limit=2").await.ok();
    assert_eq!(names(&first), ["Coffee", "Tea"]);
    assert_eq!(first["chunk"][0]["num_joined_members"], 2);
    assert_eq!(first["total_room_count_estimate"], 3);
    let next = first["next_batch"].as_str().expect("a token");
    let second = world.get("", &format!("/v3/publicRooms?limit=2&since={next}")).await.ok();
    assert_eq!(names(&second), ["Green tea"]);
    assert!(second.get("next_batch").is_none() && second["prev_batch"].is_string());
    let tea = json!({"filter": {"generic_search_term": "TEA"}});
    let found = world.post("bob", "/v3/publicRooms", tea).await.ok();
    assert_eq!(names(&found), ["Tea", "Green tea"]);
    let spaces = json!({"filter": {"room_types": ["m.space"]}});
    assert!(names(&world.post("bob", "/v3/publicRooms", spaces).await.ok()).is_empty());
    let forged = world.get("", "/v3/publicRooms?since=x").await;
    assert_eq!(forged.refusal(), refused(400, "M_INVALID_PARAM"));
    for (room, expected) in [(rooms[0], "public"), (hidden, "private")] {
        let path = format!("/v3/directory/list/room/{}", world.id(room));
        assert_eq!(world.get("", &path).await.ok(), json!({"visibility": expected}));
    }
    let none = world.get("", "/v3/directory/list/room/!none:here.test").await;
    assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_of_rooms_that_one_could_enter() {
    let mut world = World::with(&["alice", "bob"]);
    let open = public(&mut world, "Open");
    let closed = world.room("alice");
    let path = |world: &World, room| format!("/v1/room_summary/{}", world.id(room));
    let summary = world.get("bob", &path(&world, open)).await.ok();
    assert_eq!((&summary["name"], &summary["membership"]), (&json!("Open"), &json!("leave")));
    assert_eq!((&summary["join_rule"], &summary["room_version"]), (&json!("public"), &json!("11")));
    assert!(world.get("", &path(&world, open)).await.ok().get("membership").is_none());
    for who in ["bob", ""] {
        let none = world.get(who, &path(&world, closed)).await;
        assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"), "{who}");
    }
    assert_eq!(world.get("alice", &path(&world, closed)).await.ok()["membership"], "join");
    let restricted = json!({"join_rule": "restricted",
        "allow": [{"type": "m.room_membership", "room_id": world.id(open)}]});
    world.state(closed, "alice", "m.room.join_rules", restricted);
    assert_eq!(world.get("bob", &path(&world, closed)).await.status.as_u16(), 404);
    world.member(open, "bob", "join");
    let entered = world.get("bob", &path(&world, closed)).await.ok();
    assert_eq!(entered["allowed_room_ids"], json!([world.id(open)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_show_what_one_may_enter_in_their_order() {
    let mut world = World::with(&["alice", "bob"]);
    let space = world.room_of("alice", json!({"room_version": "11", "type": "m.space"}));
    world.state(space, "alice", "m.room.join_rules", json!({"join_rule": "public"}));
    let (late, early) = (public(&mut world, "late"), public(&mut world, "early"));
    let secret = world.room("alice");
    for (room, content) in [
        (late, json!({"via": ["here.test"]})),
        (early, json!({"via": ["here.test"], "order": "a", "suggested": true})),
        (secret, json!({"via": ["here.test"]})),
    ] {
        let key = world.id(room).to_owned();
        world.send(space, "alice", "m.space.child", Some(&key), content);
    }
    let path = format!("/v1/rooms/{}/hierarchy", world.id(space));
    let ids = |answer: &Value| -> Vec<Value> {
        let rooms = answer["rooms"].as_array().expect("rooms");
        rooms.iter().map(|room| room["room_id"].clone()).collect()
    };
    let expected = |rooms: &[usize]| -> Vec<Value> {
        rooms.iter().map(|room| json!(world.id(*room))).collect()
    };
    let whole = world.get("bob", &path).await.ok();
    assert_eq!(ids(&whole), expected(&[space, early, late]));
    let children = whole["rooms"][0]["children_state"].as_array().expect("children");
    assert_eq!(children.len(), 3);
    assert!(children[0]["origin_server_ts"].is_u64(), "{children:?}");
    let own = world.get("alice", &path).await.ok();
    assert_eq!(ids(&own), expected(&[space, early, late, secret]));
    let first = world.get("bob", &format!("{path}?limit=2")).await.ok();
    assert_eq!(ids(&first), expected(&[space, early]));
    let next = first["next_batch"].as_str().expect("a token");
    let rest = world.get("bob", &format!("{path}?limit=2&from={next}")).await.ok();
    assert_eq!(ids(&rest), expected(&[late]));
    assert!(rest.get("next_batch").is_none(), "{rest}");
    let changed = world.get("bob", &format!("{path}?from={next}&max_depth=1")).await;
    assert_eq!(changed.refusal(), refused(400, "M_INVALID_PARAM"));
    let suggested = world.get("bob", &format!("{path}?suggested_only=true")).await.ok();
    assert_eq!(ids(&suggested), expected(&[space, early]));
    let shallow = world.get("bob", &format!("{path}?max_depth=0")).await.ok();
    assert_eq!(ids(&shallow), expected(&[space]));
    let closed = format!("/v1/rooms/{}/hierarchy", world.id(secret));
    assert_eq!(world.get("bob", &closed).await.refusal(), refused(403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_where_one_could_meet_them() {
    let mut world = World::with(&["alice", "bob", "boris", "hermit"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let open = public(&mut world, "Open");
    world.member(open, "boris", "join");
    let found = |answer: Value| -> Vec<Value> {
        let results = answer["results"].as_array().expect("results");
        results.iter().map(|user| user["user_id"].clone()).collect()
    };
    let search = |term: &str, limit: u8| json!({"search_term": term, "limit": limit});
    let path = "/v3/user_directory/search";
    let both = world.post("alice", path, search("BO", 10)).await.ok();
    assert_eq!(both["limited"], false);
    assert_eq!(found(both), [json!(user_id("bob")), json!(user_id("boris"))]);
    assert_eq!(world.post("alice", path, search("bo", 1)).await.ok()["limited"], true);
    assert!(found(world.post("alice", path, search("hermit", 10)).await.ok()).is_empty());
    assert_eq!(found(world.post("hermit", path, search("boris", 10)).await.ok()).len(), 1);
    assert!(found(world.post("hermit", path, search("bob", 10)).await.ok()).is_empty());
    let shared = format!("/v1/mutual_rooms?user_id={}", user_id("bob"));
    let shared = world.get("alice", &shared).await.ok();
    assert_eq!(shared, json!({"joined": [world.id(room)], "count": 1}));
    let own = world.get("alice", &format!("/v1/mutual_rooms?user_id={}", user_id("alice"))).await;
    assert_eq!(own.refusal(), refused(400, "M_INVALID_PARAM"));
}
