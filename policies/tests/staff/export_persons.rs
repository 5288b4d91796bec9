//! What an export of persons shows of others: names as they were, and who deleted their messages.

use commands::room::{join_room, send_event};
use decide::room::NewEvent;
use policies::export::{Format, verify_export};
use ruma::{OwnedRoomId, events::TimelineEventType};
use serde_json::{Value, json};

use crate::{
    export_corpus::{export, keys, named, redact},
    export_forms::rows,
    export_shown::{made, pages, transcripts},
    exporting::lines,
    world::{World, user},
};

async fn rename(world: &World, room: &OwnedRoomId, name: &str) {
    let content = NewEvent::content_of(&json!({ "name": name })).unwrap();
    let event = NewEvent::state(user("dan"), TimelineEventType::RoomName, String::new(), content);
    send_event(&world.ws, room, event).await.unwrap();
}

async fn exported(world: &World, scope: Value) -> Vec<Value> {
    let case = world.case(scope).await;
    let dir = tempfile::tempdir().unwrap();
    export(world, case, Format::Jsonl, None, dir.path()).await;
    let report = verify_export(dir.path(), &keys(world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    lines(dir.path(), "export.jsonl")
}

fn of<'a>(lines: &'a [Value], body: &str) -> &'a Value {
    lines.iter().find(|line| line["event"]["content"]["body"] == body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_have_their_names_of_each_time_also_where_others_gave_them() {
    let world = World::new().await;
    let room = world.room("dan").await;
    join_room(&world.ws, &room, user("eve"), &named("Eve")).await.unwrap();
    rename(&world, &room, "Old name").await;
    world.say(&room, "eve", "under the old name").await;
    world.pass_days(1);
    let from = world.now();
    rename(&world, &room, "New name").await;
    world.say(&room, "eve", "under the new name").await;
    world.say(&room, "dan", "not hers").await;
    rename(&world, &room, "Newest name").await;
    world.say(&room, "eve", "under the newest name").await;

    for scope in [
        json!({ "users": [user("eve")] }),
        json!({ "users": [user("eve")], "from": from }),
        json!({ "users": [user("eve")], "rooms": [room], "from": from }),
        json!({ "rooms": [room], "from": from }),
    ] {
        let lines = exported(&world, scope.clone()).await;
        for (body, name) in
            [("under the new name", "New name"), ("under the newest name", "Newest name")]
        {
            assert_eq!(of(&lines, body)["room_name"], name, "{scope}");
            assert_eq!(of(&lines, body)["sender_name"], "Eve", "{scope}");
        }
        if scope["from"].is_null() {
            assert_eq!(of(&lines, "under the old name")["room_name"], "Old name");
        }
        let has_users = !scope["users"].is_null();
        let named = lines.iter().filter(|line| line["event"]["type"] == "m.room.name").count();
        assert_eq!(named == 0, has_users, "others' changes are context, not items: {scope}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_somebody_else_deleted_is_shown_as_deleted() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.join(&room, "eve").await;
    let by_dan = world.say(&room, "eve", "deleted by dan").await;
    let by_both = world.say(&room, "eve", "deleted by eve, then by dan").await;
    world.say(&room, "eve", "kept").await;
    world.redact(&room, "dan", &by_dan.event_id).await;
    world.redact(&room, "eve", &by_both.event_id).await;
    let between = world.now();
    world.redact(&room, "dan", &by_both.event_id).await;

    for scope in [
        json!({ "users": [user("eve")] }),
        json!({ "users": [user("eve")], "rooms": [room] }),
        json!({ "rooms": [room] }),
    ] {
        let lines = exported(&world, scope.clone()).await;
        assert!(of(&lines, "kept")["redacted_by"].is_null());
        let gone = of(&lines, "deleted by dan");
        assert!(gone["redacted_by"].is_string() && gone["redacted_at"].is_string(), "{gone}");
        assert!(gone["redacted_by_position"].is_u64(), "{gone}");
        // The first one that took effect counts, whoever comes later.
        let twice = of(&lines, "deleted by eve, then by dan");
        let by = twice["redacted_by_position"].as_u64().unwrap();
        let by = world.failing.log.read(facts::LogPosition(by)).unwrap().unwrap().header;
        assert!(by.recorded_at.0 < between, "{scope}: {twice}");
        let has_dan = lines.iter().any(|line| line["event"]["sender"] == user("dan").as_str());
        assert_eq!(has_dan, scope["users"].is_null(), "{scope}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deleted_and_why_is_in_every_form_of_a_persons_case() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.join(&room, "eve").await;
    let said = world.say(&room, "eve", "deleted by dan").await;
    let reaction = json!({ "m.relates_to":
        { "rel_type": "m.annotation", "event_id": said.event_id, "key": "x" } });
    for taken_back in [true, false] {
        let content = NewEvent::content_of(&reaction).unwrap();
        let event = NewEvent::message(user("eve"), "m.reaction", content);
        let sent = send_event(&world.ws, &room, event).await.unwrap();
        if taken_back {
            world.redact(&room, "eve", &sent.event_id).await;
        }
    }
    redact(&world, &room, "dan", &said.event_id).await;

    let scope = json!({ "users": [user("eve")] });
    let lines = exported(&world, scope.clone()).await;
    let gone = of(&lines, "deleted by dan");
    assert_eq!(gone["redacted_by_user"], user("dan").as_str());
    assert_eq!(gone["redacted_reason"], "regret");
    let files = made(&world, scope.clone(), Format::Csv).await;
    let rows = rows(std::str::from_utf8(&files["export.csv"]).unwrap());
    let at = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    let row = rows.iter().find(|row| row[at("body")] == "deleted by dan").unwrap();
    assert_eq!(row[at("redacted_by_user")], format!("'{}", user("dan")));
    assert_eq!(row[at("redacted_reason")], "regret");
    assert_eq!(row[at("redacted_at")], gone["redacted_at"].as_str().unwrap());
    assert_eq!(row[at("verdict")], "accept");
    assert!(row[at("sender_time")].starts_with("20"), "{row:?}");
    assert_eq!(row[at("reactions")], gone["reactions"][0].as_str().unwrap());
    assert!(row[at("reactions_without_effect")].ends_with(" (deleted)"), "{row:?}");
    for format in [Format::Html, Format::Eml] {
        let files = made(&world, scope.clone(), format).await;
        let text = match format {
            Format::Html => pages(&files),
            _ => transcripts(&files, "eml/"),
        };
        assert!(text.contains("@dan:example.org") && text.contains("regret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_not_left_out_by_whoever_exports() {
    use std::fs;
    let world = World::new().await;
    let room = world.room("dan").await;
    world.join(&room, "eve").await;
    let said = world.say(&room, "eve", "deleted by dan").await;
    world.redact(&room, "dan", &said.event_id).await;
    let case = world.case(json!({ "users": [user("eve")] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, dir.path()).await;
    let line = lines(dir.path(), "export.jsonl");
    let by = of(&line, "deleted by dan")["redacted_by_position"].as_u64().unwrap();
    let path = dir.path().join("evidence/context.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let kept = text.lines().filter(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["position"] != by && line["position"] != by + 1
    });
    let kept: String = kept.map(|line| line.to_owned() + "\n").collect();
    assert_ne!(kept, text);
    fs::write(&path, kept).unwrap();
    crate::export_tampering::seal_anew(&world, dir.path());
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    let why = report.findings[0].why.clone();
    assert!(why.contains(&format!("position {by} is missing in evidence/context.jsonl")), "{why}");
}
