//! The running view: waking, and a cost that does not grow with history.

use std::time::Duration;

use facts::LogPosition;

use super::world::{HERE, World};
use crate::ClientView;

const BOUND: Duration = Duration::from_mins(1);

#[tokio::test]
async fn members_are_woken_and_others_are_not() {
    let mut world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let room = world.room("alice");
    let dir = tempfile::tempdir().expect("a directory");
    let (view, handle) = ClientView::start(world.source(), dir.path(), HERE).expect("starts");
    assert!(view.wait_for(world.source().head(), BOUND).await);
    let mut of_alice = view.wakeups().subscribe(alice).expect("there is room");
    let of_bob = view.wakeups().subscribe(bob).expect("there is room");
    let sent = world.text(room, "alice", "hello");
    // A signal says "look again": one for an earlier commit may still be under way.
    while view.snapshot().expect("reads").position() < sent {
        tokio::time::timeout(BOUND, of_alice.changed())
            .await
            .expect("is woken")
            .expect("the view lives");
    }
    assert!(!of_bob.has_changed().expect("the view lives"));
    handle.stop();
}

/// Rows that one message writes: the measure of its cost that no busy machine disturbs.
#[test]
fn the_cost_of_a_message_does_not_grow_with_history() {
    let mut world = World::new();
    world.user("m0");
    let room = world.room("m0");
    for n in 1..10 {
        world.user(&format!("m{n}"));
        world.member(room, &format!("m{n}"), "join");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut added = Vec::new();
    let mut before = super::world::all_rows(&world.project(dir.path())).len();
    for _ in 0..3 {
        for n in 0..300 {
            world.text(room, &format!("m{}", n % 10), "hello");
        }
        let rows = super::world::all_rows(&world.project(dir.path())).len();
        added.push(rows - before);
        before = rows;
    }
    assert!(added[2] <= added[0], "{added:?}");
    assert!(added[2] <= 300 * 9, "few rows a message: {added:?}");
    assert!(world.source().head() > LogPosition(900));
}
