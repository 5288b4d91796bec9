//! Many senders at once.

use std::{collections::HashSet, sync::Arc};

use commands::{
    FLUSH_ENTRIES,
    room::{MemberDetails, join_room, send_event},
};
use decide::room::Preset;
use tokio::task::JoinSet;

use crate::stage::{Stage, message, room_of, say, user, with_txn};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_is_lost_and_the_graph_is_one_chain() {
    const SENDERS: usize = 8;
    const EACH: usize = 20;
    let mut stage = Stage::new();
    let write_side = stage.open().await;
    let room = Arc::new(room_of(&write_side, "u0", Preset::PublicChat).await);
    for i in 1..SENDERS {
        let joining = user(&format!("u{i}"));
        join_room(&write_side, &room, joining, &MemberDetails::default()).await.unwrap();
    }
    let mut senders = JoinSet::new();
    for i in 0..SENDERS {
        let (write_side, room) = (write_side.clone(), Arc::clone(&room));
        senders.spawn(async move {
            let mut sent = Vec::new();
            for k in 0..EACH {
                let answer = say(&write_side, &room, &format!("u{i}"), &k.to_string()).await;
                sent.push(answer.unwrap().event_id);
            }
            sent
        });
    }
    let acked: Vec<_> = senders.join_all().await.into_iter().flatten().collect();
    let distinct: HashSet<_> = acked.iter().cloned().collect();
    assert_eq!(distinct.len(), SENDERS * EACH);

    let fold = write_side.room(&room).await.unwrap();
    assert_eq!(fold.tips().len(), 1);
    // Back from the end, one prev event each, through everything that was acked.
    let mut found = HashSet::new();
    let mut next = Some(fold.tips()[0].event_id.clone());
    while let Some(event_id) = next {
        let pdu = write_side.pdu(&room, &event_id).await.unwrap().unwrap().pdu;
        assert!(pdu.prev_events().len() <= 1);
        next = pdu.prev_events().first().cloned();
        found.insert(event_id);
    }
    assert!(distinct.is_subset(&found));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_retry_in_flight_gets_the_same_answer() {
    let mut stage = Stage::new();
    let write_side = stage.open().await;
    let room = Arc::new(room_of(&write_side, "alice", Preset::PublicChat).await);
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        let (write_side, room) = (write_side.clone(), Arc::clone(&room));
        requests.spawn(async move {
            send_event(&write_side, &room, with_txn(message("alice", "x"), "t")).await
        });
    }
    let answers: Vec<_> = requests.join_all().await.into_iter().map(Result::unwrap).collect();
    let ids: HashSet<_> = answers.iter().map(|sent| &sent.event_id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|sent| sent.is_new).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i5_flushes_that_run_beside_commands_lose_nothing() {
    const SENDERS: usize = 50;
    let each = FLUSH_ENTRIES / SENDERS + 10;
    let mut stage = Stage::new();
    let write_side = stage.open().await;
    let mut senders = JoinSet::new();
    for i in 0..SENDERS {
        let write_side = write_side.clone();
        senders.spawn(async move {
            let name = format!("u{i}");
            let room = room_of(&write_side, &name, Preset::PrivateChat).await;
            for k in 0..each {
                say(&write_side, &room, &name, &k.to_string()).await.unwrap();
                if k % 17 == i % 17 {
                    write_side.flush().await.unwrap();
                }
            }
            room
        });
    }
    let rooms = senders.join_all().await;
    let mut live = Vec::new();
    for room in &rooms {
        live.push(write_side.room(room).await.unwrap());
    }
    drop(write_side);
    let write_side = stage.open().await;
    for (room, live) in rooms.iter().zip(&live) {
        assert_eq!(&write_side.room(room).await.unwrap(), live);
    }
}
