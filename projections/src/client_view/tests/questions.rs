//! What the view answers.

use facts::{
    LogPosition, Timestamp,
    fact::{
        AccountDataSet, DeviceAdded, DeviceKeysSet, DevicesRemoved, NamedKey, OneTimeKeyClaimed,
        OneTimeKeysAdded, SessionOpened, SessionRefreshed, StreamKind, ThreadScope,
        ToDeviceAcknowledged, ToDeviceQueued,
    },
};
use serde_json::json;

use super::world::{HERE, World, all_rows};
use crate::query::{Direction, Membership, PageItem, RelationFilter, RelationPage, Snapshot};

fn project(world: &World) -> (tempfile::TempDir, Snapshot) {
    let dir = tempfile::tempdir().expect("a directory");
    let snapshot = world.project(dir.path());
    (dir, snapshot)
}

#[test]
fn timelines_state_and_members_are_answered() {
    let mut world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let room = world.room("alice");
    let first = world.send(room, "alice", "m.room.name", Some(""), json!({"name": "one"}));
    let before = world.text(room, "alice", "hello");
    let second = world.send(room, "alice", "m.room.name", Some(""), json!({"name": "two"}));
    let joined = world.member(room, "bob", "join");
    let (_dir, snapshot) = project(&world);
    let stream = world.rooms[room].stream;

    let range = snapshot.live_range(stream, before, snapshot.position(), 10).expect("reads");
    let events: Vec<_> = range.events.iter().map(|event| event.event).collect();
    assert_eq!(events, [second, joined]);
    assert!(!range.limited);
    let newest =
        snapshot.live_range(stream, LogPosition(0), snapshot.position(), 2).expect("reads");
    assert!(newest.limited && newest.events.len() == 2);

    let name = |event| snapshot.state_event_before(event, "m.room.name", "").expect("reads");
    assert_eq!(name(first), None);
    assert_eq!(name(before), Some(first));
    assert_eq!(name(second), Some(first));
    assert_eq!(name(joined), Some(second));
    assert_eq!(snapshot.replaces(second).expect("reads"), Some(first));
    let delta = snapshot.state_delta(stream, before, snapshot.position()).expect("reads");
    assert_eq!(delta.len(), 2);
    assert_eq!((delta[0].old, delta[0].new), (Some(first), Some(second)));
    let then = snapshot.state_as_of(stream, before).expect("reads");
    assert!(then.iter().any(|entry| entry.event == first));
    assert_eq!(snapshot.state_before(joined).expect("reads").expect("known").len(), then.len());

    let summary = snapshot.room_summary(stream, alice).expect("reads");
    assert_eq!((summary.joined, summary.heroes), (2, vec![bob]));
    assert_eq!(snapshot.mutual_rooms(alice, bob).expect("reads"), [stream]);
    let at = |position| snapshot.membership_as_of(bob, stream, position).expect("reads");
    assert_eq!(at(second), None);
    assert_eq!(at(joined), Some(Membership::Join));
    let seen = snapshot.visibility_input(before, bob, "@bob:here.test").expect("reads");
    assert!(seen.known && seen.joined_since);
    assert_eq!(seen.membership_before, None);
}

#[test]
fn pages_walk_both_ways_without_overlap() {
    let mut world = World::new();
    world.user("alice");
    let room = world.room("alice");
    for n in 0..7 {
        world.text(room, "alice", &format!("message {n}"));
    }
    let (_dir, snapshot) = project(&world);
    let stream = world.rooms[room].stream;
    for direction in [Direction::Backward, Direction::Forward] {
        let mut from = None;
        let mut seen = Vec::new();
        loop {
            let page = snapshot.page(stream, from, direction, 2).expect("reads");
            let Some(PageItem::Event { place, .. }) = page.last() else {
                break;
            };
            from = Some(Snapshot::beyond(*place, direction));
            seen.extend(page);
        }
        assert_eq!(seen.len(), 9, "{direction:?}");
    }
}

#[test]
fn unread_counts_follow_mentions_receipts_and_threads() {
    let mut world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    world.user("carol");
    let room = world.room("alice");
    world.member(room, "bob", "join");
    world.member(room, "carol", "join");
    let first = world.text(room, "alice", "hello all");
    let mention = json!({"msgtype": "m.text", "body": "hello",
        "m.mentions": {"user_ids": ["@bob:here.test"]}});
    world.send(room, "alice", "m.room.message", None, mention);
    let thread_root = world.event_id(first);
    let content = json!({"msgtype": "m.text", "body": "in a thread",
        "m.relates_to": {"rel_type": "m.thread", "event_id": thread_root}});
    let reply = world.send(room, "carol", "m.room.message", None, content);
    let stream = world.rooms[room].stream;
    let (dir, snapshot) = project(&world);
    let of = |snapshot: &Snapshot, user| snapshot.unread(user, stream).expect("reads");
    let unread = of(&snapshot, bob);
    assert_eq!((unread.main.notifications, unread.main.highlights), (2, 1));
    assert_eq!(unread.threads[0].1.notifications, 1);
    assert_eq!(unread.total().notifications, 3);
    assert_eq!(of(&snapshot, alice).total().notifications, 1, "own events do not count");
    assert!(snapshot.participated(alice, stream, &thread_root).expect("reads"));
    assert_eq!(snapshot.threads(stream, None, 5).expect("reads"), [(reply, thread_root.clone())]);

    drop(snapshot);
    world.read(room, "bob", first, ThreadScope::Main);
    world.read(room, "bob", reply, ThreadScope::Thread(thread_root));
    let snapshot = world.project(dir.path());
    let unread = of(&snapshot, bob);
    assert_eq!((unread.main.notifications, unread.threads.len()), (1, 0));
    assert_eq!(snapshot.receipts_since(stream, LogPosition(0), 9).expect("reads").len(), 2);
    drop(snapshot);
    world.read(room, "bob", reply, ThreadScope::Unthreaded);
    let snapshot = world.project(dir.path());
    assert_eq!(of(&snapshot, bob).total().notifications, 0);
}

#[test]
fn own_push_rules_decide_from_then_on() {
    let mut world = World::new();
    let bob = world.user("bob");
    world.user("alice");
    let room = world.room("alice");
    world.member(room, "bob", "join");
    world.text(room, "alice", "counts");
    let muted = json!({"global": {"override": [{"rule_id": ".m.rule.master", "default": true,
        "enabled": true, "actions": []}]}});
    world.own(
        bob,
        AccountDataSet {
            room: None,
            data_type: "m.push_rules".to_owned(),
            content: Some(muted.to_string().into_bytes()),
        },
    );
    world.text(room, "alice", "does not count");
    let (_dir, snapshot) = project(&world);
    let unread = snapshot.unread(bob, world.rooms[room].stream).expect("reads");
    assert_eq!(unread.main.notifications, 1);
}

#[test]
fn redaction_hides_content_and_relations_and_destruction_hides_for_good() {
    let mut world = World::new();
    world.user("alice");
    let room = world.room("alice");
    let target = world.text(room, "alice", "secret");
    let parent = world.event_id(target);
    let content = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": parent,
        "key": "yes"}});
    let reaction = world.send(room, "alice", "m.reaction", None, content);
    let kept = world.text(room, "alice", "kept");
    let stream = world.rooms[room].stream;
    let (dir, snapshot) = project(&world);
    let relations = |snapshot: &Snapshot| {
        let filter = RelationFilter { rel_type: Some("m.annotation"), event_type: None };
        snapshot
            .relations(
                stream,
                &parent,
                filter,
                RelationPage { from: None, direction: Direction::Backward, max: 9 },
            )
            .expect("reads")
            .len()
    };
    assert_eq!(relations(&snapshot), 1);
    let body = |snapshot: &Snapshot, event| {
        let event = snapshot.event_at(event).expect("reads").expect("exists");
        event.content().and_then(|content| content.get("body").cloned())
    };
    assert!(body(&snapshot, target).is_some());
    drop(snapshot);
    world.redact(room, "alice", target);
    let by = world.redact(room, "alice", reaction);
    world.log.destroy_content(kept);
    let snapshot = world.project(dir.path());
    assert_eq!(relations(&snapshot), 0);
    assert_eq!(body(&snapshot, target), None);
    assert_eq!(body(&snapshot, kept), None);
    assert_eq!(snapshot.redaction_target(by).expect("reads"), Some(reaction));
    let last = snapshot.last_live(stream, snapshot.position()).expect("reads");
    assert_eq!(last.expect("exists").event, by, "the redaction itself is shown");
}

#[test]
fn of_two_redactions_the_first_counts_also_in_a_view_that_is_built_anew() {
    let mut world = World::new();
    for name in ["alice", "bob"] {
        world.user(name);
    }
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let target = world.text(room, "bob", "taken back by bob");
    let first = world.redact(room, "bob", target);
    let (followed, snapshot) = project(&world);
    assert_eq!(snapshot.redacted_by(target).expect("reads"), Some(first));
    drop(snapshot);
    let second = world.redact(room, "alice", target);
    let followed = world.project(followed.path());
    let (_anew, anew) = project(&world);
    for snapshot in [&followed, &anew] {
        let (by, applied) = snapshot.redaction_of(target).expect("reads").expect("it is redacted");
        assert_eq!((by, applied), (first, first.next()), "the second one changes nothing");
        let shown = snapshot.redaction_target(second).expect("reads");
        assert_eq!(shown, Some(target), "it is an event of the room all the same");
    }
    assert_eq!(all_rows(&followed), all_rows(&anew));
}

#[test]
fn tokens_end_when_they_are_superseded() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.own(alice, DeviceAdded { device_id: "D".to_owned(), display_name: None });
    let open = |access, refresh| SessionOpened {
        device_id: "D".to_owned(),
        access_hash: [access; 32],
        access_expires_at: Some(Timestamp(99)),
        refresh_hash: Some([refresh; 32]),
    };
    let refresh = |used, access, refresh| SessionRefreshed {
        device_id: "D".to_owned(),
        used_refresh_hash: [used; 32],
        access_hash: [access; 32],
        access_expires_at: None,
        refresh_hash: [refresh; 32],
    };
    world.own(alice, open(1, 11));
    world.own(alice, refresh(11, 2, 12));
    let (dir, snapshot) = project(&world);
    let session = |snapshot: &Snapshot, access| snapshot.session(&[access; 32]).expect("reads");
    assert!(session(&snapshot, 1).is_some() && session(&snapshot, 2).is_some());
    drop(snapshot);
    world.own(alice, refresh(12, 3, 13));
    let snapshot = world.project(dir.path());
    assert!(session(&snapshot, 1).is_none() && session(&snapshot, 2).is_some());
    assert_eq!(session(&snapshot, 3).expect("lives").user_id, "@alice:here.test");
    drop(snapshot);
    world.own(alice, DevicesRemoved { device_ids: vec!["D".to_owned()] });
    let snapshot = world.project(dir.path());
    assert!(session(&snapshot, 2).is_none() && session(&snapshot, 3).is_none());
    assert!(snapshot.refresh_session(&[13; 32]).expect("reads").is_none());
    assert!(snapshot.devices(alice).expect("reads").is_empty());
}

#[test]
fn inboxes_keys_and_device_lists_are_answered() {
    let mut world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let inbox = world.stream(StreamKind::DeviceInbox, &format!("@alice:{HERE} D"));
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let queue = || ToDeviceQueued {
        sender: "@bob:here.test".to_owned(),
        event_type: "m.room_key".to_owned(),
        content: b"{}".to_vec(),
    };
    let first = world.own(inbox, queue());
    world.own(inbox, queue());
    world.own(inbox, ToDeviceAcknowledged { through: first });
    let before = world.log.append(vec![(
        bob.into(),
        OneTimeKeysAdded {
            device_id: "B".to_owned(),
            keys: ["signed_curve25519:1", "signed_curve25519:2"]
                .map(|id| NamedKey { id: id.to_owned(), key: b"{}".to_vec() })
                .to_vec(),
        }
        .into(),
    )])[0];
    world.own(
        bob,
        OneTimeKeyClaimed { device_id: "B".to_owned(), key_id: "signed_curve25519:1".to_owned() },
    );
    world.own(bob, DeviceKeysSet { device_id: "B".to_owned(), keys: b"{}".to_vec() });
    let (_dir, snapshot) = project(&world);
    let stream = world.rooms[room].stream;
    let (items, more) = snapshot.to_device(inbox, LogPosition(0), 10).expect("reads");
    assert_eq!((items.len(), more), (1, false));
    assert!(items[0].message().is_some());
    assert_eq!(
        snapshot.one_time_key_counts(bob, "B").expect("reads"),
        [("signed_curve25519".to_owned(), 1)]
    );
    let next = snapshot.next_one_time_key(bob, "B", "signed_curve25519").expect("reads");
    assert_eq!(next.expect("one is left").id, "signed_curve25519:2");
    let moved = |since| -> Vec<_> {
        let moved = snapshot.moved_rooms_of(alice, since).expect("reads");
        moved.into_iter().map(|member| member.room).collect()
    };
    assert_eq!(moved(before), [stream]);
    let changes = snapshot.device_list_changes(alice, &moved(before), before).expect("reads");
    assert_eq!(changes.changed.into_iter().collect::<Vec<_>>(), [bob]);
    assert!(moved(snapshot.position()).is_empty());
}

/// Two events after the same one: the second is out of step, and so is what follows it alone.
#[test]
fn state_before_an_event_of_a_fork_is_that_of_its_branch() {
    let mut world = World::new();
    world.user("alice");
    let room = world.room("alice");
    let old = world.send(room, "alice", "m.room.topic", Some(""), json!({"topic": "old"}));
    let fork = world.fork_point(room);
    let new = world.send(room, "alice", "m.room.topic", Some(""), json!({"topic": "new"}));
    let main = world.text(room, "alice", "on the main branch");
    let tip = world.fork_point(room);
    world.go_back(room, &fork);
    let side = world.branch(room, "alice", &[&tip]);
    let side_again = world.branch(room, "alice", &[&tip]);
    let (_dir, snapshot) = project(&world);
    let topic = |event| snapshot.state_event_before(event, "m.room.topic", "").expect("reads");
    assert_eq!(topic(main), Some(new));
    assert_eq!(topic(side), Some(old));
    assert_eq!(topic(side_again), Some(old));
    let whole = snapshot.state_before(side_again).expect("reads").expect("known");
    assert!(whole.iter().any(|entry| entry.event == old));
    assert!(!whole.iter().any(|entry| entry.event == new));
    assert!(!snapshot.event_row(side).expect("reads").expect("exists").in_step);
}

#[test]
fn a_gap_closes_when_its_events_are_backfilled() {
    let mut world = World::new();
    world.user("alice");
    let room = world.room("alice");
    let seen = world.text(room, "alice", "seen");
    world.lose_one(room);
    let after = world.text(room, "alice", "after the gap");
    let stream = world.rooms[room].stream;
    let (dir, snapshot) = project(&world);
    let gaps = |snapshot: &Snapshot| {
        let page = snapshot.page(stream, None, Direction::Backward, 50).expect("reads");
        let gap = |item: &PageItem| matches!(item, PageItem::Gap { .. });
        let events = page.iter().filter(|item| !gap(item)).count();
        (page.iter().filter(|item| gap(item)).count(), events)
    };
    assert_eq!(gaps(&snapshot), (1, 4));
    drop(snapshot);
    let lost = world.backfill(room, "alice", seen);
    let snapshot = world.project(dir.path());
    assert_eq!(gaps(&snapshot), (0, 5));
    let live = snapshot.live_range(stream, seen, snapshot.position(), 9).expect("reads");
    let events: Vec<_> = live.events.iter().map(|event| event.event).collect();
    assert_eq!(events, [after], "what is backfilled does not walk through sync");
    assert!(snapshot.state_before(lost).expect("reads").is_some());
}

#[test]
fn an_invite_from_elsewhere_is_known_without_the_room() {
    let mut world = World::new();
    let alice = world.user("alice");
    let (room, invite) = world.invited_elsewhere("alice");
    let (_dir, snapshot) = project(&world);
    let member = snapshot.membership(alice, room).expect("reads").expect("is invited");
    assert_eq!((member.membership, member.event), (Membership::Invite, invite));
    let state = snapshot.invite_state(alice, room).expect("reads").expect("is kept");
    assert_eq!(state.len(), 1);
    assert!(snapshot.current_state(room).expect("reads").is_empty());
}
