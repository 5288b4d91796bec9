//! Persons whose records were erased: their key tree has ended.

use std::sync::Arc;

use commands::{
    CommandError, WriteSide,
    room::{MemberDetails, join_room, kick_user},
};
use decide::room::Preset;
use event_log::{Log, Scavenging, ShredRequest};
use facts::{
    KeyEpoch, LogPosition, StreamId,
    fact::{KeyRange, ShredCause},
};
use ruma::UserId;

use crate::stage::{Stage, room_of, say, user};

/// Ends the key tree of a person.
fn erase(log: &Log, person: StreamId) {
    let opened = log.read(LogPosition(person.0)).unwrap().unwrap();
    let trees = opened.header.parts.iter().map(|part| part.person_tree.0);
    let tree = trees.max().filter(|tree| *tree != 0).unwrap();
    let range = KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree,
        leaf_first: 0,
        leaf_last: u32::MAX,
    };
    let request = ShredRequest {
        ranges: vec![range],
        cause: ShredCause::Erasure,
        expects: Vec::new(),
        scavenging: Scavenging::All,
    };
    log.order_shred(request, |_| Vec::new()).unwrap();
}

fn stream(ws: &WriteSide, user: &UserId) -> StreamId {
    ws.user_stream(user).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_of_an_erased_person_and_others_go_on() {
    let mut stage = Stage::new();
    let log = stage.log();
    let ws = WriteSide::open(stage.parts(Arc::clone(&log) as _)).await.unwrap();
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let details = MemberDetails::default();
    let bob = user("bob");
    join_room(&ws, &room, bob.clone(), &details).await.unwrap();
    let person = stream(&ws, &bob);
    let shredding = Arc::clone(&log);
    tokio::task::spawn_blocking(move || erase(&shredding, person)).await.unwrap();

    let said = say(&ws, &room, "bob", "I was here").await;
    assert!(matches!(said, Err(CommandError::PersonErased(erased)) if erased == person));
    let kicked = kick_user(&ws, &room, user("alice"), &bob, &details).await;
    assert!(matches!(kicked, Err(CommandError::PersonErased(erased)) if erased == person));
    say(&ws, &room, "alice", "who was?").await.unwrap();
}
