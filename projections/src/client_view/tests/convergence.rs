//! A view that followed equals one that was built at once, whatever happened in between.

use std::{fs, path::Path};

use facts::{
    LogPosition,
    fact::{AccountDataSet, ProfileFieldSet, RoomForgotten, RoomPublished, ThreadScope},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

use super::world::{World, all_rows};
use crate::{
    client_view::{NAME, SCHEMA},
    store::Store,
};

pub(super) const NAMES: [&str; 4] = ["ann", "ben", "cho", "dee"];

/// One random step of the world.
pub(super) fn step(world: &mut World, random: &mut StdRng, sent: &mut Vec<(usize, LogPosition)>) {
    let name = NAMES[random.random_range(0..NAMES.len())];
    let user = world.users[name];
    let room = random.random_range(0..world.rooms.len());
    match random.random_range(0..12) {
        0 => {
            world.member(room, name, "join");
        }
        1 => {
            world.member(room, name, "leave");
        }
        2 => {
            let content = json!({"name": format!("name {}", random.random::<u16>())});
            world.send(room, name, "m.room.name", Some(""), content);
        }
        3 if !sent.is_empty() => {
            let (room, target) = sent.swap_remove(random.random_range(0..sent.len()));
            world.redact(room, name, target);
        }
        4 if !sent.is_empty() => {
            let (room, event) = sent[random.random_range(0..sent.len())];
            world.read(room, name, event, ThreadScope::Unthreaded);
        }
        5 => {
            let data = AccountDataSet {
                room: random.random::<bool>().then(|| world.rooms[room].id.clone()),
                data_type: format!("t{}", random.random_range(0..3)),
                content: Some(b"{}".to_vec()),
            };
            world.own(user, data);
        }
        6 => {
            let field = ProfileFieldSet {
                field: "displayname".to_owned(),
                value: random.random::<bool>().then(|| b"\"x\"".to_vec()),
            };
            world.own(user, field);
        }
        7 => {
            let room = world.rooms[room].id.clone();
            world.own(user, RoomForgotten { room });
        }
        8 => {
            let public = random.random();
            world.own(world.rooms[room].stream, RoomPublished { public });
        }
        9 if !sent.is_empty() => {
            let (room, thread_root) = sent[random.random_range(0..sent.len())];
            let thread_root = world.event_id(thread_root);
            let content = json!({"msgtype": "m.text", "body": "reply",
                "m.relates_to": {"rel_type": "m.thread", "event_id": thread_root}});
            world.send(room, name, "m.room.message", None, content);
        }
        _ => {
            let body = format!("to {}", NAMES[random.random_range(0..NAMES.len())]);
            sent.push((room, world.text(room, name, &body)));
        }
    }
}

pub(super) fn begin() -> World {
    let mut world = World::new();
    for name in NAMES {
        world.user(name);
    }
    for name in ["ann", "ben"] {
        world.room(name);
    }
    world
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("creates");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("stat").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copies");
        }
    }
}

#[test]
fn i12_incremental_equals_rebuilt_and_twice_equals_once() {
    for seed in 0..6 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = begin();
        let mut sent = Vec::new();
        let followed = tempfile::tempdir().expect("a directory");
        for _ in 0..8 {
            for _ in 0..random.random_range(1..30) {
                step(&mut world, &mut random, &mut sent);
            }
            drop(world.project(followed.path()));
        }
        let rebuilt = tempfile::tempdir().expect("a directory");
        let expected = all_rows(&world.project(rebuilt.path()));
        assert_eq!(all_rows(&world.project(followed.path())), expected, "seed {seed}");
    }
}

#[test]
fn a_torn_store_comes_back_as_an_earlier_instant_or_is_built_anew() {
    for seed in 0..8 {
        let mut random = StdRng::seed_from_u64(100 + seed);
        let mut world = begin();
        let mut sent = Vec::new();
        let running = tempfile::tempdir().expect("a directory");
        let torn = tempfile::tempdir().expect("a directory");
        for _ in 0..40 {
            step(&mut world, &mut random, &mut sent);
        }
        drop(world.project(running.path()));
        if seed % 2 == 0 {
            // A part of the rows has left the journal for a table.
            let path = running.path().join(format!("views/{NAME}-v{SCHEMA}"));
            Store::open(&path, |_| None).expect("opens").purge().expect("purges");
        }
        for _ in 0..40 {
            step(&mut world, &mut random, &mut sent);
        }
        // A copy of files in use, then a journal without its tail: what a power loss leaves.
        let snapshot = world.project(running.path());
        copy(running.path(), torn.path());
        drop(snapshot);
        tear(torn.path(), &mut random);
        let rebuilt = tempfile::tempdir().expect("a directory");
        let expected = all_rows(&world.project(rebuilt.path()));
        assert_eq!(all_rows(&world.project(torn.path())), expected, "seed {seed}");
    }
}

/// Cuts journals at a random length, and zeroes a random stretch of some.
fn tear(dir: &Path, random: &mut StdRng) {
    for entry in fs::read_dir(dir).expect("lists") {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            tear(&path, random);
        } else if path.extension().is_some_and(|end| end == "jnl") {
            let mut bytes = fs::read(&path).expect("reads");
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            let at = random.random_range(0..=used);
            if random.random() {
                bytes.truncate(at);
            } else {
                let end = (at + random.random_range(0..512)).min(bytes.len());
                bytes[at..end].fill(0);
            }
            fs::write(&path, bytes).expect("writes");
        }
    }
}
