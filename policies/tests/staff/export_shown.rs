//! A room in which people deceive, and what the forms show of it: what was live as live, what was
//! not as what it is, and every item once.

use std::collections::{BTreeMap, BTreeSet};

use commands::{
    room::{create_room, join_room, kick_user, send_event},
    user::{ReceiptRequest, set_profile_field, set_receipt},
};
use decide::room::{CreateRoom, NewEvent, Preset};
use facts::{
    Timestamp,
    fact::{ReceiptKind, ThreadScope},
};
use policies::export::{Format, verify_export};
use ruma::{OwnedEventId, OwnedRoomId, RoomVersionId, events::TimelineEventType};
use serde_json::{Value, json};

use crate::{
    export_corpus::{export, keys, named, redact},
    export_forms::{mail, manifest, rows},
    exporting::files,
    world::{World, user},
};

type Files = BTreeMap<String, Vec<u8>>;

/// Exports a scope in a form; verifies it, and gives its files.
pub(crate) async fn made(world: &World, scope: Value, format: Format) -> Files {
    let case = world.case(scope).await;
    let dir = tempfile::tempdir().unwrap();
    export(world, case, format, None, dir.path()).await;
    let report = verify_export(dir.path(), &keys(world)).unwrap();
    assert!(report.holds(), "{}: {:?}", format.name(), report.findings);
    files(dir.path())
}

/// The texts of all files below a folder, in order.
fn texts(files: &Files, folder: &str) -> Vec<String> {
    let of = files.iter().filter(|(path, _)| path.starts_with(folder));
    of.map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap()).collect()
}

pub(crate) fn pages(files: &Files) -> String {
    texts(files, "html/").join("\n")
}

pub(crate) fn transcripts(files: &Files, folder: &str) -> String {
    let texts = texts(files, folder).into_iter();
    let texts = texts.map(|text| mail(text.as_bytes()).1.swap_remove(0).1);
    texts.map(|text| String::from_utf8(text).unwrap()).collect()
}

/// Every event of every manifest.
pub(crate) fn rsmf_events(files: &Files) -> Vec<Value> {
    let of = files.iter().filter(|(path, _)| path.starts_with("rsmf/"));
    of.flat_map(|(_, file)| manifest(file)["events"].as_array().unwrap().clone()).collect()
}

/// A value of an event's `custom`.
pub(crate) fn custom<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    let list = event["custom"].as_array().unwrap();
    list.iter().find(|custom| custom["name"] == name)?["value"].as_str()
}

pub(crate) fn by_id<'a>(events: &'a [Value], id: &OwnedEventId) -> &'a Value {
    events.iter().find(|event| event["id"] == id.as_str()).unwrap()
}

pub(crate) async fn message(
    world: &World,
    room: &OwnedRoomId,
    who: &str,
    content: Value,
) -> OwnedEventId {
    world.send(room, who, content).await.event_id
}

pub(crate) async fn event(
    world: &World,
    room: &OwnedRoomId,
    who: &str,
    kind: &str,
    content: Value,
) -> OwnedEventId {
    let content = NewEvent::content_of(&content).unwrap();
    let event = NewEvent::message(user(who), kind, content);
    send_event(&world.ws, room, event).await.unwrap().event_id
}

fn edit(of: &OwnedEventId, new: &str) -> Value {
    json!({ "msgtype": "m.text", "body": format!("* {new}"),
        "m.new_content": { "msgtype": "m.text", "body": new },
        "m.relates_to": { "rel_type": "m.replace", "event_id": of } })
}

fn reaction(to: &OwnedEventId, key: &str) -> Value {
    json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": to, "key": key } })
}

/// Dan says something; whatever may pass for an edit of it follows, and one that is one.
struct Edited {
    world: World,
    rooms: [OwnedRoomId; 2],
    said: OwnedEventId,
    valid: OwnedEventId,
    /// With the reasons that programs are told.
    invalid: Vec<(OwnedEventId, &'static str)>,
}

async fn edited() -> Edited {
    let world = World::new().await;
    let (room, other) = (world.room("dan").await, world.room("dan").await);
    world.join(&room, "eve").await;
    let said = world.say(&room, "dan", "ORIGINAL").await.event_id;
    let by_other = message(&world, &room, "eve", edit(&said, "BY ANOTHER")).await;
    let elsewhere = message(&world, &other, "dan", edit(&said, "FROM ELSEWHERE")).await;
    let sticker = event(&world, &room, "dan", "m.sticker", edit(&said, "A STICKER")).await;
    let mut none = edit(&said, "NOTHING NEW");
    none["m.new_content"] = "a text".into();
    let none = message(&world, &room, "dan", none).await;
    let deleted = message(&world, &room, "dan", edit(&said, "TAKEN BACK")).await;
    redact(&world, &room, "dan", &deleted).await;
    let valid = message(&world, &room, "dan", edit(&said, "MENDED")).await;
    message(&world, &room, "dan", edit(&valid, "OF AN EDIT")).await;
    let invalid = vec![
        (by_other, "other_sender"),
        (elsewhere, "other_room"),
        (sticker, "other_type"),
        (none, "no_new_content"),
        (deleted, "deleted"),
    ];
    Edited { world, rooms: [room, other], said, valid, invalid }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_replaces_a_text_is_told_as_an_edit() {
    let Edited { world, rooms, said, valid, invalid } = edited().await;
    let scope = json!({ "rooms": rooms });

    let files = made(&world, scope.clone(), Format::Jsonl).await;
    let lines: Vec<Value> = texts(&files, "export.jsonl")[0]
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |id: &OwnedEventId| {
        lines.iter().find(|line| line["event"]["event_id"] == id.as_str()).unwrap()
    };
    assert_eq!(of(&said)["edited_by"], json!([valid]));
    let told: Vec<Value> =
        invalid.iter().map(|(id, why)| json!({ "event_id": id, "why": why })).collect();
    assert_eq!(of(&said)["edits_without_effect"], Value::from(told));
    assert_eq!(of(&valid)["edits_without_effect"][0]["why"], "edit_of_edit");
    assert!(of(&valid)["edited_by"].is_null());

    let files = made(&world, scope.clone(), Format::Csv).await;
    let rows = rows(&texts(&files, "export.csv")[0]);
    let at = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    let row = rows.iter().find(|row| row[at("event_id")] == said.as_str()).unwrap();
    assert_eq!(row[at("edited_by")], valid.as_str());
    assert!(row[at("edits_without_effect")].contains("(other_sender)"), "{row:?}");

    let files = made(&world, scope.clone(), Format::Rsmf).await;
    let events = rsmf_events(&files);
    let edits = by_id(&events, &said)["edits"].as_array().unwrap();
    assert_eq!(edits.len(), 1);
    assert_eq!((&edits[0]["previous"], &edits[0]["new"]), (&json!("ORIGINAL"), &json!("MENDED")));
    let named: Vec<_> = by_id(&events, &said)["custom"].as_array().unwrap().iter().collect();
    let named = named.iter().filter(|custom| custom["name"] == "edit_without_effect");
    assert_eq!(named.count(), invalid.len());

    let page = pages(&made(&world, scope.clone(), Format::Html).await);
    assert_eq!(page.matches(">Edited ").count(), 1);
    assert_eq!(page.matches("Edit without effect").count(), invalid.len() + 1);
    let text = transcripts(&made(&world, scope, Format::Eml).await, "eml/");
    assert_eq!(text.matches("    [edited ").count(), 1);
    assert_eq!(text.matches("    [edit without effect").count(), invalid.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_many_edits_are_told_with_the_text_up_to_a_bound() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let said = world.say(&room, "dan", "ORIGINAL").await.event_id;
    let long = "long ".repeat(6_000);
    let mut edits = 0;
    // Each has it twice; a slice repeats 16 MiB of them.
    while edits * 2 * long.len() <= 17 << 20 {
        message(&world, &room, "dan", edit(&said, &format!("{edits} {long}"))).await;
        edits += 1;
    }
    let scope = json!({ "rooms": [room] });
    let text = transcripts(&made(&world, scope.clone(), Format::Eml).await, "eml/");
    let told = text.matches("    [edited ").count();
    let short = text.matches(", to what item #").count();
    assert!(told == edits && (1..edits / 2).contains(&short), "{told} {short}");
    let last = format!("  | {} long ", edits - 1);
    assert_eq!(text.matches(&last).count(), 1, "it stands as an item, and there alone");
    let events = rsmf_events(&made(&world, scope.clone(), Format::Rsmf).await);
    let chain = by_id(&events, &said)["edits"].as_array().unwrap();
    assert_eq!(chain.len(), edits - short);
    let page = pages(&made(&world, scope, Format::Html).await);
    assert_eq!(page.matches(">Edited ").count(), edits);
    assert_eq!(page.matches("(what <a href=").count(), short);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_reactions_and_reasons_are_told_with_the_text_up_to_a_bound() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let said = world.say(&room, "dan", "ORIGINAL").await.event_id;
    let long = "long ".repeat(11_000);
    let count = 2 * (9 << 20) / (2 * long.len());
    for number in 0..count {
        let key = format!("{number} {long}");
        let by_dan = event(&world, &room, "dan", "m.reaction", reaction(&said, &key)).await;
        let content = NewEvent::content_of(&json!({ "reason": key })).unwrap();
        let mut why = NewEvent::message(user("dan"), "m.room.redaction", content);
        why.redacts = Some(by_dan);
        send_event(&world.ws, &room, why).await.unwrap();
    }
    let page = pages(&made(&world, json!({ "rooms": [room] }), Format::Html).await);
    assert_eq!(page.matches("Reaction without effect, ").count(), count);
    // Each key and each reason, and of both the first 16 MiB.
    let short = page.matches("(what <a href=").count();
    let shorter = page.matches(": as item ").count();
    assert!((1..count / 2).contains(&short) && (short..=short + 1).contains(&shorter), "{short}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_reaction_is_not_live_and_nobody_counts_twice() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.join(&room, "eve").await;
    let said = world.say(&room, "dan", "hello").await.event_id;
    let long = "y".repeat(30);
    let keys = ["👍", "", &format!("{long}A"), &format!("{long}B"), "GONE"];
    for key in keys {
        let by_eve = event(&world, &room, "eve", "m.reaction", reaction(&said, key)).await;
        if key == "GONE" {
            redact(&world, &room, "eve", &by_eve).await;
        }
    }
    // Once more with what the server does not take for the same: it has a member more.
    let mut again = reaction(&said, "👍");
    again["x"] = 1.into();
    let doubled =
        NewEvent::message(user("eve"), "m.reaction", NewEvent::content_of(&again).unwrap());
    let _ = send_event(&world.ws, &room, doubled).await;
    let scope = json!({ "rooms": [room] });

    let files = made(&world, scope.clone(), Format::Rsmf).await;
    let events = rsmf_events(&files);
    let live = by_id(&events, &said)["reactions"].as_array().unwrap();
    assert_eq!(live.len(), 4, "{live:?}");
    let values: BTreeSet<_> =
        live.iter().map(|reaction| reaction["value"].as_str().unwrap()).collect();
    assert_eq!(values.len(), 4, "different keys stay different: {live:?}");
    assert!(!values.contains("GONE") && !values.contains(""));
    assert!(live.iter().all(|reaction| reaction["count"] == 1), "{live:?}");
    assert!(
        custom(by_id(&events, &said), "reaction_without_effect").unwrap().contains("(deleted)")
    );

    let page = pages(&made(&world, scope.clone(), Format::Html).await);
    assert!(!page.contains("Reaction <bdi>GONE"));
    assert!(page.contains("Reaction without effect, it was deleted: <bdi>GONE</bdi>"), "{page}");
    let files = made(&world, scope, Format::Jsonl).await;
    let line = &texts(&files, "export.jsonl")[0];
    let line: Value = line
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["event"]["event_id"] == said.as_str())
        .unwrap();
    assert!(line["reactions"].as_array().unwrap().len() >= 4);
    assert_eq!(line["reactions_without_effect"][0]["why"], "deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_show_is_in_every_form() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let fake = json!({ "msgtype": "m.text", "body": "REALLY SAID",
        "m.new_content": { "msgtype": "m.text", "body": "nothing to see" } });
    let fake = message(&world, &room, "dan", fake).await;
    let formatted = json!({ "msgtype": "m.text", "body": "lunch?",
        "format": "org.matrix.custom.html", "formatted_body": "<b>SELL-ALL</b>" });
    let formatted = message(&world, &room, "dan", formatted).await;
    let place = json!({ "msgtype": "m.location", "body": "here", "geo_uri": "geo:48.1,11.5" });
    message(&world, &room, "dan", place).await;
    let remote = json!({ "msgtype": "m.file", "body": "see file", "filename": "plan.pdf",
        "url": "mxc://elsewhere.org/abc" });
    message(&world, &room, "dan", remote).await;
    let mut second = edit(&formatted, "supper?");
    second["m.new_content"]["formatted_body"] = "<i>BUY-ALL</i>".into();
    second["body"] = "* an OTHER text".into();
    message(&world, &room, "dan", second).await;
    let scope = json!({ "rooms": [room] });

    let files = made(&world, scope.clone(), Format::Rsmf).await;
    let events = rsmf_events(&files);
    let bodies: String = events.iter().filter_map(|event| event["body"].as_str()).collect();
    assert!(by_id(&events, &fake)["body"].as_str().unwrap().starts_with("REALLY SAID"));
    let chain = by_id(&events, &formatted)["edits"][0].to_string();
    assert!(chain.contains("SELL-ALL") && chain.contains("BUY-ALL"), "{chain}");
    let page = pages(&made(&world, scope.clone(), Format::Html).await);
    assert!(page.contains("&lt;b&gt;SELL-ALL&lt;/b&gt;") && !page.contains("<b>SELL"));
    let text = transcripts(&made(&world, scope.clone(), Format::Eml).await, "eml/");
    for form in [&bodies, &page, &text] {
        for shown in [
            "REALLY SAID",
            "nothing to see",
            "SELL-ALL",
            "BUY-ALL",
            "OTHER text",
            "geo:48.1,11.5",
            "plan.pdf",
            "mxc://elsewhere.org/abc",
        ] {
            assert!(form.contains(shown), "{shown} in {form}");
        }
    }
    let rows = rows(&texts(&made(&world, scope, Format::Csv).await, "export.csv")[0]);
    assert!(rows.iter().any(|row| row.iter().any(|cell| cell == "REALLY SAID")));
    assert!(!rows.iter().any(|row| row.iter().any(|cell| cell == "nothing to see")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_what_to_whom_is_in_every_form() {
    let world = World::new().await;
    let mut wish = CreateRoom::new(user("dan"), RoomVersionId::V10);
    wish.preset = Some(Preset::PublicChat);
    let room = create_room(&world.ws, &wish, false).await.unwrap();
    for name in ["eve", "cleo"] {
        world.join(&room, name).await;
    }
    let one = world.say(&room, "eve", "one").await.event_id;
    let reply = json!({ "msgtype": "m.text", "body": "in thread", "m.relates_to": {
        "rel_type": "m.thread", "event_id": one } });
    let reply = message(&world, &room, "eve", reply).await;
    redact(&world, &room, "dan", &one).await;
    let mut why = named("Cleo");
    why.reason = Some("go".to_owned());
    let kick = kick_user(&world.ws, &room, user("dan"), &user("cleo"), &why).await.unwrap();
    let scope = json!({ "rooms": [room] });

    let files = made(&world, scope.clone(), Format::Rsmf).await;
    let events = rsmf_events(&files);
    let kick = by_id(&events, &kick.event_id);
    // Who is kicked goes, under the name that the kick gives.
    let person = kick["participant"].as_str().unwrap();
    assert!(kick["type"] == "leave" && person.starts_with("@cleo:example.org"), "{kick}");
    assert_eq!(custom(kick, "sender"), Some("@dan:example.org"));
    let is_deletion = |event: &&Value| custom(event, "event_type") == Some("m.room.redaction");
    let deletion = events.iter().find(is_deletion).unwrap();
    assert_eq!(custom(deletion, "related_event"), Some(one.as_str()));
    assert_eq!(deletion["participant"], "@dan:example.org");
    assert!(deletion["body"].as_str().unwrap().contains(one.as_str()));
    assert_eq!(custom(by_id(&events, &one), "deleted_by"), Some("@dan:example.org"));

    let text = transcripts(&made(&world, scope.clone(), Format::Eml).await, "eml/");
    for id in [&one, &reply] {
        assert!(text.contains(&format!("@eve:example.org {id}")), "{id} in {text}");
    }
    assert!(
        text.contains(&format!("in thread {one}:"))
            && text.contains(&format!("deletion of {one}:"))
    );
    let mark = text.lines().find(|line| line.ends_with("takes effect")).unwrap();
    let target = mark.split("item #").nth(1).unwrap().split(' ').next().unwrap();
    assert!(text.contains(&format!("] #{target} @eve:example.org {one}:")), "{mark}");
    let rows = rows(&texts(&made(&world, scope, Format::Csv).await, "export.csv")[0]);
    let deletion = rows.iter().find(|row| row[11] == "redacts").unwrap();
    assert_eq!(deletion[12], one.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_as_they_were_and_the_silent_are_there() {
    let world = World::new().await;
    let room = world.room("dan").await;
    join_room(&world.ws, &room, user("eve"), &named("Eve One")).await.unwrap();
    join_room(&world.ws, &room, user("otto"), &named("Otto the silent")).await.unwrap();
    let first = world.say(&room, "eve", "as one").await.event_id;
    let renamed = json!({ "membership": "join", "displayname": "Eve Two" });
    let renamed = NewEvent::state(
        user("eve"),
        TimelineEventType::RoomMember,
        user("eve").to_string(),
        NewEvent::content_of(&renamed).unwrap(),
    );
    send_event(&world.ws, &room, renamed).await.unwrap();
    let second = world.say(&room, "eve", "as two").await.event_id;
    world.pass_days(1);
    world.say(&room, "dan", "the next day").await;
    let files = made(&world, json!({ "rooms": [room] }), Format::Rsmf).await;
    let days: Vec<Value> = files
        .iter()
        .filter(|(path, _)| path.starts_with("rsmf/room-"))
        .map(|(_, file)| manifest(file))
        .collect();
    assert_eq!(days.len(), 2);
    let display = |id: &OwnedEventId| {
        let event = by_id(days[0]["events"].as_array().unwrap(), id);
        let person = &event["participant"];
        let people = days[0]["participants"].as_array().unwrap();
        let person = people.iter().find(|known| known["id"] == *person).unwrap();
        assert_eq!(person["account_id"], "@eve:example.org");
        (person["display"].clone(), custom(event, "sender_name").unwrap().to_owned())
    };
    assert_eq!(display(&first), (json!("Eve One"), "Eve One".to_owned()));
    assert_eq!(display(&second), (json!("Eve Two"), "Eve Two".to_owned()));
    let present = &days[1]["conversations"][0]["participants"];
    let all = json!(["@dan:example.org", "@eve:example.org", "@otto:example.org"]);
    assert_eq!(*present, all, "all who were joined when the day began");
    let first_day = days[0]["conversations"][0]["participants"].as_array().unwrap();
    assert!(first_day.len() < 3, "whoever came later was not there: {first_day:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_a_person_is_in_every_form_once() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.join(&room, "eve").await;
    let said = world.say(&room, "dan", "by dan, outside of the scope").await.event_id;
    world.say(&room, "eve", "by eve").await;
    let request = ReceiptRequest {
        room: &room,
        event_id: &said,
        kind: ReceiptKind::ReadPrivate,
        thread: ThreadScope::Thread(said.to_string()),
        at: Timestamp(5),
    };
    set_receipt(&world.ws, &user("eve"), &request).await.unwrap();
    for name in ["EVE-A", "EVE-B"] {
        set_profile_field(&world.ws, &user("eve"), "displayname", Some(&json!(name)))
            .await
            .unwrap();
        world.pass_days(1);
    }
    let scope = json!({ "users": [user("eve")] });
    let files = made(&world, scope.clone(), Format::Jsonl).await;
    let text = &texts(&files, "export.jsonl")[0];
    let positions: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["position"].as_u64().unwrap())
        .collect();

    let files = made(&world, scope.clone(), Format::Rsmf).await;
    let events = rsmf_events(&files);
    let mut told: Vec<u64> = events
        .iter()
        .map(|event| custom(event, "log_position").unwrap().parse().unwrap())
        .collect();
    told.sort_unstable();
    assert_eq!(told, positions);
    let receipt = events.iter().find(|event| custom(event, "kind") == Some("receipt")).unwrap();
    assert_eq!(custom(receipt, "receipt_private"), Some("true"));
    assert_eq!(custom(receipt, "receipt_thread"), Some(said.as_str()));
    let text = transcripts(&made(&world, scope.clone(), Format::Eml).await, "eml/");
    let page = pages(&made(&world, scope.clone(), Format::Html).await);
    for position in &positions {
        assert_eq!(text.matches(&format!("Z] #{position} ")).count(), 1, "{position} in {text}");
        assert_eq!(page.matches(&format!("<article id=\"p{position}\"")).count(), 1, "{position}");
    }
    for form in [&text, &page] {
        assert!(form.contains("EVE-A") && form.contains("EVE-B"));
        assert!(form.contains(&format!("in thread {said} privately")), "{form}");
    }
    let rows = rows(&texts(&made(&world, scope, Format::Csv).await, "export.csv")[0]);
    let receipt = rows.iter().find(|row| row[2] == "receipt").unwrap();
    assert_eq!((&*receipt[17], &*receipt[18]), (said.as_str(), "true"));
}
