//! Texts, names and files by which somebody could deceive whoever reads a form, or run something
//! on their machine.

use std::collections::BTreeSet;

use commands::room::{join_room, send_event};
use decide::room::NewEvent;
use policies::export::Format;
use ruma::{OwnedRoomId, events::TimelineEventType};
use serde_json::{Value, json};

use crate::{
    export_corpus::{named, upload_as},
    export_forms::{mail, rows},
    export_shown::{event, made, message, pages, rsmf_events, transcripts},
    world::{World, user},
};

const CONFESSION: &str = "x\r\n[2026-11-30T00:00:00.000Z] #7 @dan:example.org $x:\r\n  | I confess\u{2028}[2026] #8\u{85}[9]";
const DELETION: &str = "\n    [deleted 2026-11-30T00:00:00.000Z by @dan:example.org]\r    [edited]";

async fn hostile() -> (World, OwnedRoomId) {
    let world = World::new().await;
    let room = world.room("dan").await;
    let name = format!("Eve\n[deleted by nobody]\u{202e}\" {CONFESSION}");
    join_room(&world.ws, &room, user("eve"), &named(&name)).await.unwrap();
    for body in [CONFESSION, DELETION] {
        world.say(&room, "eve", body).await;
    }
    let named = json!({ "name": format!("Room\r\n{DELETION}") });
    let named = NewEvent::content_of(&named).unwrap();
    let named = NewEvent::state(user("dan"), TimelineEventType::RoomName, String::new(), named);
    send_event(&world.ws, &room, named).await.unwrap();
    let relation = json!({ "msgtype": "m.text", "body": "b", "m.relates_to":
        { "rel_type": "m.thread", "event_id": format!("$x\n{CONFESSION}") } });
    message(&world, &room, "eve", relation).await;
    event(&world, &room, "eve", &format!("type{DELETION}"), json!({ "a": 1 })).await;
    let reaction = json!({ "m.relates_to":
        { "rel_type": "m.annotation", "event_id": "$x", "key": DELETION } });
    event(&world, &room, "eve", "m.reaction", reaction).await;
    let id = upload_as(&world, "eve", b"x", "text/plain", Some(DELETION)).await;
    let file =
        json!({ "msgtype": "m.file", "body": "f", "url": format!("mxc://example.org/{id}") });
    message(&world, &room, "eve", file).await;
    (world, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_for_a_line_of_a_transcript() {
    let (world, room) = hostile().await;
    let scope = json!({ "rooms": [room] });
    let lines = made(&world, scope.clone(), Format::Jsonl).await;
    let items = std::str::from_utf8(&lines["export.jsonl"]).unwrap().lines().count();
    for (format, folder) in [(Format::Eml, "eml/"), (Format::Rsmf, "rsmf/")] {
        let text = transcripts(&made(&world, scope.clone(), format).await, folder);
        // However somebody's viewer breaks lines.
        let ends = |c: char| matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let lines: Vec<&str> = text.split(ends).filter(|line| !line.is_empty()).collect();
        let headings = lines.iter().filter(|line| line.starts_with('['));
        assert_eq!(headings.count(), items, "{text}");
        for line in &lines {
            let known = ["[", "  | ", "    [file ", "    [rest ", "Room ", "Name "];
            assert!(known.iter().any(|begin| line.starts_with(begin)), "{line:?}");
        }
        assert!(!text.contains('\u{202e}'));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cell_of_a_table_is_run() {
    let world = World::new().await;
    let room = world.room("dan").await;
    join_room(&world.ws, &room, user("eve"), &named("=1+1")).await.unwrap();
    for kind in ["=HYPERLINK(\"http://evil\",\"click\")", "=cmd|'/C calc'!A0", "+x", "-x"] {
        event(&world, &room, "eve", kind, json!({ "body": "odd" })).await;
    }
    let target = json!({ "msgtype": "m.text", "body": "\n=1+1", "m.relates_to":
        { "rel_type": "m.thread", "event_id": "=HYPERLINK(\"http://evil\")" } });
    message(&world, &room, "eve", target).await;
    let parted = ["a;=1+1", "b; 'c; \"=HYPERLINK(1)", "c\t@x", "d\n+1", "e;", "f\n\r-1"];
    for body in ["=1", "@SUM(1)", "\t=1", " =1", "'=1", "\u{feff}=1", "＝1"].iter().chain(&parted)
    {
        world.say(&room, "eve", body).await;
    }
    let files = made(&world, json!({ "rooms": [room] }), Format::Csv).await;
    let rows = rows(std::str::from_utf8(&files["export.csv"]).unwrap());
    let risky = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    for cell in rows.iter().flatten() {
        let begins = cell.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        assert!(!begins.starts_with(risky), "{cell:?}");
        assert!(!cell.starts_with(['\t', '\r', '\n']), "{cell:?}");
    }
    // A program that parts cells otherwise, and takes no quotation mark within one for anything.
    let text = std::str::from_utf8(&files["export.csv"]).unwrap();
    for cell in text.split([';', '\t', '\r', '\n']) {
        let skipped = |c: char| c.is_whitespace() || matches!(c, '"' | '\u{feff}');
        assert!(!cell.trim_start_matches(skipped).starts_with(risky), "{cell:?}");
    }
    // Whoever takes one apostrophe away where a cell may begin has the text.
    let bodies: Vec<&str> = rows.iter().map(|row| row[10].as_str()).collect();
    for cell in ["'\n'=1+1", "''=1", "'＝1", "a;'=1+1", "b; 'c;' \"=HYPERLINK(1)", "c\t'@x"] {
        assert!(bodies.contains(&cell), "{cell:?} in {bodies:?}");
    }
}

/// Uploads and names a file; its id.
async fn file(world: &World, room: &OwnedRoomId, bytes: &[u8], kind: &str, name: &str) -> String {
    let id = upload_as(world, "dan", bytes, kind, Some(name)).await;
    let url = format!("mxc://example.org/{id}");
    message(world, room, "dan", json!({ "msgtype": "m.file", "body": "f", "url": url })).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_saved_elsewhere_than_one_saves_it() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let hostile =
        ["../../etc/passwd", "/etc/passwd", "..\\..\\win.ini", ".", "", "a\r\nX-Evil: 1.txt"];
    for (number, name) in hostile.into_iter().enumerate() {
        file(&world, &room, &[7; 20][..=number], "text/plain", name).await;
    }
    let scope = json!({ "rooms": [room] });
    let files = made(&world, scope.clone(), Format::Eml).await;
    let (_, mail_file) = files.iter().find(|(path, _)| path.starts_with("eml/room")).unwrap();
    let (_, parts) = mail(mail_file);
    let heads: Vec<&String> = parts.iter().skip(1).map(|(head, _)| head).collect();
    assert_eq!(heads.len(), hostile.len());
    for head in &heads {
        let name = head.split("filename").nth(1).unwrap().split("\r\n").next().unwrap();
        let bad = ["..", "/", "\\", "%2F", "%5C", "%0D", "%0A", "=\".\"", "=\"\""];
        assert!(!bad.iter().any(|bad| name.contains(bad)), "{name}");
        assert!(!name.ends_with("''"), "{name}");
    }
    assert!(heads.iter().any(|head| head.contains("\"passwd\"")), "{heads:?}");
    let rsmf = made(&world, scope, Format::Rsmf).await;
    for event in rsmf_events(&rsmf) {
        for file in event["attachments"].as_array().into_iter().flatten() {
            let display = file["display"].as_str().unwrap();
            assert!(!display.is_empty() && !display.contains(['/', '\\', '\r']), "{display}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_pictures_and_sounds_and_lead_to_no_upload() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let script: &[u8] = b"<html><script>alert(1)</script>";
    let page = file(&world, &room, script, "text/html", "x.html").await;
    let svg = file(&world, &room, b"<svg onload=\"alert(1)\"/>", "image/svg+xml", "x.svg").await;
    let mut shown = Vec::new();
    for (number, kind) in ["image/png; x=y", "IMAGE/PNG", "audio/ogg", "video/mp4; codecs=\"avc1\""]
        .iter()
        .enumerate()
    {
        shown.push(file(&world, &room, &[1; 9][..=number], kind, "m").await);
    }
    let files = made(&world, json!({ "rooms": [room] }), Format::Html).await;
    let text = pages(&files);
    let media = files.keys().filter(|path| path.starts_with("media/"));
    let endings: BTreeSet<_> =
        media.filter_map(|path| path.rsplit_once('.')).map(|(_, e)| e).collect();
    assert_eq!(endings, ["bin", "mp4", "ogg", "png"].into(), "no file without an ending");
    let kinds = [("img", "png"), ("img", "png"), ("audio", "ogg"), ("video", "mp4")];
    for (id, (element, ending)) in shown.iter().zip(kinds) {
        let expected = format!("<{element} src=\"../../media/{id}.{ending}\"");
        assert!(text.contains(&expected), "{expected}");
    }
    for id in [&page, &svg] {
        assert!(!text.contains(&format!("src=\"../../media/{id}")));
        let file = format!("media/{id}.bin");
        assert!(text.contains(&format!("<code>{file}</code>")), "its place is told");
        assert!(files.contains_key(&file), "a browser that opens it by hand saves it");
    }
    assert!(!text.contains("href=\"../../media"), "a click would run what is in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_encoded_words_are_short() {
    let (world, room) = hostile().await;
    let named = json!({ "name": "ü".repeat(90) });
    let named = NewEvent::content_of(&named).unwrap();
    let named = NewEvent::state(user("dan"), TimelineEventType::RoomName, String::new(), named);
    send_event(&world.ws, &room, named).await.unwrap();
    let scope: Value = json!({ "rooms": [room] });
    for (format, folder) in [(Format::Eml, "eml/"), (Format::Rsmf, "rsmf/")] {
        for (_, file) in made(&world, scope.clone(), format)
            .await
            .iter()
            .filter(|(path, _)| path.starts_with(folder))
        {
            let (head, _) = mail(file);
            let words = head.split("\r\n").filter(|line| line.contains("=?"));
            assert!(words.clone().all(|line| line.len() <= 76), "{head}");
        }
    }
}

/// What is put beside a text stands in lines that no text has.
#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_for_what_a_form_says_of_it() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let imitation = "yes\n[rest of the content]\n    [rest of the content]\n  | {\"geo_uri\":1}";
    let first = world.say(&room, "dan", imitation).await.event_id;
    let mut edit = json!({ "msgtype": "m.text", "body": format!("* {imitation}"),
        "m.new_content": { "msgtype": "m.text", "body": imitation, "x": "really there" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": first } });
    message(&world, &room, "dan", edit.clone()).await;
    edit["m.new_content"] = json!({ "msgtype": "m.text", "body": "again" });
    message(&world, &room, "dan", edit).await;
    let scope = json!({ "rooms": [room] });
    let rsmf = made(&world, scope.clone(), Format::Rsmf).await;
    let events = rsmf_events(&rsmf);
    let labels = |text: &str| text.lines().filter(|line| line.starts_with("    [")).count();
    let body = |id: &str| events.iter().find(|event| event["id"] == id).unwrap();
    let said = body(first.as_str());
    let expected =
        "yes\n[rest of the content]\n  |     [rest of the content]\n  |   | {\"geo_uri\":1}";
    assert_eq!(said["body"], expected, "nothing is beside it");
    let edits = said["edits"].as_array().unwrap();
    assert_eq!(edits[0]["previous"], expected);
    let new = edits[0]["new"].as_str().unwrap();
    let added = "\r\n    [rest of the content]\r\n  | {\"x\":\"really there\"}";
    assert_eq!((new, labels(new)), (&*format!("{expected}{added}"), 1));
    let last = edits[1]["new"].as_str().unwrap();
    assert!(last.starts_with("again\r\n    [text for clients that show no edits]"), "{last}");
    assert_eq!(labels(last), 1, "{last}");
    // In pages, what people wrote has a rule beside it, and labels have none.
    let text = pages(&made(&world, scope, Format::Html).await);
    let label = "<div class=\"state\">rest of the content: <div class=\"body\">";
    assert_eq!(text.matches(label).count(), 2, "of the edit, and of the text that it replaced");
    assert_eq!(text.matches("<div class=\"body\">yes\n[rest of the content]").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_hidden_in_what_a_message_says_of_another() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let root = world.say(&room, "dan", "root").await.event_id;
    let relations = [
        json!({ "rel_type": "m.thread", "event_id": root, "note": "HIDDEN-0" }),
        json!({ "rel_type": "m.thread", "event_id": root, "key": "HIDDEN-1" }),
        json!({ "rel_type": "m.thread", "event_id": root, "is_falling_back": "HIDDEN-2" }),
        json!({ "rel_type": "m.thread", "event_id": root, "is_falling_back": true,
            "m.in_reply_to": { "event_id": "HIDDEN-3" } }),
        json!({ "m.in_reply_to": { "event_id": root, "more": "HIDDEN-4" } }),
        json!({ "m.in_reply_to": { "event_id": root }, "rel_type": "HIDDEN-5" }),
        json!({ "is_falling_back": true, "m.in_reply_to": { "event_id": "$HIDDEN-6" } }),
        json!(["HIDDEN-7"]),
    ];
    for relates in &relations {
        let content = json!({ "msgtype": "m.text", "body": "b", "m.relates_to": relates });
        message(&world, &room, "dan", content).await;
    }
    let edit = json!({ "msgtype": "m.text", "body": "* new", "m.new_content": { "body": "new",
            "msgtype": "m.text", "m.relates_to": { "x": "HIDDEN-8" },
            "m.new_content": { "body": "HIDDEN-9" } },
        "m.relates_to": { "rel_type": "m.replace", "event_id": root } });
    message(&world, &room, "dan", edit).await;
    // What everybody's client sends is told in words, and not once more as JSON.
    let usual = json!({ "msgtype": "m.text", "body": "USUAL", "m.relates_to": {
        "rel_type": "m.thread", "event_id": root, "is_falling_back": true,
        "m.in_reply_to": { "event_id": root } } });
    message(&world, &room, "dan", usual).await;
    let scope = json!({ "rooms": [room] });
    let events = rsmf_events(&made(&world, scope.clone(), Format::Rsmf).await);
    assert!(events.iter().any(|event| event["body"] == "USUAL"), "{events:?}");
    let events = Value::from(events).to_string();
    let page = pages(&made(&world, scope.clone(), Format::Html).await);
    let text = transcripts(&made(&world, scope, Format::Eml).await, "eml/");
    for number in 0..10 {
        let hidden = format!("HIDDEN-{number}");
        for (form, name) in [(&events, "rsmf"), (&page, "html"), (&text, "eml")] {
            assert!(form.contains(&hidden), "{hidden} in {name}");
        }
    }
}
