//! Runs: what was planned goes and nothing else, holds and floors keep, erasures come to their end.

use std::collections::BTreeSet;

use commands::{
    media::{MediaUpload, new_media_id, store_media},
    user::set_profile_field,
};
use facts::{
    Fact, LogPosition,
    fact::{Act, DestructionRunEnded, ErasureEnd, Role, ShredCause, ShredSurface, SurfaceOutcome},
};
use policies::destruction::{RunDone, RunFault};
use serde_json::json;

use crate::world::{World, user};

/// Positions of entries whose content can be read, of those that had any.
pub(crate) fn readable(world: &World) -> BTreeSet<u64> {
    let log = &world.failing.log;
    let all = (0..=log.head().0).filter(|at| {
        let entry = log.read(LogPosition(*at)).unwrap().unwrap();
        entry.parts.last().is_some_and(|part| part.clear().is_some())
    });
    all.collect()
}

pub(crate) async fn run(world: &World) -> RunDone {
    world.destroyer().run(None, &|| false).await.unwrap()
}

/// What the plan says would be destroyed.
async fn planned(world: &World) -> BTreeSet<u64> {
    let page = world.get("otto", "/policies/plan?limit=1000").await.ok();
    assert_eq!((&page["done"], &page["unjudged"]), (&json!(true), &json!({})), "{page}");
    let records = page["records"].as_array().unwrap().iter();
    let due = records.filter(|record| record["fate"] == "destroy");
    due.map(|record| record["position"].as_u64().unwrap()).collect()
}

pub(crate) async fn apply(world: &World, document: &str) {
    let based_on = world.get("ann", "/policies").await.ok()["version"].clone();
    let body = json!({ "document": document, "based_on": based_on, "reason": "because" });
    world.post("ann", "/policies", &body).await.ok();
}

pub(crate) fn receipt(world: &World, done: &RunDone) -> DestructionRunEnded {
    let at = done.receipt.expect("a receipt");
    match world.failing.log.read(at).unwrap().unwrap().fact().unwrap() {
        Some(Fact::DestructionRunEnded(receipt)) => receipt,
        other => panic!("no receipt: {other:?}"),
    }
}

/// A medium: its id, and the name of its file.
pub(crate) async fn upload(world: &World, name: &str) -> (String, String) {
    let mut writer = world.blobs.begin(world.ws.random(), 1_000).await.unwrap();
    writer.write(b"some file").await.unwrap();
    let blob = writer.finish().await.unwrap();
    let (media_id, file) = (new_media_id(&world.ws), blob.name.clone());
    let upload = MediaUpload {
        media_id: media_id.clone(),
        reserved: false,
        content_type: None,
        file_name: Some("minutes.txt".to_owned()),
        blob,
    };
    store_media(&world.ws, &user(name), upload).await.unwrap();
    (media_id, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planned_is_what_goes() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let elsewhere = world.room("eve").await;
    let (media, file) = upload(&world, "dan").await;
    let url = format!("mxc://example.org/{media}");
    world.send(&room, "dan", json!({ "msgtype": "m.file", "body": "f", "url": url })).await;
    for number in 0..20 {
        let (place, name) = if number % 3 == 0 { (&elsewhere, "eve") } else { (&room, "dan") };
        world.say(place, name, &format!("message {number}")).await;
    }
    apply(&world, "[policy.brief]\nrecords = [\"messages\"]\nkeep_at_most = \"1d\"\n").await;
    assert_eq!(run(&world).await, RunDone { receipt: None, orders: 0 }, "nothing is due");
    let hold = json!({ "matter": "m", "parts": [{ "rooms": [elsewhere] }], "reason": "x" });
    world.post("ann", "/holds", &hold).await.ok();
    world.pass_days(2);
    let fresh = world.say(&room, "dan", "fresh").await.event_id;

    let (due, before) = (planned(&world).await, readable(&world));
    assert_eq!(due.len(), 14, "{due:?}");
    let done = run(&world).await;
    let after = readable(&world);
    let gone: BTreeSet<u64> = before.difference(&after).copied().collect();
    assert_eq!(gone, due);
    let first = receipt(&world, &done);
    let counts: Vec<_> = first.destroyed.iter().map(|of| (of.cause, of.records)).collect();
    assert_eq!(counts, [(ShredCause::Retention, 14)]);
    assert_eq!((first.restricted, first.by.clone()), (7, None));
    for report in &first.surfaces {
        assert_ne!(report.outcome, SurfaceOutcome::Failed, "{report:?}");
    }
    let position = world.ws.core().event_position(fresh.as_str()).unwrap().unwrap();
    assert!(after.contains(&position.0), "what came later stays");

    // Its last reference is gone.
    let path = |world: &World| world.media_path(&file);
    assert!(path(&world).exists());
    assert_eq!(planned(&world).await.len(), 1, "the medium");
    let second = receipt(&world, &run(&world).await);
    assert!(!path(&world).exists(), "the file is there");
    let media = second.surfaces.iter().find(|report| report.surface == ShredSurface::Media);
    assert_eq!(media.unwrap().outcome, SurfaceOutcome::Done);

    assert_eq!(planned(&world).await, BTreeSet::new(), "what is gone is not planned again");
    assert_eq!(run(&world).await, RunDone { receipt: None, orders: 0 });
    let page = world.get("otto", "/policies/receipts").await.ok();
    assert_eq!(page["receipts"].as_array().unwrap().len(), 2, "{page}");
    world.failing.log.finish_orders().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_write_side_remembers_of_an_event_goes_with_its_keys() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let event = world.say(&room, "dan", "in memory").await.event_id;
    apply(&world, "[policy.brief]\nrecords = [\"messages\"]\nkeep_at_most = \"1d\"\n").await;
    world.pass_days(2);
    let body = async || {
        let stored = world.ws.pdu(&room, &event).await.unwrap().unwrap();
        stored.pdu.content_str("body").map(str::to_owned)
    };
    assert_eq!(body().await.as_deref(), Some("in memory"));
    assert_eq!(run(&world).await.orders, 1);
    assert_eq!(body().await, None, "it is read again, and its content is gone");
    world.say(&room, "dan", "and on").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_of_a_redacted_event_goes_after_its_time_and_not_under_a_hold() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let taken = world.say(&room, "dan", "taken back").await.event_id;
    let kept = world.say(&room, "dan", "kept").await.event_id;
    let at =
        |id: &ruma::OwnedEventId| world.ws.core().event_position(id.as_str()).unwrap().unwrap().0;
    let (taken_at, kept_at) = (at(&taken), at(&kept));
    apply(&world, "[redaction]\nkeep = \"2d\"\n").await;
    world.redact(&room, "dan", &taken).await;
    world.pass_days(1);
    assert_eq!(run(&world).await.receipt, None);
    assert!(readable(&world).contains(&taken_at));
    world.pass_days(2);
    let hold =
        json!({ "matter": "m", "parts": [{ "users": ["@dan:example.org"] }], "reason": "x" });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].as_u64().unwrap();
    assert_eq!(run(&world).await.receipt, None, "held");
    assert!(readable(&world).contains(&taken_at));
    world.release("ann", "ben", hold).await;
    let done = receipt(&world, &run(&world).await);
    assert_eq!(done.destroyed.len(), 1);
    assert_eq!((done.destroyed[0].cause, done.destroyed[0].records), (ShredCause::Redaction, 1));
    let left = readable(&world);
    assert!(!left.contains(&taken_at) && left.contains(&kept_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_from_a_date_keeps_what_was_in_force_then_though_it_was_replaced_since() {
    let world = World::new().await;
    let dan = user("dan");
    let name = async |name: &str| {
        set_profile_field(&world.ws, &dan, "displayname", Some(&json!(name))).await.unwrap();
        let at = world.failing.log.head().0;
        world.pass_days(1);
        at
    };
    let before = name("Before").await;
    let held = name("Held").await;
    let hold = json!({
        "matter": "m", "reason": "x",
        "parts": [{ "users": ["@dan:example.org"], "from": world.now() }],
    });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].as_u64().unwrap();
    let now = name("Now").await;
    // When a name was replaced is not remembered: each may have stood when the hold begins.
    run(&world).await;
    let left = readable(&world);
    assert!([before, held, now].iter().all(|at| left.contains(at)), "{left:?}");
    world.release("ann", "ben", hold).await;
    assert!(run(&world).await.orders > 0);
    let left = readable(&world);
    assert!(![before, held].iter().any(|at| left.contains(at)) && left.contains(&now), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_for_holds_and_ends_when_nothing_is_left() {
    let world = World::new().await;
    world.grant(Role::DataProtectionOfficer, "eve").await;
    let room = world.room("ann").await;
    let held = world.room("ann").await;
    for place in [&room, &held] {
        world.join(place, "dan").await;
    }
    let mut his = Vec::new();
    let mut others = Vec::new();
    for day in 0..4 {
        his.push(world.say(&room, "dan", &format!("dan {day}")).await.event_id);
        others.push(world.say(&room, "ann", &format!("ann {day}")).await.event_id);
        world.pass_days(1);
    }
    let held_back = world.say(&held, "dan", "held").await.event_id;
    world.pass_days(1);
    his.push(world.say(&room, "dan", "on the day of the request").await.event_id);
    let hold = json!({ "matter": "m", "parts": [{ "rooms": [held] }], "reason": "x" });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].as_u64().unwrap();
    let asked = json!({ "user": "@dan:example.org", "reason": "letter" });
    let request = world.post("eve", "/erasures", &asked).await.ok()["request"].as_u64().unwrap();

    let at =
        |id: &ruma::OwnedEventId| world.ws.core().event_position(id.as_str()).unwrap().unwrap().0;
    let first = receipt(&world, &run(&world).await);
    assert!(first.restricted > 0, "{first:?}");
    let left = readable(&world);
    for id in &his {
        assert!(!left.contains(&at(id)), "what was his is readable");
    }
    for id in others.iter().chain([&held_back]) {
        assert!(left.contains(&at(id)), "too much was destroyed");
    }
    let under_way = world.get("eve", "/erasures").await.ok();
    assert_eq!(under_way["erasures"].as_array().unwrap().len(), 1, "{under_way}");
    assert!(world.is_deactivated("dan").await);

    world.release("ann", "ben", hold).await;
    let second = receipt(&world, &run(&world).await);
    assert_eq!(second.restricted, 0);
    let left = readable(&world);
    assert!(!left.contains(&at(&held_back)));
    for id in &others {
        assert!(left.contains(&at(id)));
    }
    let under_way = world.get("eve", "/erasures").await.ok();
    assert_eq!(under_way["erasures"], json!([]));
    let ends: Vec<ErasureEnd> = world
        .facts(LogPosition(0))
        .into_iter()
        .filter_map(|(_, fact)| match fact {
            Fact::ErasureEnded(ended) if ended.request.0 == request => Some(ended.end),
            _ => None,
        })
        .collect();
    assert!(matches!(ends[..], [ErasureEnd::Executed { last_order: Some(_), .. }]), "{ends:?}");
    assert_eq!(planned(&world).await, BTreeSet::new());
    // The room goes on for the others.
    world.say(&room, "ann", "and on").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_asked_for_by_officers_and_its_receipt_names_them() {
    let world = World::new().await;
    let by = Act { user: "@ann:example.org".to_owned(), address: None, reason: "now".to_owned() };
    let done = world.destroyer().run(Some(by.clone()), &|| false).await.unwrap();
    assert_eq!(receipt(&world, &done).by, Some(by));
    let stopped = world.destroyer().run(None, &|| true).await;
    assert!(matches!(stopped, Err(RunFault::Stopping)), "{stopped:?}");
    for (token, status) in [("ann", 200), ("cleo", 200), ("otto", 403), ("dan", 403)] {
        let answer = world.post(token, "/policies/run", &json!({ "reason": "x" })).await;
        assert_eq!(answer.status.as_u16(), status, "{token} {answer:?}");
    }
    let none = world.post("ann", "/policies/run", &json!({ "reason": " " })).await;
    assert_eq!(none.status.as_u16(), 400);
    let status = world.get("otto", "/policies/run").await.ok();
    let idle = json!({ "running": false, "answered": 0, "last": null, "waiting": null });
    assert_eq!(status, idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_shown_in_a_held_room_stays_until_the_release() {
    let world = World::new().await;
    world.grant(Role::DataProtectionOfficer, "cleo").await;
    let (room, held) = (world.room("ann").await, world.room("ann").await);
    let (lobby, mut files) = (world.room("ann").await, Vec::new());
    for place in [&room, &held, &lobby] {
        world.join(place, "dan").await;
        world.join(place, "eve").await;
    }
    // Of each person one that is shown in the held room too, and one that is not.
    for name in ["dan", "eve"] {
        for places in [&[&room, &held][..], &[&room][..]] {
            let (media, file) = upload(&world, name).await;
            let url = format!("mxc://example.org/{media}");
            for place in places {
                let shown = json!({ "msgtype": "m.file", "body": "f", "url": url.clone() });
                world.send(place, name, shown).await;
            }
            files.push(file);
        }
    }
    let hold = json!({ "matter": "m", "parts": [{ "rooms": [held] }], "reason": "x" });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].as_u64().unwrap();
    // A ceiling of two rooms does not end what is shown in a third.
    let brief = format!(
        "[policy.brief]\nrecords = [\"messages\", \"media\"]\nkeep_at_most = \"1d\"\n\
         rooms = [\"{room}\", \"{held}\"]\nusers = [\"@dan:example.org\"]\n"
    );
    apply(&world, &brief).await;
    let asked = json!({ "user": "@eve:example.org", "reason": "letter" });
    world.post("cleo", "/erasures", &asked).await.ok();
    let (media, elsewhere) = upload(&world, "dan").await;
    let url = format!("mxc://example.org/{media}");
    for place in [&room, &lobby] {
        let shown = json!({ "msgtype": "m.file", "body": "f", "url": url.clone() });
        world.send(place, "dan", shown).await;
    }
    world.pass_days(2);
    let there = |files: &[String]| -> Vec<bool> {
        files.iter().map(|file| world.media_path(file).exists()).collect()
    };
    let first = receipt(&world, &run(&world).await);
    assert!(first.restricted > 0, "{first:?}");
    assert_eq!(there(&files), [true, false, true, false], "held, over, held, erased");
    assert!(world.media_path(&elsewhere).exists(), "it is shown where no ceiling is");
    world.release("ann", "ben", hold).await;
    run(&world).await;
    assert_eq!(there(&files), [false; 4]);
    assert!(world.media_path(&elsewhere).exists());
}
