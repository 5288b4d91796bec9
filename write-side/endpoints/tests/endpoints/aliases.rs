//! Room aliases: who may set and remove them, and what the room says of them.

use ruma::RoomVersionId;
use serde_json::{Value, json};

use crate::world::{Person, World, refusal};

const HATTER: &str = "/directory/room/%23hatter:example.org";

async fn name(world: &World, person: &Person, room: &str) {
    world.by(person, "PUT", HATTER, json!({ "room_id": room })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_belong_to_members_and_to_whoever_set_them() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let room = world.public_room(&alice).await;
    let path = "/directory/room/%23hatter:example.org";
    let target = json!({ "room_id": room });
    let outside = world.by(&bob, "PUT", path, target.clone()).await.refused();
    assert_eq!(outside, refusal(403, "M_FORBIDDEN"));
    world.by(&alice, "PUT", path, target.clone()).await.ok();
    let taken = world.by(&alice, "PUT", path, target.clone()).await.refused();
    assert_eq!(taken, refusal(409, "M_UNKNOWN"));
    let foreign = world.by(&alice, "PUT", "/directory/room/%23x:elsewhere.org", target).await;
    assert_eq!(foreign.refused(), refusal(400, "M_INVALID_PARAM"));

    let canonical = format!("/rooms/{room}/state/m.room.canonical_alias");
    let content = json!({ "alias": "#hatter:example.org" });
    world.by(&alice, "PUT", &canonical, content).await.ok();
    let content = json!({ "alias": "#nowhere:example.org" });
    let untrue = world.by(&alice, "PUT", &canonical, content).await.refused();
    assert_eq!(untrue, refusal(400, "M_BAD_ALIAS"));

    let not_bobs = world.by(&bob, "DELETE", path, json!({})).await.refused();
    assert_eq!(not_bobs, refusal(403, "M_FORBIDDEN"));
    world.by(&alice, "DELETE", path, json!({})).await.ok();
    let gone = world.by(&alice, "DELETE", path, json!({})).await.refused();
    assert_eq!(gone, refusal(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_set_the_canonical_alias_may_remove_any() {
    let world = World::new().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let (carol, dan) = (world.person("carol").await, world.person("dan").await);
    let room = world.public_room(&alice).await;
    for person in [&bob, &carol] {
        world.by(person, "POST", &format!("/rooms/{room}/join"), json!({})).await.ok();
    }
    name(&world, &bob, &room).await;
    let canonical =
        json!({ "alias": "#hatter:example.org", "alt_aliases": ["#hatter:example.org"] });
    let path = format!("/rooms/{room}/state/m.room.canonical_alias");
    world.by(&alice, "PUT", &path, canonical.clone()).await.ok();

    // A member without the power, and a stranger.
    for person in [&carol, &dan] {
        let refused = world.by(person, "DELETE", HATTER, json!({})).await.refused();
        assert_eq!(refused, refusal(403, "M_FORBIDDEN"));
    }
    // The creator may, and cannot change what the room says.
    world.by(&bob, "DELETE", HATTER, json!({})).await.ok();
    assert_eq!(world.state(&room, "m.room.canonical_alias", "").await, canonical);
    // Who has the power may, and the room forgets it.
    name(&world, &bob, &room).await;
    world.by(&alice, "DELETE", HATTER, json!({})).await.ok();
    assert_eq!(world.state(&room, "m.room.canonical_alias", "").await, json!({}));
    // A power that ended with the membership is none.
    name(&world, &bob, &room).await;
    world.by(&alice, "POST", &format!("/rooms/{room}/leave"), json!({})).await.ok();
    let refused = world.by(&alice, "DELETE", HATTER, json!({})).await.refused();
    assert_eq!(refused, refusal(403, "M_FORBIDDEN"));
    // An administrator of the server may, from anywhere.
    world.is_admin(&dan);
    world.by(&dan, "DELETE", HATTER, json!({})).await.ok();
    let gone = world.by(&dan, "DELETE", HATTER, json!({})).await.refused();
    assert_eq!(gone, refusal(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_removed_alias_is_forgotten() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let room = world.public_room(&alice).await;
    name(&world, &alice, &room).await;
    let other = "/directory/room/%23hare:example.org";
    world.by(&alice, "PUT", other, json!({ "room_id": room })).await.ok();
    let path = format!("/rooms/{room}/state/m.room.canonical_alias");
    let content = json!({
        "alias": "#hare:example.org",
        "alt_aliases": ["#hatter:example.org", "#hare:example.org"],
    });
    world.by(&alice, "PUT", &path, content).await.ok();
    world.by(&alice, "DELETE", HATTER, json!({})).await.ok();
    let left = json!({ "alias": "#hare:example.org", "alt_aliases": ["#hare:example.org"] });
    assert_eq!(world.state(&room, "m.room.canonical_alias", "").await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_room_takes_its_aliases_along() {
    let world = World::with(|settings| settings.default_room_version = RoomVersionId::V10).await;
    let alice = world.person("alice").await;
    let room = world.public_room(&alice).await;
    name(&world, &alice, &room).await;
    world.is_named(&room, "#hatter:example.org");
    world.is_named(&room, "#stale:example.org");
    let wish = json!({ "new_version": "12" });
    let path = format!("/rooms/{room}/upgrade");
    let upgraded: Value = world.by(&alice, "POST", &path, wish).await.ok();
    let alias = ruma::room_alias_id!("#hatter:example.org");
    let target = commands::alias::resolve_alias(&world.write_side, alias).await.unwrap();
    assert_eq!(json!(target.unwrap().room), upgraded["replacement_room"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_aliases_that_are_new_in_the_event_must_be_true() {
    let world = World::new().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let room = world.public_room(&alice).await;
    world.by(&bob, "POST", &format!("/rooms/{room}/join"), json!({})).await.ok();
    name(&world, &bob, &room).await;
    let path = format!("/rooms/{room}/state/m.room.canonical_alias");
    let content = json!({ "alias": "#hatter:example.org" });
    world.by(&alice, "PUT", &path, content).await.ok();
    // Bob may remove what he set, and not change the event.
    world.by(&bob, "DELETE", HATTER, json!({})).await.ok();
    let moved = json!({ "alt_aliases": ["#hatter:example.org"] });
    world.by(&alice, "PUT", &path, moved).await.ok();
    let new = json!({ "alt_aliases": ["#hatter:example.org", "#hare:example.org"] });
    let refused = world.by(&alice, "PUT", &path, new).await.refused();
    assert_eq!(refused, refusal(400, "M_BAD_ALIAS"));
    world.by(&alice, "PUT", &path, json!({})).await.ok();
    let back = json!({ "alias": "#hatter:example.org" });
    let refused = world.by(&alice, "PUT", &path, back).await.refused();
    assert_eq!(refused, refusal(400, "M_BAD_ALIAS"));
}
