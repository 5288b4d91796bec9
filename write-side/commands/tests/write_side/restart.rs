//! What was answered holds after a crash, a restart and a rebuild.

use commands::room::{MemberDetails, join_room, publish_room, send_event};
use decide::room::{NewEvent, Preset};

use crate::stage::{Stage, message, object, room_of, say, user, with_txn};

#[tokio::test(flavor = "multi_thread")]
async fn i3_what_was_answered_is_there_after_a_crash() {
    let mut stage = Stage::new();
    let write_side = stage.open().await;
    let room = room_of(&write_side, "alice", Preset::PublicChat).await;
    let details = MemberDetails::default();
    join_room(&write_side, &room, user("bob"), &details).await.unwrap();
    let sent =
        send_event(&write_side, &room, with_txn(message("bob", "once"), "t1")).await.unwrap();
    assert!(sent.is_new);
    let before = write_side.room(&room).await.unwrap();
    // No flush: the store has nothing of this.
    drop(write_side);

    let write_side = stage.open().await;
    assert_eq!(write_side.room(&room).await.unwrap(), before);
    let again =
        send_event(&write_side, &room, with_txn(message("bob", "once"), "t1")).await.unwrap();
    assert_eq!(again.event_id, sent.event_id);
    assert!(!again.is_new);
    // Another room is another scope, and another device's id another transaction.
    let other = room_of(&write_side, "bob", Preset::PublicChat).await;
    let elsewhere =
        send_event(&write_side, &other, with_txn(message("bob", "once"), "t1")).await.unwrap();
    assert_ne!(elsewhere.event_id, sent.event_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn i7_deleting_the_fold_store_changes_nothing() {
    let mut stage = Stage::new();
    let write_side = stage.open().await;
    let room = room_of(&write_side, "alice", Preset::PublicChat).await;
    for i in 0..5 {
        say(&write_side, &room, "alice", &i.to_string()).await.unwrap();
    }
    // A flush in the middle, so that rows are written twice.
    write_side.flush().await.unwrap();
    let topic = object(&serde_json::json!({ "topic": "after the flush" }));
    let topic = NewEvent::state(user("alice"), "m.room.topic", "", topic);
    send_event(&write_side, &room, topic).await.unwrap();
    publish_room(&write_side, &room, user("alice"), false, true).await.unwrap();
    let target = say(&write_side, &room, "alice", "regret").await.unwrap();
    let redaction = NewEvent::redaction(user("alice"), target.event_id, None);
    send_event(&write_side, &room, redaction).await.unwrap();
    let live = write_side.room(&room).await.unwrap();
    assert!(live.is_published());
    write_side.close().await.unwrap();

    let write_side = stage.open().await;
    let loaded = write_side.room(&room).await.unwrap();
    assert_eq!(loaded, live, "as it was saved");
    drop(write_side);

    std::fs::remove_dir_all(stage.path().join("folds")).unwrap();
    let write_side = stage.open().await;
    assert_eq!(write_side.room(&room).await.unwrap(), live, "as rebuilt");
    say(&write_side, &room, "alice", "goes on").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_log_is_thrown_away() {
    let mut other = Stage::new();
    let write_side = other.open().await;
    room_of(&write_side, "mallory", Preset::PublicChat).await;
    write_side.close().await.unwrap();

    let mut stage = Stage::new();
    let write_side = stage.open().await;
    let room = room_of(&write_side, "alice", Preset::PublicChat).await;
    let live = write_side.room(&room).await.unwrap();
    drop(write_side);
    std::fs::remove_dir_all(stage.path().join("folds")).unwrap();
    std::fs::rename(other.path().join("folds"), stage.path().join("folds")).unwrap();

    let write_side = stage.open().await;
    assert_eq!(write_side.room(&room).await.unwrap(), live);
    assert_eq!(write_side.user_stream(&user("mallory")).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_transactions_are_forgotten_after_thirty_days() {
    let mut stage = Stage::new();
    let write_side = stage.open().await;
    let room = room_of(&write_side, "alice", Preset::PublicChat).await;
    let send = |body| send_event(&write_side, &room, with_txn(message("alice", body), "t"));
    let first = send("first").await.unwrap();
    stage.pass_days(29);
    assert_eq!(send("retry").await.unwrap().event_id, first.event_id);
    write_side.flush().await.unwrap();
    stage.pass_days(32);
    // The room's fold forgets by the time of its newest transaction.
    let other = with_txn(message("alice", "moves time"), "other");
    send_event(&write_side, &room, other).await.unwrap();
    write_side.flush().await.unwrap();
    assert_ne!(send("new").await.unwrap().event_id, first.event_id);
}
