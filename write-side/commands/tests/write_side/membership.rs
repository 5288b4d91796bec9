//! Membership commands on rooms of this server.

use commands::{
    WriteSide,
    alias::resolve_alias,
    room::{
        MemberDetails, RoomCommandRefusal, ban_user, create_room, forget_room, invite_user,
        join_room, kick_user, knock_room, leave_room, publish_room, send_event, unban_user,
    },
};
use decide::{
    alias::AliasRefusal,
    room::{CreateRoom, NewEvent, Preset, RoomRefusal},
};
use ruma::{RoomId, RoomVersionId, events::room::member::MembershipState};

use crate::stage::{Stage, object, refusal, room_of, say, user};

async fn membership(write_side: &WriteSide, room: &RoomId, name: &str) -> MembershipState {
    write_side.room(room).await.unwrap().membership(&user(name))
}

async fn set_join_rule(write_side: &WriteSide, room: &RoomId, rule: serde_json::Value) {
    let event = NewEvent::state(user("alice"), "m.room.join_rules", "", object(&rule));
    send_event(write_side, room, event).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn invited_joined_kicked_banned_and_back() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PrivateChat).await;
    let (alice, bob) = (user("alice"), user("bob"));
    let details = MemberDetails::default();

    let uninvited = refusal(join_room(&ws, &room, bob.clone(), &details).await);
    assert!(matches!(uninvited, RoomCommandRefusal::Room(RoomRefusal::Forbidden { .. })));
    invite_user(&ws, &room, alice.clone(), &bob, &details).await.unwrap();
    assert_eq!(membership(&ws, &room, "bob").await, MembershipState::Invite);
    let joined = join_room(&ws, &room, bob.clone(), &details).await.unwrap();
    let again = join_room(&ws, &room, bob.clone(), &details).await.unwrap();
    assert_eq!(again.event_id, joined.event_id);
    assert!(!again.is_new);
    say(&ws, &room, "bob", "hello").await.unwrap();

    kick_user(&ws, &room, alice.clone(), &bob, &details).await.unwrap();
    assert_eq!(membership(&ws, &room, "bob").await, MembershipState::Leave);
    let twice = refusal(kick_user(&ws, &room, alice.clone(), &bob, &details).await);
    assert!(matches!(twice, RoomCommandRefusal::WrongMembership { .. }));
    let not_banned = refusal(unban_user(&ws, &room, alice.clone(), &bob, &details).await);
    assert!(matches!(not_banned, RoomCommandRefusal::WrongMembership { .. }));
    ban_user(&ws, &room, alice.clone(), &bob, &details).await.unwrap();
    assert!(invite_user(&ws, &room, alice.clone(), &bob, &details).await.is_err());
    unban_user(&ws, &room, alice.clone(), &bob, &details).await.unwrap();
    assert_eq!(membership(&ws, &room, "bob").await, MembershipState::Leave);
    assert!(say(&ws, &room, "bob", "out").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_twice_is_one_event_and_forgetting_needs_it() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let details = MemberDetails::default();
    let bob = user("bob");
    let stranger = refusal(leave_room(&ws, &room, bob.clone(), &details).await);
    assert!(matches!(stranger, RoomCommandRefusal::WrongMembership { .. }));
    join_room(&ws, &room, bob.clone(), &details).await.unwrap();
    let inside = refusal(forget_room(&ws, &room, &bob).await);
    assert!(matches!(inside, RoomCommandRefusal::WrongMembership { .. }));
    let left = leave_room(&ws, &room, bob.clone(), &details).await.unwrap();
    let again = leave_room(&ws, &room, bob.clone(), &details).await.unwrap();
    assert_eq!(left.event_id, again.event_id);
    forget_room(&ws, &room, &bob).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_join_is_vouched_for() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let space = room_of(&ws, "carol", Preset::PublicChat).await;
    let room = room_of(&ws, "alice", Preset::PrivateChat).await;
    let rule = serde_json::json!({
        "join_rule": "restricted",
        "allow": [{ "type": "m.room_membership", "room_id": space }],
    });
    set_join_rule(&ws, &room, rule).await;
    let details = MemberDetails::default();
    let bob = user("bob");
    assert!(join_room(&ws, &room, bob.clone(), &details).await.is_err());
    join_room(&ws, &space, bob.clone(), &details).await.unwrap();
    let joined = join_room(&ws, &room, bob.clone(), &details).await.unwrap();
    let join = ws.pdu(&room, &joined.event_id).await.unwrap().unwrap();
    assert_eq!(
        join.pdu.content_str("join_authorised_via_users_server"),
        Some("@alice:example.org")
    );

    let rule = serde_json::json!({
        "join_rule": "restricted",
        "allow": [{ "type": "m.room_membership", "room_id": "!elsewhere:remote.example" }],
    });
    set_join_rule(&ws, &room, rule).await;
    let unknown = refusal(join_room(&ws, &room, user("dan"), &details).await);
    assert_eq!(unknown, RoomCommandRefusal::UnableToAuthoriseJoin);
}

#[tokio::test(flavor = "multi_thread")]
async fn knocking_and_the_directory_follow_the_rules() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PrivateChat).await;
    let details = MemberDetails::default();
    assert!(knock_room(&ws, &room, user("bob"), &details).await.is_err());
    set_join_rule(&ws, &room, serde_json::json!({ "join_rule": "knock" })).await;
    knock_room(&ws, &room, user("bob"), &details).await.unwrap();
    assert_eq!(membership(&ws, &room, "bob").await, MembershipState::Knock);

    let powerless = refusal(publish_room(&ws, &room, user("bob"), false, true).await);
    assert_eq!(powerless, RoomCommandRefusal::MayNotPublish);
    publish_room(&ws, &room, user("bob"), true, true).await.unwrap();
    assert!(ws.room(&room).await.unwrap().is_published());
    publish_room(&ws, &room, user("alice"), false, false).await.unwrap();
    assert!(!ws.room(&room).await.unwrap().is_published());
    let unknown = ruma::room_id!("!nowhere:example.org");
    assert!(matches!(
        refusal(say(&ws, unknown, "alice", "?").await),
        RoomCommandRefusal::UnknownRoom(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_and_its_alias_come_together_or_not_at_all() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let alias = ruma::room_alias_id!("#hall:example.org");
    let mut wish = CreateRoom::new(user("alice"), RoomVersionId::V12);
    wish.alias = Some(alias.to_owned());
    let room = create_room(&ws, &wish, false).await.unwrap();
    let target = resolve_alias(&ws, alias).await.unwrap().unwrap();
    assert_eq!(target.room, room.as_str());
    let taken = refusal(create_room(&ws, &wish, false).await);
    assert_eq!(taken, RoomCommandRefusal::Alias(AliasRefusal::Taken));
    let (first, second) = (ws.clone(), ws.clone());
    wish.alias = Some(ruma::room_alias_id!("#race:example.org").to_owned());
    let (first, second) =
        tokio::join!(create_room(&first, &wish, false), create_room(&second, &wish, false));
    assert!(first.is_ok() != second.is_ok(), "one of two gets the alias");
}
