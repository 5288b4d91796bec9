//! From entries to records: whose they are, whether they are in use, since when they are redacted.

use std::time::Duration;

use commands::room::{MemberDetails, ban_user, join_room, send_event};
use decide::{policy::Standing, room::NewEvent};
use facts::{
    EntryHeader, Fact, LogPosition,
    fact::{PduStored, RecordKind},
};
use policies::{
    record_description::{Described, DescribedRecord, Describer},
    scope_walk::Record,
};
use serde_json::{Value, json};

use crate::world::{World, user};

struct Shown {
    header: EntryHeader,
    fact: Option<Fact>,
    described: Described,
}

/// Every entry of the log with what it is.
async fn describe_all(world: &World) -> Vec<Shown> {
    let head = Record::head(&*world.failing.log);
    assert!(world.view.wait_for(head, Duration::from_secs(30)).await, "the view is behind");
    let (view, log) = (world.view.snapshot().unwrap(), world.failing.log.clone());
    let ws = world.ws.clone();
    tokio::task::spawn_blocking(move || {
        let mut describer = Describer::new(&view, &ws);
        (0..=head.0)
            .filter_map(|at| Record::open(&*log, LogPosition(at)).unwrap())
            .map(|entry| {
                let described = describer.describe(&entry).unwrap();
                let fact = entry.fact().unwrap();
                Shown { header: entry.header, fact, described }
            })
            .collect()
    })
    .await
    .unwrap()
}

fn event(stored: &PduStored) -> Value {
    serde_json::from_slice(&stored.redacted).unwrap()
}

/// The one record whose event passes, with its header.
fn one(
    all: &[Shown],
    passes: impl Fn(&PduStored, &Value) -> bool,
) -> (&EntryHeader, &DescribedRecord) {
    let mut found = all.iter().filter_map(|shown| match (&shown.fact, &shown.described) {
        (Some(Fact::PduStored(stored)), Described::Record(record))
            if passes(stored, &event(stored)) =>
        {
            Some((&shown.header, &**record))
        }
        _ => None,
    });
    let first = found.next().expect("such an event");
    assert!(found.next().is_none(), "one such event");
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_described_as_policies_see_them() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let details = MemberDetails::default();
    join_room(&world.ws, &room, user("eve"), &details).await.unwrap();
    let plain = world.say(&room, "dan", "plain").await;
    let taken = world.say(&room, "eve", "taken back").await;
    let mut redaction = NewEvent::message(
        user("dan"),
        "m.room.redaction",
        NewEvent::content_of(&json!({})).unwrap(),
    );
    redaction.redacts = Some(taken.event_id.clone());
    send_event(&world.ws, &room, redaction).await.unwrap();
    ban_user(&world.ws, &room, user("dan"), &user("eve"), &details).await.unwrap();

    let all = describe_all(&world).await;
    let by_id = |id: &str| one(&all, |stored, _| stored.event_id == id);
    let (header, said) = by_id(plain.event_id.as_str());
    assert_eq!((said.record.kind, said.record.standing), (RecordKind::Messages, Standing::Plain));
    assert_eq!(said.record.room.as_deref(), Some(room.as_str()));
    assert_eq!(said.record.owner.as_deref(), Some("@dan:example.org"));
    assert!(said.record.personal && said.left && said.record.concerned.is_empty());
    assert_eq!((said.record.received, said.record.redacted), (header.recorded_at, None));
    let (_, said) = by_id(taken.event_id.as_str());
    let (redaction, _) = one(&all, |_, event| event["type"] == "m.room.redaction");
    assert_eq!(said.record.redacted, Some(redaction.recorded_at));

    let membership = |sender: &str| {
        one(&all, |_, event| event["state_key"] == "@eve:example.org" && event["sender"] == sender)
    };
    let (ban, banned) = membership("@dan:example.org");
    assert_eq!(
        (banned.record.kind, banned.record.standing),
        (RecordKind::State, Standing::Current)
    );
    assert_eq!(banned.record.owner.as_deref(), Some("@eve:example.org"));
    assert_eq!(banned.record.concerned, ["@dan:example.org"]);
    let (_, joined) = membership("@eve:example.org");
    assert_eq!(joined.record.standing, Standing::Ended { since: ban.recorded_at });
    assert!(joined.record.concerned.is_empty());
    let (_, create) = one(&all, |_, event| event["type"] == "m.room.create");
    assert_eq!((create.record.standing, create.record.personal), (Standing::Current, false));

    for shown in &all {
        let wanted = match &shown.fact {
            Some(Fact::PduRedacted(_) | Fact::StreamOpened(_) | Fact::RolesBootstrapped(_)) => {
                Described::NoRecord
            }
            _ => continue,
        };
        assert_eq!(shown.described, wanted, "{:?}", shown.fact);
    }
}
