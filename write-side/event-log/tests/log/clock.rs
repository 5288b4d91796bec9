//! Jumps of the clock: a fact, and no destroying until somebody has looked.

use event_log::{CLOCK_JUMP_MS, Log, Scavenging, ShredError, ShredRequest};
use facts::{
    Fact, KeyEpoch, LogPosition, StreamId,
    fact::{KeyRange, ShredCause},
};

use crate::world::{DAY_MS, World, open_person, open_stream, say};

const START: u64 = 20_000 * DAY_MS;

fn order(log: &Log, tree: u32) -> Result<LogPosition, ShredError> {
    let range = KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree,
        leaf_first: 0,
        leaf_last: u32::MAX,
    };
    let request = ShredRequest {
        ranges: vec![range],
        cause: ShredCause::Retention,
        expects: Vec::new(),
        scavenging: Scavenging::Closed,
    };
    log.order_shred(request, |_| Vec::new()).map(|receipt| receipt.order)
}

fn talk(log: &Log) -> (StreamId, StreamId, u32) {
    let room = open_stream(log, "room");
    let person = open_person(log, "alice");
    let said = say(log, room, person, b"hello");
    (room, person, said.header.parts[1].stream_tree.0)
}

#[test]
fn a_jump_is_a_fact_before_what_carries_its_time_and_pauses_destroying() {
    let world = World::new();
    let log = world.open();
    let (room, person, tree) = talk(&log);
    world.clock.jump(START + 400 * DAY_MS);
    let after = say(&log, room, person, b"after");
    let jump = LogPosition(after.header.position.0 - 1);
    let stated = log.read(jump).unwrap().unwrap();
    let Some(Fact::ClockJumped(jumped)) = stated.fact().unwrap() else {
        panic!("{stated:?}");
    };
    assert_eq!((jumped.from.0, jumped.to.0), (START, START + 400 * DAY_MS));
    assert_eq!(log.unconfirmed_clock_jump(), Some(jump));
    let refused = order(&log, tree);
    assert!(matches!(refused, Err(ShredError::ClockUnconfirmed(at)) if at == jump));
    drop(log);

    // Neither a restart nor a lost index forgets it.
    for lose_index in [false, true] {
        if lose_index {
            std::fs::remove_dir_all(world.options().index_dir()).unwrap();
        }
        let log = world.open();
        assert!(matches!(order(&log, tree), Err(ShredError::ClockUnconfirmed(_))));
    }
    let log = world.open();
    log.confirm_clock().unwrap();
    assert_eq!(log.unconfirmed_clock_jump(), None);
    let head = log.head();
    log.confirm_clock().unwrap();
    assert_eq!(log.head(), head, "there is nothing left to confirm");
    drop(log);
    let log = world.open();
    order(&log, tree).unwrap();
}

#[test]
fn a_destroying_run_that_meets_the_jump_first_is_refused_too() {
    let world = World::new();
    let log = world.open();
    let (_, _, tree) = talk(&log);
    world.clock.jump(START + CLOCK_JUMP_MS + 1);
    assert!(matches!(order(&log, tree), Err(ShredError::ClockUnconfirmed(_))));
    log.confirm_clock().unwrap();
    order(&log, tree).unwrap();
}

#[test]
fn time_that_passes_small_steps_and_steps_back_are_no_jumps() {
    let world = World::new();
    let log = world.open();
    let (room, person, tree) = talk(&log);
    world.clock.set(START + 300 * DAY_MS);
    say(&log, room, person, b"an idle server");
    world.clock.jump(START + 299 * DAY_MS);
    say(&log, room, person, b"set back");
    world.clock.jump(START + 300 * DAY_MS + CLOCK_JUMP_MS);
    say(&log, room, person, b"just within the bound");
    assert_eq!(log.unconfirmed_clock_jump(), None);
    order(&log, tree).unwrap();
}

#[test]
fn many_small_jumps_are_one_large_one() {
    let world = World::new();
    let log = world.open();
    let (room, person, tree) = talk(&log);
    for step in 1..=3 {
        world.clock.jump(START + step * CLOCK_JUMP_MS / 2);
        say(&log, room, person, b"a little later");
    }
    assert!(matches!(order(&log, tree), Err(ShredError::ClockUnconfirmed(_))));
}
