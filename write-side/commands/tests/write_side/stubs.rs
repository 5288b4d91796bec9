//! Messages of which only stubs are left: their ids stay known, the graph goes through them, and
//! what another server sends of them once more is not taken in again.

use std::{collections::HashSet, fs, time::Duration};

use commands::{
    WriteSide,
    room::{PduOutcome, stub_messages},
};
use decide::{
    pdu::stub_of,
    room::{Preset, RECENT_STATES_MAX},
};
use event_log::{Log, OrderOfMany};
use facts::{
    EntryHeader, Fact, LogPosition,
    fact::{KeyRange, PduStub, ShredCause, ShredOrdered, Verdict},
};
use ruma::{OwnedRoomId, RoomId};
use serde_json::json;

use crate::{
    foreign::{ACCEPTED, Remote, id, tips},
    stage::{Stage, room_of, say},
};

/// The messages of a room that have something after them, with their headers.
async fn messages(ws: &WriteSide, log: &Log, room: &RoomId) -> Vec<(EntryHeader, PduStub)> {
    let tips: Vec<_> = ws.room(room).await.unwrap().tips().iter().map(|tip| tip.position).collect();
    let mut found = Vec::new();
    for at in (0..=log.head().0).map(LogPosition).filter(|at| !tips.contains(at)) {
        let entry = log.read(at).unwrap().unwrap();
        if let Some(Fact::PduStored(stored)) = entry.fact().unwrap() {
            found.extend(stub_of(room, at, &stored).map(|stub| (entry.header, stub)));
        }
    }
    found
}

/// As a run of the policies does it.
async fn destroy(ws: &WriteSide, log: &Log, room: &OwnedRoomId) -> Vec<PduStub> {
    let messages = messages(ws, log, room).await;
    let stubs: Vec<_> = messages.iter().map(|(_, stub)| stub.clone()).collect();
    let stream = ws.room_stream(room).unwrap().unwrap();
    let goes_on = || true;
    assert!(stub_messages(ws, stream, stubs.clone(), Duration::ZERO, &goes_on).await.unwrap());
    let leaf = |header: &EntryHeader, part: usize| KeyRange {
        epoch_first: header.key_epoch,
        epoch_last: header.key_epoch,
        tree: header.parts[part].stream_tree.0,
        leaf_first: u32::try_from(header.revision.0).unwrap(),
        leaf_last: u32::try_from(header.revision.0).unwrap(),
    };
    let ranges =
        messages.iter().flat_map(|(header, _)| [0, 1].map(|part| leaf(header, part))).collect();
    let order = ShredOrdered { ranges, cause: ShredCause::Retention };
    let order = OrderOfMany { order, records: Vec::new(), files: Vec::new() };
    log.order_shreds(vec![order], Vec::new()).unwrap();
    let gone: HashSet<_> = stubs.iter().map(|stub| stub.pdu).collect();
    ws.forget_contents(move |header| gone.contains(&header.position)).await.unwrap();
    stubs
}

/// The stub's id is known, and it is no PDU.
async fn is_stub(ws: &WriteSide, room: &RoomId, stub: &PduStub) {
    assert_eq!(ws.core().event_position(&stub.event_id).unwrap(), Some(stub.pdu));
    assert!(ws.pdu_at(room, stub.pdu).await.unwrap().is_none());
    assert_eq!(ws.read_fact(stub.pdu).await.unwrap(), Some(Fact::PduStub(stub.clone())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_is_walked_through_and_never_taken_in_again() {
    let mut stage = Stage::new();
    let log = stage.log();
    let ws = WriteSide::open(stage.parts(log.clone())).await.unwrap();
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    let (first, second) = (remote.event(&[id(&join)], &json!({})), remote.event(&[], &json!({})));
    assert_eq!(remote.send(&ws, &[&join, &first]).await, [ACCEPTED; 2]);
    assert!(matches!(
        &*remote.send(&ws, &[&second]).await,
        [PduOutcome::Placed(Verdict::Reject(_))]
    ));
    let mut old = first.clone();
    for number in 0..2 * RECENT_STATES_MAX {
        say(&ws, &room, "alice", &format!("{number}")).await.unwrap();
        if number == 3 {
            old = remote.event(&tips(&ws, &room).await, &json!({}));
            assert_eq!(remote.send(&ws, &[&old]).await, [ACCEPTED]);
        }
    }
    let folded = ws.room(&room).await.unwrap();
    let stubs = destroy(&ws, &log, &room).await;
    assert!(stubs.len() > RECENT_STATES_MAX);
    for stub in &stubs {
        is_stub(&ws, &room, stub).await;
    }
    let head = log.head();
    let again = remote.send(&ws, &[&first, &old, &second]).await;
    assert_eq!(again[..2], [ACCEPTED; 2]);
    assert!(matches!(again[2], PduOutcome::Placed(Verdict::Reject(_))), "{again:?}");
    assert_eq!(log.head(), head, "nothing was stored");
    assert_eq!(ws.room(&room).await.unwrap().tips(), folded.tips());

    // Far back in the graph: the state after what it follows is found through stubs.
    assert!(ws.room(&room).await.unwrap().state_after(&id(&old)).is_none());
    let late = remote.event(&[id(&old)], &json!({}));
    assert_eq!(remote.send(&ws, &[&late]).await, [ACCEPTED]);
    say(&ws, &room, "alice", "and on").await.unwrap();
    let live = ws.room(&room).await.unwrap();
    ws.flush().await.unwrap();
    drop(ws);
    log.close();
    drop(log);

    fs::remove_dir_all(stage.path().join("folds")).unwrap();
    let ws = stage.open().await;
    let rebuilt = ws.room(&room).await.unwrap();
    assert_eq!((rebuilt.tips(), rebuilt.state()), (live.tips(), live.state()));
    assert_eq!((rebuilt.revision(), rebuilt.next_index()), (live.revision(), live.next_index()));
    for stub in &stubs {
        is_stub(&ws, &room, stub).await;
    }
    let again = remote.send(&ws, &[&old]).await;
    assert_eq!(again, [ACCEPTED]);
    say(&ws, &room, "alice", "further").await.unwrap();
}
