//! What is remembered answers as the store itself does.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{Key, Order, Row, Rows, Store, StoreSnapshot};

/// Tables; the last has no groups.
const TABLES: Range<u8> = 1..4;

fn open(dir: &tempfile::TempDir) -> Store {
    let grouping = |key: &[u8]| (*key.first()? < 3 && key.len() >= 2).then_some(2);
    Store::open(dir.path(), grouping).expect("opens")
}

fn key(random: &mut StdRng) -> Key {
    Key::new(random.random_range(TABLES))
        .u8(random.random_range(0..3))
        .u8(random.random_range(0..60))
}

/// A key, or a part of one.
fn end(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = key(random).into_bytes();
    match random.random_range(0..6) {
        0 => bytes.truncate(1),
        1 => bytes.truncate(2),
        2 => bytes.push(0),
        3 => return Key::new(bytes[0]).u8(bytes[1]).after_prefix(),
        _ => {}
    }
    bytes
}

fn commit(store: &Store, random: &mut StdRng) {
    let mut batch = store.batch();
    for _ in 0..random.random_range(1..8) {
        let key = key(random);
        match random.random_range(0..10) {
            0..3 => batch.remove(key),
            3 => batch.put(key, vec![7; 1_000]),
            _ => batch.put(key, random.random::<[u8; 4]>()),
        }
    }
    if random.random_range(0..100) == 0 {
        for row in 0..5_000 {
            batch.put(Key::new(9).u32(row), []);
        }
    }
    store.commit(batch).expect("commits");
}

fn rows(rows: &StoreSnapshot, (from, to): (&[u8], &[u8]), order: Order, limit: usize) -> Vec<Row> {
    rows.iterate(from, to, order).take(limit).collect::<Result<_, _>>().expect("reads")
}

/// Asks a snapshot with and without what is remembered.
fn ask(snapshot: &StoreSnapshot, random: &mut StdRng, seed: u64) {
    let plain = snapshot.plain();
    let one = key(random);
    let (known, expected) = (snapshot.get(one.as_bytes()), plain.get(one.as_bytes()));
    assert_eq!(known.expect("reads"), expected.expect("reads"), "seed {seed}: {one:?}");
    let order = if random.random() { Order::Forward } else { Order::Backward };
    let limit = if random.random() { usize::MAX } else { random.random_range(0..5) };
    let (from, to) = (end(random), end(random));
    let range = (from.as_slice(), to.as_slice());
    if from < to {
        let (known, expected) =
            (rows(snapshot, range, order, limit), rows(&plain, range, order, limit));
        assert_eq!(known, expected, "seed {seed}: {range:?} {order:?} {limit}");
    }
    let prefix = Key::new(one.table()).u8(one.as_bytes()[1]);
    let (known, expected) =
        (snapshot.last_at_most(&prefix, &one), plain.last_at_most(&prefix, &one));
    assert_eq!(known.expect("reads"), expected.expect("reads"), "seed {seed}: upto {one:?}");
}

#[test]
fn i5_what_is_remembered_equals_what_is_stored() {
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(&dir);
        let mut snapshots = vec![store.snapshot()];
        for _ in 0..300 {
            commit(&store, &mut random);
            if random.random() {
                snapshots.push(store.snapshot());
            }
            // Older instants are asked too.
            if snapshots.len() > 4 {
                snapshots.remove(0);
            }
            for _ in 0..6 {
                let at = random.random_range(0..snapshots.len());
                ask(&snapshots[at], &mut random, seed);
            }
        }
        let snapshot = store.snapshot();
        let group = Key::new(1).u8(0);
        snapshot.prefix(&group.clone().u8(5), Order::Forward).for_each(drop);
        let known = snapshot.get(Key::new(3).u8(7).as_bytes()).expect("reads");
        let (hot, version) = snapshot.hot.expect("nobody commits");
        assert_eq!(hot.row(Key::new(3).u8(7).as_bytes(), version), Some(known), "seed {seed}");
        assert_eq!(hot.row(Key::new(3).u8(7).as_bytes(), 0), None, "an older instant");
    }
}

#[test]
fn the_end_of_a_group_follows_what_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(&dir);
    let group = Key::new(1).u8(1);
    let write = |positions: Range<u8>, put: bool| {
        let mut batch = store.batch();
        for position in positions {
            let key = group.clone().u8(position);
            if put { batch.put(key, [position]) } else { batch.remove(key) }
        }
        store.commit(batch).expect("commits");
    };
    let known = || {
        let (hot, version) = store.snapshot().hot.expect("nobody commits");
        hot.tail(group.as_bytes(), version).map(|tail| tail.within(&[0], &[u8::MAX]).len())
    };
    write(0..3, true);
    assert_eq!(known(), None, "nobody asked");
    assert_eq!(store.snapshot().prefix(&group, Order::Forward).count(), 3);
    assert_eq!(known(), Some(3));
    write(3..40, true);
    assert_eq!(known(), Some(16), "bounded");
    write(30..35, false);
    assert_eq!(known(), Some(11));
    assert_eq!(store.snapshot().prefix(&group, Order::Backward).count(), 35);
}

#[test]
fn settled_rows_are_read_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(&dir);
    let prefix = Key::new(1).u8(1);
    let at = |position| prefix.clone().u8(position);
    let mut batch = store.batch();
    batch.put(at(3), [3]);
    store.commit(batch).expect("commits");
    let ask = |upto| store.snapshot().last_settled(&prefix, &at(upto)).expect("reads");
    assert_eq!((ask(2), ask(5)), (None, Some(vec![3])));
    let mut batch = store.batch();
    batch.put(at(8), [8]);
    store.commit(batch).expect("commits");
    assert_eq!((ask(2), ask(5), ask(9)), (None, Some(vec![3]), Some(vec![8])));
}

#[test]
fn readers_beside_a_follower_see_one_instant() {
    const COMMITS: u64 = 1_500;
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(&dir);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(seed);
                while !done.load(Ordering::SeqCst) {
                    let snapshot = store.snapshot();
                    ask(&snapshot, &mut random, seed);
                    // Every commit writes both.
                    let [one, other] = [1, 3].map(|table| {
                        let key = Key::new(table).u8(2).u8(99);
                        snapshot.get_u64(&key).expect("reads")
                    });
                    assert_eq!(one, other, "seed {seed}");
                }
            });
        }
        let mut random = StdRng::seed_from_u64(9);
        for round in 0..COMMITS {
            let mut batch = store.batch();
            for table in [1, 3] {
                batch.put_u64(Key::new(table).u8(2).u8(99), round);
            }
            for _ in 0..3 {
                batch.put(key(&mut random), random.random::<[u8; 4]>());
            }
            store.commit(batch).expect("commits");
        }
        done.store(true, Ordering::SeqCst);
    });
}
