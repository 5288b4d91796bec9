//! A view that remembers answers as one that reads everything.

use std::sync::Arc;

use facts::{
    LogPosition, StreamId,
    fact::{
        NamedKey, OneTimeKeyClaimed, OneTimeKeysAdded, StreamKind, ThreadScope,
        ToDeviceAcknowledged, ToDeviceQueued,
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    convergence::{NAMES, begin, step},
    world::{HERE, World},
};
use crate::query::Snapshot;

const DEVICE: &str = "D";

/// Steps of what [`step`] leaves out: keys, messages to a device, receipts in threads.
fn other_step(
    world: &mut World,
    random: &mut StdRng,
    inbox: StreamId,
    sent: &[(usize, LogPosition)],
) {
    let name = NAMES[random.random_range(0..NAMES.len())];
    let user = world.users[name];
    let device_id = DEVICE.to_owned();
    let id = format!("signed_curve25519:{}", random.random_range(0..6));
    match random.random_range(0..5) {
        0 => {
            let keys = vec![NamedKey { id, key: b"{}".to_vec() }];
            world.own(user, OneTimeKeysAdded { device_id, keys });
        }
        1 => {
            world.own(user, OneTimeKeyClaimed { device_id, key_id: id });
        }
        2 => {
            let message = ToDeviceQueued {
                sender: format!("@ann:{HERE}"),
                event_type: "m.x".to_owned(),
                content: b"{}".to_vec(),
            };
            let through = world.own(inbox, message);
            if random.random_range(0..3) == 0 {
                world.own(inbox, ToDeviceAcknowledged { through });
            }
        }
        _ if !sent.is_empty() => {
            let (room, event) = sent[random.random_range(0..sent.len())];
            let (_, root) = sent[random.random_range(0..sent.len())];
            let thread = match random.random_range(0..3) {
                0 => ThreadScope::Main,
                1 => ThreadScope::Thread(world.event_id(root)),
                _ => ThreadScope::Unthreaded,
            };
            world.read(room, name, event, thread);
        }
        _ => {}
    }
}

/// What `/sync` asks, in words that can be compared.
fn answers(world: &World, inbox: StreamId, snapshot: &Snapshot, since: LogPosition) -> Vec<String> {
    let upto = snapshot.position();
    let mut answers = Vec::new();
    let (waiting, more) = snapshot.to_device(inbox, LogPosition(0), 3).expect("reads");
    let waiting: Vec<_> = waiting.iter().map(|item| item.position).collect();
    answers.push(format!("waiting {waiting:?} {more}"));
    for name in NAMES {
        let user = world.users[name];
        let counts = snapshot.one_time_key_counts(user, DEVICE).expect("reads");
        let fallback = snapshot.unused_fallback_types(user, DEVICE).expect("reads");
        let rooms = snapshot.rooms_of(user).expect("reads");
        let moved = snapshot.moved_rooms_of(user, since).expect("reads");
        let data = snapshot.account_data_since(user, since).expect("reads");
        answers.push(format!("{name} {counts:?} {fallback:?} {rooms:?} {moved:?} {data:?}"));
        for room in &world.rooms {
            let unread = snapshot.unread(user, room.stream).expect("reads");
            answers.push(format!("{name} in {}: {unread:?}", room.id));
        }
    }
    for room in &world.rooms {
        let live = snapshot.live_range(room.stream, since, upto, 5).expect("reads");
        let all = snapshot.live_range(room.stream, LogPosition(0), upto, 500).expect("reads");
        let then = snapshot.last_live(room.stream, since).expect("reads");
        let threads = snapshot.threads(room.stream, None, 50).expect("reads");
        let receipts = snapshot.receipts_since(room.stream, since, 50).expect("reads");
        answers.push(format!("{}: {live:?} {all:?} {then:?} {threads:?} {receipts:?}", room.id));
    }
    answers
}

/// The same instant without anything that is remembered.
fn plain(snapshot: &Snapshot) -> Snapshot {
    Snapshot { rows: snapshot.rows.plain(), recent: Arc::default(), ..snapshot.clone() }
}

#[test]
fn i5_answers_are_the_same_with_and_without_what_is_remembered() {
    for seed in 0..6 {
        let mut random = StdRng::seed_from_u64(200 + seed);
        let mut world = begin();
        let inbox = world.stream(StreamKind::DeviceInbox, &format!("@ann:{HERE} {DEVICE}"));
        let mut sent = Vec::new();
        let dir = tempfile::tempdir().expect("a directory");
        let mut following = world.follow(dir.path());
        let mut older: Vec<(Snapshot, Vec<String>)> = Vec::new();
        for round in 0..60 {
            for _ in 0..random.random_range(1..6) {
                step(&mut world, &mut random, &mut sent);
                other_step(&mut world, &mut random, inbox, &sent);
            }
            let snapshot = following.look();
            let since = LogPosition(random.random_range(0..=snapshot.position().0));
            let remembered = answers(&world, inbox, &snapshot, since);
            let expected = answers(&world, inbox, &plain(&snapshot), since);
            assert_eq!(remembered, expected, "seed {seed}, round {round}");
            let all = answers(&world, inbox, &plain(&snapshot), LogPosition(0));
            older.push((snapshot, all));
            let (instant, then) = &older[random.random_range(0..older.len())];
            let now = answers(&world, inbox, instant, LogPosition(0));
            assert_eq!(&now, then, "seed {seed}, round {round}: an older instant");
        }
        let rebuilt = tempfile::tempdir().expect("a directory");
        let (_, followed) = older.pop().expect("rounds");
        let anew = answers(&world, inbox, &world.project(rebuilt.path()), LogPosition(0));
        assert_eq!(anew, followed, "seed {seed}: rebuilt");
    }
}
