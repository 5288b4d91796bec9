//! Who was in a room when the scope's time began and neither spoke nor changed since: in every form
//! that lists people, and proven.

use commands::room::{MemberDetails, join_room, leave_room};
use policies::export::{Format, verify_export};
use ruma::OwnedRoomId;
use serde_json::{Value, json};

use crate::{
    export_corpus::{begin, complete, fetch, keys, named},
    export_forms::manifest,
    export_served::{CONTEXT, altered, said, says},
    export_shown::{made, pages, transcripts},
    exporting::files,
    world::{World, user},
};

/// Eve is there and silent, Gus was there and left, Ida comes later; all but one day is out.
async fn quiet_room(world: &World) -> (OwnedRoomId, Value) {
    let room = world.room("dan").await;
    join_room(&world.ws, &room, user("eve"), &named("Eve Quiet")).await.unwrap();
    join_room(&world.ws, &room, user("gus"), &named("Gus")).await.unwrap();
    world.say(&room, "eve", "before").await;
    leave_room(&world.ws, &room, user("gus"), &MemberDetails::default()).await.unwrap();
    world.pass_days(1);
    let from = world.now();
    world.say(&room, "dan", "within").await;
    world.say(&room, "dan", "and again").await;
    let until = world.now();
    world.pass_days(1);
    join_room(&world.ws, &room, user("ida"), &named("Ida")).await.unwrap();
    let scope = json!({ "rooms": [room], "from": from, "until": until });
    (room, scope)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_there_is_listed_though_silent() {
    let world = World::new().await;
    let (_, scope) = quiet_room(&world).await;
    let rsmf = made(&world, scope.clone(), Format::Rsmf).await;
    let file = rsmf.iter().find(|(path, _)| path.starts_with("rsmf/room-")).unwrap().1;
    let manifest = manifest(file);
    let conversation = &manifest["conversations"][0]["participants"];
    assert_eq!(*conversation, json!(["@dan:example.org", "@eve:example.org"]));
    let eve = json!({ "id": "@eve:example.org", "display": "Eve Quiet",
        "account_id": "@eve:example.org" });
    assert!(manifest["participants"].as_array().unwrap().contains(&eve), "{manifest}");
    assert!(!manifest.to_string().contains("gus") && !manifest.to_string().contains("ida"));
    let head = String::from_utf8_lossy(file).into_owned();
    assert!(head.contains("X-RSMF-Participants: @dan:example.org,@eve:example.org\r\n"));

    let eml = made(&world, scope.clone(), Format::Eml).await;
    let mail = eml.iter().find(|(path, _)| path.starts_with("eml/room-")).unwrap().1;
    let mail = String::from_utf8_lossy(mail).into_owned();
    assert!(mail.contains("participant-2@chancery.invalid @eve:example.org"), "{mail}");
    assert!(mail.contains("To: participant-1@chancery.invalid,\r\n participant-2@"), "{mail}");
    let text = transcripts(&eml, "eml/");
    assert!(text.contains("Joined @dan:example.org\r\nJoined @eve:example.org\r\n\r\n"), "{text}");

    let html = pages(&made(&world, scope, Format::Html).await);
    let joined =
        "Joined at the beginning: <bdi>@dan:example.org</bdi>, <bdi>@eve:example.org</bdi>";
    assert!(html.contains(joined), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_left_out_is_found() {
    let world = World::new().await;
    let (_, scope) = quiet_room(&world).await;
    let case = world.case(scope).await;
    let report = altered(&world, case, CONTEXT, |lines| {
        lines.retain(|line| !says(line, "Eve Quiet"));
    })
    .await;
    assert!(said(&report).contains("is missing in evidence/context.jsonl"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_case_of_persons_others_are_not_told() {
    let world = World::new().await;
    let (_, mut scope) = quiet_room(&world).await;
    scope["users"] = json!([user("dan")]);
    let files = made(&world, scope, Format::Rsmf).await;
    let context = String::from_utf8(files[CONTEXT].clone()).unwrap();
    let shows = |text| {
        context.lines().any(|line| says(&serde_json::from_str::<Value>(line).unwrap(), text))
    };
    assert!(!shows("Eve Quiet") && !shows("@eve"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_members_are_spread_over_pages_and_all_there_whatever_the_pieces_are() {
    const MEMBERS: usize = 250;
    let world = World::new().await;
    let room = world.room("dan").await;
    for number in 0..MEMBERS {
        let who = user(&format!("m{number}"));
        join_room(&world.ws, &room, who, &MemberDetails::default()).await.unwrap();
    }
    world.pass_days(1);
    let from = world.now();
    world.say(&room, "dan", "within").await;
    world.pass_days(1);
    world.say(&room, "dan", "the day after").await;
    let case = world.case(json!({ "rooms": [room], "from": from })).await;
    let end = Some(world.failing.log.head().0 + 1);
    let mut all = Vec::new();
    for limit in [10_000, 2, 1] {
        let dir = tempfile::tempdir().unwrap();
        let mut begun = begin(&world, case, Format::Rsmf, end, dir.path()).await;
        fetch(&world, &mut begun, limit).await;
        complete(&world, begun).await;
        let report = verify_export(dir.path(), &keys(&world)).unwrap();
        assert!(report.holds(), "{:?}", report.findings);
        all.push(files(dir.path()));
    }
    assert!(all[1] == all[0] && all[2] == all[0], "the same bytes");
    for (_, file) in all[0].iter().filter(|(path, _)| path.starts_with("rsmf/room-")) {
        let present = manifest(file)["conversations"][0]["participants"].clone();
        assert_eq!(present.as_array().unwrap().len(), MEMBERS + 1);
    }
}
