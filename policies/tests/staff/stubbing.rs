//! Skeletons: which of them go, what stands for them, and what staff are shown of the rest.

use std::collections::{BTreeMap, BTreeSet};

use facts::{
    Fact, LogPosition, RecordClass,
    fact::{RecordKind, Role, ShredCause},
};
use policies::{
    destruction::RunDone,
    export::{Format, verify_export},
};
use ruma::OwnedEventId;
use serde_json::{Value, json};

use crate::{
    destroying::{apply, receipt, run},
    export_corpus::{corpus, export, keys},
    exporting::{files, lines},
    world::{Place, World},
};

const BRIEF: &str = "[policy.brief]\nrecords = [\"messages\"]\nkeep_at_most = \"1d\"\n";

/// Positions of messages of which only stubs are left. Each has one stub, and nothing else is
/// without its skeleton.
pub(crate) fn stubbed(world: &World) -> BTreeSet<u64> {
    let log = &world.failing.log;
    let (mut stubbed, mut stubs) = (BTreeSet::new(), BTreeMap::<u64, u32>::new());
    for at in 0..=log.head().0 {
        let entry = log.read(LogPosition(at)).unwrap().unwrap();
        let fact = entry.fact().unwrap();
        let part = entry.header.parts.first().map(|part| part.class);
        let gone = entry.parts.first().is_some_and(|part| part.clear().is_none());
        match &fact {
            Some(Fact::PduStub(stub)) => {
                assert_eq!((stub.pdu.0, gone), (at, true));
                stubbed.insert(at);
            }
            Some(Fact::MessagesStubbed(facts)) => {
                facts.stubs.iter().for_each(|stub| *stubs.entry(stub.pdu.0).or_default() += 1);
                assert!(facts.stubs.is_sorted_by_key(|stub| stub.pdu));
            }
            _ => {}
        }
        if part == Some(RecordClass::MessageSkeleton) {
            assert_eq!(gone, stubbed.contains(&at), "position {at}: a skeleton without a stub");
        }
    }
    for at in &stubbed {
        assert_eq!(stubs.get(at), Some(&1), "stubs of {at}");
    }
    stubbed
}

fn at(world: &World, event: &OwnedEventId) -> u64 {
    world.ws.core().event_position(event.as_str()).unwrap().unwrap().0
}

async fn planned(world: &World) -> BTreeSet<u64> {
    let page = world.get("otto", "/policies/plan?limit=1000").await.ok();
    let records = page["records"].as_array().unwrap().iter();
    let due = records.filter(|record| record["fate"] == "destroy");
    due.map(|record| record["position"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn skeletons_of_messages_go_but_for_redactions_tips_and_what_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let place = |begins| Place::at(dir.path().to_owned(), begins);
    let world = World::open(place(1_700_000_000_000)).await;
    world.people().await;
    let (room, held) = (world.room("dan").await, world.room("dan").await);
    let mut said = Vec::new();
    for number in 0..5 {
        said.push(world.say(&room, "dan", &format!("message {number}")).await.event_id);
    }
    let held_back = world.say(&held, "dan", "held").await.event_id;
    world.say(&held, "dan", "the tip of the held one").await;
    world.redact(&room, "dan", &said[1]).await;
    let tip = world.say(&room, "dan", "the tip").await.event_id;
    let hold = json!({ "matter": "m", "parts": [{ "rooms": [held] }], "reason": "x" });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].as_u64().unwrap();
    apply(&world, BRIEF).await;
    world.pass_days(2);

    let due = planned(&world).await;
    let positions: BTreeSet<u64> = said.iter().map(|event| at(&world, event)).collect();
    let first = receipt(&world, &run(&world).await);
    assert_eq!(stubbed(&world), positions, "neither the redaction, nor the tip, nor what is held");
    // The contents of redaction and tip went as well.
    assert_eq!(due.len(), positions.len() + 2);
    let counts: Vec<_> = first.destroyed.iter().map(|of| (of.kind, of.cause, of.records)).collect();
    assert_eq!(counts, [(RecordKind::Messages, ShredCause::Retention, due.len() as u64)]);
    assert_eq!(run(&world).await, RunDone { receipt: None, orders: 0 });
    assert_eq!(planned(&world).await, BTreeSet::new(), "what keeps its skeleton is not due again");

    // The tip is followed by something: now its skeleton is due as well.
    let next = world.say(&room, "dan", "and on").await;
    assert_eq!(planned(&world).await, BTreeSet::from([at(&world, &tip)]));
    let second = receipt(&world, &run(&world).await);
    assert_eq!((second.destroyed.len(), second.destroyed[0].records), (1, 1));
    world.release("ann", "ben", hold).await;
    receipt(&world, &run(&world).await);
    let gone = stubbed(&world);
    assert!(gone.contains(&at(&world, &tip)) && gone.contains(&at(&world, &held_back)));
    assert_eq!(world.failing.log.scavenge().unwrap(), (0, 0), "no ciphertext is left");

    // The room goes on, also by folds and views that are made anew.
    let live = world.ws.room(&room).await.unwrap();
    assert_eq!(live.tips()[0].event_id, next.event_id);
    world.close().await;
    for folder in ["folds", "views", "log/index"] {
        std::fs::remove_dir_all(dir.path().join(folder)).unwrap();
    }
    let world = World::open(Place { seed: 8, ..place(1_700_900_000_000) }).await;
    let rebuilt = world.ws.room(&room).await.unwrap();
    assert_eq!((rebuilt.tips(), rebuilt.state()), (live.tips(), live.state()));
    assert_eq!((rebuilt.revision(), rebuilt.next_index()), (live.revision(), live.next_index()));
    assert_eq!(stubbed(&world), gone);
    // What names a destroyed message waits for it, and does no harm.
    world.redact(&room, "dan", &said[0]).await;
    world.say(&room, "dan", "further").await;
    assert_eq!(stubbed(&world), gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skeleton_whose_content_an_erasure_took_goes_when_all_is_over() {
    let world = World::new().await;
    world.grant(Role::DataProtectionOfficer, "cleo").await;
    let room = world.room("ann").await;
    world.join(&room, "dan").await;
    let his = world.say(&room, "dan", "his").await.event_id;
    let hers = world.say(&room, "ann", "hers").await.event_id;
    // He leaves after it.
    let last = world.say(&room, "ann", "the last").await.event_id;
    let asked = json!({ "user": "@dan:example.org", "reason": "letter" });
    world.post("cleo", "/erasures", &asked).await.ok();
    receipt(&world, &run(&world).await);
    assert_eq!(stubbed(&world), BTreeSet::new(), "an erasure leaves the redacted form");
    let under_way = world.get("cleo", "/erasures").await.ok();
    assert_eq!(under_way["erasures"], json!([]));
    apply(&world, BRIEF).await;
    world.pass_days(2);
    receipt(&world, &run(&world).await);
    assert_eq!(stubbed(&world), BTreeSet::from([his, hers, last].map(|event| at(&world, &event))));
    assert_eq!(run(&world).await, RunDone { receipt: None, orders: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_a_skeleton_whose_content_is_gone() {
    let world = World::new().await;
    world.grant(Role::DataProtectionOfficer, "cleo").await;
    let room = world.room("ann").await;
    world.join(&room, "dan").await;
    let his = world.say(&room, "dan", "his").await.event_id;
    world.say(&room, "ann", "after it").await;
    let asked = json!({ "user": "@dan:example.org", "reason": "letter" });
    world.post("cleo", "/erasures", &asked).await.ok();
    receipt(&world, &run(&world).await);
    let hold = json!({ "matter": "m", "parts": [{ "rooms": [room] }], "reason": "x" });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].as_u64().unwrap();
    apply(&world, BRIEF).await;
    world.pass_days(2);
    assert_eq!(run(&world).await.receipt, None, "all of it is held");
    assert_eq!(stubbed(&world), BTreeSet::new());
    world.release("ann", "ben", hold).await;
    receipt(&world, &run(&world).await);
    assert!(stubbed(&world).contains(&at(&world, &his)));
}

fn text(files: &BTreeMap<String, Vec<u8>>) -> String {
    files.values().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_and_exports_of_every_form_show_that_something_was_there() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let before = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, before.path()).await;
    apply(&world, BRIEF).await;
    world.pass_days(2);
    run(&world).await;
    let gone = stubbed(&world);
    assert!(gone.len() > 5);

    let report = verify_export(before.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "what was exported before: {:?}", report.findings);
    let page = world.get("ann", &format!("/cases/{case}/events?limit=1000")).await.ok();
    let shown = page["events"].as_array().unwrap().iter();
    let destroyed = |items: &mut dyn Iterator<Item = &Value>| -> BTreeSet<u64> {
        let destroyed = items.filter(|item| item["kind"] == "destroyed");
        destroyed.map(|item| item["position"].as_u64().unwrap()).collect()
    };
    assert_eq!(destroyed(&mut shown.into_iter()), gone);
    for format in Format::ALL {
        let dir = tempfile::tempdir().unwrap();
        export(&world, case, format, None, dir.path()).await;
        let report = verify_export(dir.path(), &keys(&world)).unwrap();
        assert!(report.holds(), "{}: {:?}", format.name(), report.findings);
        if format == Format::Jsonl {
            let lines = lines(dir.path(), "export.jsonl");
            assert_eq!(destroyed(&mut lines.iter()), gone);
        }
        let made = text(&files(dir.path()));
        assert!(!made.contains("mended") && !made.contains("AwgAEnAC"), "{}", format.name());
    }
}
