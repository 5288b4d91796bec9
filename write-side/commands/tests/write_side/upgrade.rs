//! Upgrading rooms between versions that differ in who has power.

use commands::{
    WriteSide,
    alias::{resolve_alias, set_alias},
    room::{
        MemberDetails, RoomCommandRefusal, UpgradeRoom, ban_user, create_room, join_room,
        publish_room, send_event, upgrade_room,
    },
};
use decide::room::{CreateRoom, NewEvent, Preset, RoomRefusal};
use ruma::{
    OwnedRoomAliasId, OwnedRoomId, RoomAliasId, RoomId, RoomVersionId,
    events::room::member::MembershipState,
};
use serde_json::{Value, json};

use crate::stage::{Stage, object, refusal, say, user};

fn upgrade_to(version: RoomVersionId, by: &str) -> UpgradeRoom {
    UpgradeRoom {
        user: user(by),
        profile: object(&json!({ "displayname": by })),
        version,
        additional_creators: Vec::new(),
        aliases: Vec::new(),
    }
}

async fn room_with(ws: &WriteSide, version: RoomVersionId, levels: Value) -> OwnedRoomId {
    let mut wish = CreateRoom::new(user("alice"), version);
    wish.preset = Some(Preset::PublicChat);
    wish.power_level_content_override = object(&levels);
    create_room(ws, &wish, false).await.unwrap()
}

async fn state_at(ws: &WriteSide, room: &RoomId, event_type: &str, key: &str) -> Value {
    let fold = ws.room(room).await.unwrap();
    let Some(entry) = fold.state_entry(event_type, key) else {
        return Value::Null;
    };
    let stored = ws.pdu(room, &entry.event_id).await.unwrap().unwrap();
    serde_json::to_value(stored.pdu.content_object().unwrap()).unwrap()
}

async fn state(ws: &WriteSide, room: &RoomId, event_type: &str) -> Value {
    state_at(ws, room, event_type, "").await
}

async fn set(ws: &WriteSide, room: &RoomId, event_type: &str, key: &str, content: Value) {
    let event = NewEvent::state(user("alice"), event_type, key, object(&content));
    send_event(ws, room, event).await.unwrap();
}

async fn target_of(ws: &WriteSide, alias: &RoomAliasId) -> (String, String) {
    let target = resolve_alias(ws, alias).await.unwrap().unwrap();
    (target.room, target.creator)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_carries_the_room_over() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let old = room_with(
        &ws,
        RoomVersionId::V10,
        json!({ "users": { "@alice:example.org": 100, "@dan:example.org": 50 } }),
    )
    .await;
    set(&ws, &old, "m.room.name", "", json!({ "name": "Hall" })).await;
    set(&ws, &old, "m.room.encryption", "", json!({ "algorithm": "m.megolm.v1.aes-sha2" })).await;
    set(&ws, &old, "m.room.join_rules", "", json!({ "join_rule": "knock" })).await;
    let visibility = json!({ "history_visibility": "joined" });
    set(&ws, &old, "m.room.history_visibility", "", visibility.clone()).await;
    set(&ws, &old, "org.example.seat", "", json!({ "n": 1 })).await;
    let reason = MemberDetails { reason: Some("noise".to_owned()), ..MemberDetails::default() };
    ban_user(&ws, &old, user("alice"), &user("bob"), &reason).await.unwrap();
    publish_room(&ws, &old, user("alice"), false, true).await.unwrap();
    let last = ws.room(&old).await.unwrap().tips()[0].event_id.to_string();

    let version = RoomVersionId::V11;
    let new = upgrade_room(&ws, &old, &upgrade_to(version.clone(), "alice")).await.unwrap();
    let create = state(&ws, &new, "m.room.create").await;
    assert_eq!(create["predecessor"], json!({ "room_id": old, "event_id": last }));
    assert_eq!(ws.room(&new).await.unwrap().version(), Some(&version));
    assert_eq!(state(&ws, &new, "m.room.name").await, json!({ "name": "Hall" }));
    assert_eq!(state(&ws, &new, "m.room.encryption").await["algorithm"], "m.megolm.v1.aes-sha2");
    assert_eq!(state(&ws, &new, "m.room.join_rules").await, json!({ "join_rule": "knock" }));
    assert_eq!(state(&ws, &new, "m.room.history_visibility").await, visibility);
    assert_eq!(state(&ws, &new, "org.example.seat").await, Value::Null);
    let levels = state(&ws, &new, "m.room.power_levels").await;
    assert_eq!(levels["users"], json!({ "@alice:example.org": 100, "@dan:example.org": 50 }));
    let ban = state_at(&ws, &new, "m.room.member", "@bob:example.org").await;
    assert_eq!(ban, json!({ "membership": "ban", "reason": "noise" }));
    let join = state_at(&ws, &new, "m.room.member", "@alice:example.org").await;
    assert_eq!(join, json!({ "membership": "join", "displayname": "alice" }));
    let published = (ws.room(&old).await.unwrap(), ws.room(&new).await.unwrap());
    assert_eq!((published.0.is_published(), published.1.is_published()), (false, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_room_points_on_and_falls_silent() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let old =
        room_with(&ws, RoomVersionId::V10, json!({ "users_default": 60, "invite": 80 })).await;
    let details = MemberDetails::default();
    join_room(&ws, &old, user("carol"), &details).await.unwrap();
    let unsupported = upgrade_to(RoomVersionId::V1, "alice");
    let unsupported = refusal(upgrade_room(&ws, &old, &unsupported).await);
    let version = RoomRefusal::UnsupportedRoomVersion(RoomVersionId::V1);
    assert_eq!(unsupported, RoomCommandRefusal::Room(version));
    let powerless =
        refusal(upgrade_room(&ws, &old, &upgrade_to(RoomVersionId::V11, "carol")).await);
    assert!(matches!(powerless, RoomCommandRefusal::Room(RoomRefusal::Forbidden { .. })));
    assert_eq!(state(&ws, &old, "m.room.tombstone").await, Value::Null);

    let new = upgrade_room(&ws, &old, &upgrade_to(RoomVersionId::V11, "alice")).await.unwrap();
    assert_eq!(state(&ws, &old, "m.room.tombstone").await["replacement_room"], new.as_str());
    let levels = state(&ws, &old, "m.room.power_levels").await;
    assert_eq!((&levels["events_default"], &levels["invite"]), (&json!(61), &json!(80)));
    assert!(say(&ws, &old, "carol", "too late").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn creators_get_a_level_below_version_12_and_lose_it_from_there_on() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let twelve = room_with(&ws, RoomVersionId::V12, json!({})).await;
    let eleven =
        upgrade_room(&ws, &twelve, &upgrade_to(RoomVersionId::V11, "alice")).await.unwrap();
    let levels = state(&ws, &eleven, "m.room.power_levels").await;
    // The tombstone needs 150 in a room of version 12, which creators alone reach.
    assert_eq!(levels["users"], json!({ "@alice:example.org": 150 }));
    let join = json!({ "join_rule": "public" });
    set(&ws, &eleven, "m.room.join_rules", "", join).await;

    let mut up = upgrade_to(RoomVersionId::V12, "alice");
    up.additional_creators = vec![user("dan")];
    set(&ws, &eleven, "m.room.power_levels", "", json!({
        "users": { "@alice:example.org": 150, "@dan:example.org": 100, "@erin:example.org": 50 },
        "events": { "m.room.tombstone": 100 },
    }))
    .await;
    let again = upgrade_room(&ws, &eleven, &up).await.unwrap();
    let levels = state(&ws, &again, "m.room.power_levels").await;
    assert_eq!(levels["users"], json!({ "@erin:example.org": 50 }));
    let create = state(&ws, &again, "m.room.create").await;
    assert_eq!(create["additional_creators"], json!(["@dan:example.org"]));
    assert_eq!(create["predecessor"], json!({ "room_id": eleven }));
    say(&ws, &again, "alice", "still in power").await.unwrap();
    set(&ws, &again, "m.room.name", "", json!({ "name": "Third" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_just_end_the_room_creates_the_successor_without_gaining_power() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let levels = json!({
        "users": { "@alice:example.org": 100, "@carol:example.org": 50 },
        "events": { "m.room.tombstone": 50, "m.room.history_visibility": 100 },
    });
    let old = room_with(&ws, RoomVersionId::V10, levels.clone()).await;
    join_room(&ws, &old, user("carol"), &MemberDetails::default()).await.unwrap();
    ban_user(&ws, &old, user("alice"), &user("bob"), &MemberDetails::default()).await.unwrap();
    let new = upgrade_room(&ws, &old, &upgrade_to(RoomVersionId::V11, "carol")).await.unwrap();
    let carried = state(&ws, &new, "m.room.power_levels").await;
    assert_eq!((&carried["users"], &carried["events"]), (&levels["users"], &levels["events"]));
    let fold = ws.room(&new).await.unwrap();
    assert_eq!(fold.membership(&user("bob")), MembershipState::Ban);
    assert_eq!(state(&ws, &old, "m.room.tombstone").await["replacement_room"], new.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_go_along_if_they_point_to_the_room() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let old = room_with(&ws, RoomVersionId::V10, json!({})).await;
    let other = room_with(&ws, RoomVersionId::V10, json!({})).await;
    let alias = |name: &str| -> OwnedRoomAliasId {
        RoomAliasId::parse(format!("#{name}:example.org")).unwrap()
    };
    let (hall, door, elsewhere) = (alias("hall"), alias("door"), alias("elsewhere"));
    set_alias(&ws, &user("alice"), &hall, &old, false).await.unwrap();
    set_alias(&ws, &user("carol"), &door, &old, false).await.unwrap();
    set_alias(&ws, &user("alice"), &elsewhere, &other, false).await.unwrap();
    let canonical = json!({
        "alias": hall,
        "alt_aliases": [door, "#hall:remote.example"],
    });
    set(&ws, &old, "m.room.canonical_alias", "", canonical).await;

    let mut up = upgrade_to(RoomVersionId::V11, "alice");
    up.aliases = vec![hall.clone(), door.clone(), elsewhere.clone(), alias("nowhere")];
    let new = upgrade_room(&ws, &old, &up).await.unwrap();
    let at = |room: &RoomId, name: &str| (room.to_string(), format!("@{name}:example.org"));
    assert_eq!(target_of(&ws, &hall).await, at(&new, "alice"));
    assert_eq!(target_of(&ws, &door).await, at(&new, "carol"));
    assert_eq!(target_of(&ws, &elsewhere).await, at(&other, "alice"));
    let moved = json!({ "alias": hall, "alt_aliases": [door] });
    assert_eq!(state(&ws, &new, "m.room.canonical_alias").await, moved);
    let left = json!({ "alt_aliases": ["#hall:remote.example"] });
    assert_eq!(state(&ws, &old, "m.room.canonical_alias").await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_space_keeps_its_rooms() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let mut wish = CreateRoom::new(user("alice"), RoomVersionId::V10);
    wish.creation_content = object(&json!({ "type": "m.space", "m.federate": false }));
    let old = create_room(&ws, &wish, false).await.unwrap();
    let child = json!({ "via": ["example.org"], "suggested": true });
    set(&ws, &old, "m.space.child", "!kept:example.org", child.clone()).await;
    set(&ws, &old, "m.space.child", "!gone:example.org", json!({})).await;
    let new = upgrade_room(&ws, &old, &upgrade_to(RoomVersionId::V12, "alice")).await.unwrap();
    let create = state(&ws, &new, "m.room.create").await;
    assert_eq!((&create["type"], &create["m.federate"]), (&json!("m.space"), &json!(false)));
    assert_eq!(state_at(&ws, &new, "m.space.child", "!kept:example.org").await, child);
    assert_eq!(state_at(&ws, &new, "m.space.child", "!gone:example.org").await, Value::Null);
    let guests = json!({ "guest_access": "can_join" });
    assert_eq!(state(&ws, &new, "m.room.guest_access").await, guests);
}
