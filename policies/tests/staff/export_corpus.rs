//! A room in which everything happens that an export must show, and the making of exports of it
//! over the real router.

use std::path::Path;

use commands::{
    media::{MediaUpload, new_media_id, store_media},
    room::{MemberDetails, join_room, leave_room, send_event},
    user::{ReceiptRequest, set_profile_field, set_receipt},
};
use decide::room::NewEvent;
use event_log::{SeededRandom, ledger::VerifierKey};
use facts::{
    Timestamp,
    fact::{ReceiptKind, ThreadScope},
};
use policies::export::{ExportDirectory, Format, NamedMedium};
use ruma::{EventId, OwnedRoomId, events::TimelineEventType};
use serde_json::{Value, json};

use crate::world::{World, user};

pub(crate) const DELETED: &str = "what was said and taken back";
pub(crate) const EDITED: &str = "the first wording";
pub(crate) const MARKUP: &str = "<script>alert(1)</script> =1+1, \"quoted\"\nsecond line";
pub(crate) const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n not a real picture, but bytes";

pub(crate) struct Corpus {
    pub(crate) room: OwnedRoomId,
    pub(crate) media: String,
    pub(crate) missing: String,
}

/// Dan and Eve talk; Eve changes her name in between, and leaves.
pub(crate) async fn corpus(world: &World) -> Corpus {
    let room = world.room("dan").await;
    let details = named("Eve One");
    join_room(&world.ws, &room, user("eve"), &details).await.unwrap();
    let first = world.say(&room, "dan", EDITED).await;
    let edit = json!({ "msgtype": "m.text", "body": "* mended", "m.new_content":
        { "msgtype": "m.text", "body": "mended" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": first.event_id } });
    world.send(&room, "dan", edit).await;
    let gone = world.say(&room, "eve", DELETED).await;
    redact(world, &room, "eve", &gone.event_id).await;
    react(world, &room, &first.event_id).await;
    let renamed = json!({ "membership": "join", "displayname": "Eve Two" });
    let renamed = NewEvent::content_of(&renamed).unwrap();
    let event = NewEvent::state(
        user("eve"),
        TimelineEventType::RoomMember,
        user("eve").to_string(),
        renamed,
    );
    send_event(&world.ws, &room, event).await.unwrap();
    let in_thread = json!({ "msgtype": "m.text", "body": MARKUP, "m.relates_to":
        { "rel_type": "m.thread", "event_id": first.event_id } });
    world.send(&room, "eve", in_thread).await;
    let media = upload(world, "dan", PICTURE).await;
    let missing = upload(world, "dan", b"lost").await;
    for id in [&media, &missing] {
        let image = json!({ "msgtype": "m.image", "body": "cat.png",
            "url": format!("mxc://example.org/{id}") });
        world.send(&room, "dan", image).await;
    }
    let content = json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgAEnAC",
        "session_id": "s", "sender_key": "k", "device_id": "D" });
    let content = NewEvent::content_of(&content).unwrap();
    let event = NewEvent::message(user("dan"), "m.room.encrypted", content);
    send_event(&world.ws, &room, event).await.unwrap();
    world.say(&room, "dan", &"long ".repeat(11_000)).await;
    read(world, &room, "eve", &first.event_id).await;
    set_profile_field(&world.ws, &user("dan"), "displayname", Some(&json!("Dan"))).await.unwrap();
    leave_room(&world.ws, &room, user("eve"), &MemberDetails::default()).await.unwrap();
    let other = world.room("eve").await;
    world.say(&other, "eve", "elsewhere, in no case").await;
    Corpus { room, media, missing }
}

/// A display name to join with.
pub(crate) fn named(name: &str) -> MemberDetails {
    let mut details = MemberDetails::default();
    details.profile.insert("displayname".to_owned(), name.into());
    details
}

pub(crate) async fn redact(world: &World, room: &OwnedRoomId, by: &str, target: &EventId) {
    let content = NewEvent::content_of(&json!({ "reason": "regret" })).unwrap();
    let mut event = NewEvent::message(user(by), "m.room.redaction", content);
    event.redacts = Some(target.to_owned());
    send_event(&world.ws, room, event).await.unwrap();
}

async fn react(world: &World, room: &OwnedRoomId, target: &EventId) {
    let content = json!({ "m.relates_to":
        { "rel_type": "m.annotation", "event_id": target, "key": "👍" } });
    let content = NewEvent::content_of(&content).unwrap();
    let event = NewEvent::message(user("eve"), "m.reaction", content);
    send_event(&world.ws, room, event).await.unwrap();
}

pub(crate) async fn read(world: &World, room: &OwnedRoomId, name: &str, event_id: &EventId) {
    let request = ReceiptRequest {
        room,
        event_id,
        kind: ReceiptKind::Read,
        thread: ThreadScope::Unthreaded,
        at: Timestamp(5),
    };
    set_receipt(&world.ws, &user(name), &request).await.unwrap();
}

pub(crate) async fn upload(world: &World, name: &str, bytes: &[u8]) -> String {
    upload_as(world, name, bytes, "image/png", Some("cat.png")).await
}

/// Uploads under a type and a name of somebody's choice; what says "lost" is lost.
pub(crate) async fn upload_as(
    world: &World,
    name: &str,
    bytes: &[u8],
    content_type: &str,
    file_name: Option<&str>,
) -> String {
    let id = new_media_id(&world.ws);
    // Of its own, or two blobs would have one name.
    let seed = id.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
    let mut blob = world.blobs.begin(&SeededRandom::new(seed), 1 << 20).await.unwrap();
    blob.write(bytes).await.unwrap();
    let upload = MediaUpload {
        media_id: id,
        reserved: false,
        content_type: Some(content_type.to_owned()),
        file_name: file_name.map(str::to_owned),
        blob: blob.finish().await.unwrap(),
    };
    let id = upload.media_id.clone();
    if bytes == b"lost" {
        world.blobs.remove(&upload.blob.name).await.unwrap();
    }
    store_media(&world.ws, &user(name), upload).await.unwrap();
    id
}

/// The key of the ledger.
pub(crate) fn keys(world: &World) -> Vec<VerifierKey> {
    world.ledger.published().keys.iter().map(|stated| stated.key.clone()).collect()
}

/// Begins an export as Ann, in an empty directory.
pub(crate) async fn begin(
    world: &World,
    case: u64,
    format: Format,
    end: Option<u64>,
    dir: &Path,
) -> ExportDirectory {
    let wish = json!({ "format": format.name(), "end": end });
    let begun = world.post("ann", &format!("/cases/{case}/exports"), &wish).await.ok();
    let terms = serde_json::from_value(begun["terms"].clone()).unwrap();
    let number = begun["export"].as_u64().unwrap();
    let checkpoint = begun["checkpoint"].as_str().unwrap();
    ExportDirectory::begin(dir, number, terms, format, checkpoint).unwrap()
}

/// Fetches what is left of the evidence, `limit` positions a page.
pub(crate) async fn fetch(world: &World, export: &mut ExportDirectory, limit: usize) {
    let (case, number) = (export.progress().terms.case, export.progress().export);
    while !export.has_all() {
        let (from, page) = (export.progress().next, export.progress().page());
        let piece = format!("from={from}&page={page}&limit={limit}");
        let path = format!("/cases/{case}/exports/{number}/entries?{piece}");
        export.append(&world.bytes("ann", &path).await).unwrap();
    }
}

/// Media, form and manifest.
pub(crate) async fn complete(world: &World, export: ExportDirectory) -> Value {
    let (case, number) = (export.progress().terms.case, export.progress().export);
    export.settle_context().unwrap();
    let mut missing = Vec::new();
    for medium in export.media("example.org").unwrap() {
        let Some((part, begun)) = export.medium_begun(&medium).unwrap() else { continue };
        let NamedMedium { id, position, .. } = &medium;
        assert_eq!(begun, 0);
        let path =
            format!("/cases/{case}/exports/{number}/media/{id}?position={position}&offset=0");
        let answer = world.get_raw("ann", &path).await;
        match answer {
            Some(bytes) => {
                std::fs::write(part, bytes).unwrap();
                export.medium_done(&medium).unwrap();
            }
            None => missing.push(medium.id),
        }
    }
    let sealing = export.write_forms("example.org", missing).unwrap();
    let body = serde_json::to_value(&sealing).unwrap();
    let path = format!("/cases/{case}/exports/{number}/seal");
    let sealed = world.post("ann", &path, &body).await.ok();
    export.finish(sealed["manifest"].as_str().unwrap()).unwrap();
    body
}

/// A whole export.
pub(crate) async fn export(world: &World, case: u64, format: Format, end: Option<u64>, dir: &Path) {
    let mut begun = begin(world, case, format, end, dir).await;
    fetch(world, &mut begun, 10_000).await;
    complete(world, begun).await;
}
