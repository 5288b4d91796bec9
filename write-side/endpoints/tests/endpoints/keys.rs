//! Keys for end-to-end encryption, messages between devices, backups.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use commands::user::look;
use decide::inbox::InboxFold;
use ed25519_dalek::SigningKey;
use facts::fact::StreamKind;
use serde_json::{Value, json};

use crate::world::{World, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_key_is_handed_out_once() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let key = json!({ "key": "abc", "signatures": {}, "org.example.kept": true });
    let upload = json!({ "one_time_keys": { "signed_curve25519:AAAAAQ": key } });
    let counts = world.by(&alice, "POST", "/keys/upload", upload.clone()).await.ok();
    assert_eq!(counts["one_time_key_counts"]["signed_curve25519"], 1);
    let mut other = upload;
    other["one_time_keys"]["signed_curve25519:AAAAAQ"]["key"] = "xyz".into();
    let clash = world.by(&alice, "POST", "/keys/upload", other).await.refused();
    assert_eq!(clash, refusal(400, "M_INVALID_PARAM"));

    let claim = json!({ "one_time_keys": {
        alice.user_id.as_str(): { alice.device_id.clone(): "signed_curve25519" },
        "@far:elsewhere.org": { "PHONE": "signed_curve25519" },
    } });
    let claimed = world.by(&bob, "POST", "/keys/claim", claim.clone()).await.ok();
    let keys = &claimed["one_time_keys"][alice.user_id.as_str()][&alice.device_id];
    assert_eq!(keys["signed_curve25519:AAAAAQ"], key);
    assert!(claimed["failures"]["elsewhere.org"].is_object());
    let again = world.by(&bob, "POST", "/keys/claim", claim).await.ok();
    assert_eq!(again["one_time_keys"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_cross_signing_keys_are_refused_before_anybody_proves_anything() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let path = "/keys/device_signing/upload";
    let wrong = json!({ "master_key": { "user_id": "@bob:example.org", "usage": ["master"],
        "keys": { "ed25519:abc": "abc" } } });
    let refused = world.by(&alice, "POST", path, wrong).await.refused();
    assert_eq!(refused.0, 400);
    let nothing = json!({ alice.user_id.as_str(): { "NODEVICE": {
        "user_id": alice.user_id, "device_id": "NODEVICE" } } });
    let answer = world.by(&alice, "POST", "/keys/signatures/upload", nothing).await.ok();
    let failure = &answer["failures"][alice.user_id.as_str()]["NODEVICE"];
    assert_eq!(failure["errcode"], "M_NOT_FOUND", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_cross_signing_keys_need_no_password_and_later_ones_do() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let path = "/keys/device_signing/upload";
    let master = |seed: u8| {
        let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
        let key = STANDARD_NO_PAD.encode(key.as_bytes());
        json!({ "user_id": alice.user_id, "usage": ["master"],
            "keys": { format!("ed25519:{key}"): key } })
    };
    let first = json!({ "master_key": master(1) });
    world.by(&alice, "POST", path, first.clone()).await.ok();
    world.by(&alice, "POST", path, first).await.ok();
    let mut second = json!({ "master_key": master(2) });
    let challenge = world.by(&alice, "POST", path, second.clone()).await;
    assert_eq!(challenge.status, 401);
    second["auth"] = json!({ "type": "m.login.password", "password": "wonderland",
        "session": challenge.body["session"] });
    world.by(&alice, "POST", path, second).await.ok();
    let stored = look(&world.write_side, &alice.user_id, |fold| {
        fold.cross_signing.master.as_ref().map(|key| key.json.clone())
    });
    let stored: Value = serde_json::from_str(&stored.await.unwrap().unwrap()).unwrap();
    assert_eq!(stored, master(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_to_devices_arrive_once() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let body = json!({ "messages": { bob.user_id.as_str(): { "*": { "secret": 1 } } } });
    for _ in 0..2 {
        let path = "/sendToDevice/org.example.secret/t1";
        world.by(&alice, "PUT", path, body.clone()).await.ok();
    }
    let name = format!("{} {}", bob.user_id, bob.device_id);
    let core = world.write_side.core();
    let inbox = core.stream_named(StreamKind::DeviceInbox, &name).unwrap().unwrap();
    let actors = world.write_side.actors::<InboxFold>();
    let guard = actors.lock::<()>(inbox).await.unwrap();
    assert_eq!(guard.fold().waiting.len(), 1);
}

fn session(index: u64) -> Value {
    json!({
        "first_message_index": index, "forwarded_count": 0, "is_verified": true,
        "session_data": { "ephemeral": "a", "ciphertext": "b", "mac": "c" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_take_keys_in_their_current_version_alone() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let version = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": "abc", "signatures": {} },
    });
    let first = world.by(&alice, "POST", "/room_keys/version", version.clone()).await.ok();
    assert_eq!(first["version"], "1");
    let at = |rest: &str, version: &str| format!("/room_keys/keys{rest}?version={version}");
    let room = "/!room:example.org";
    let one = format!("{room}/megolm1");
    let stored = world.by(&alice, "PUT", &at(&one, "1"), session(5)).await.ok();
    assert_eq!(stored["count"], 1);
    let worse = world.by(&alice, "PUT", &at(&one, "1"), session(9)).await.ok();
    assert_eq!(worse, stored, "a session that opens less replaces nothing");
    let of_room = json!({ "sessions": { "megolm2": session(0) } });
    let stored = world.by(&alice, "PUT", &at(room, "1"), of_room).await.ok();
    assert_eq!(stored["count"], 2);
    let all = json!({ "rooms": { "!other:example.org": { "sessions": { "m": session(0) } } } });
    let stored = world.by(&alice, "PUT", &at("", "1"), all.clone()).await.ok();
    assert_eq!(stored["count"], 3);

    world.by(&alice, "POST", "/room_keys/version", version.clone()).await.ok();
    let old = world.by(&alice, "PUT", &at("", "1"), all).await;
    assert_eq!(old.body["current_version"], "2");
    assert_eq!(old.refused(), refusal(403, "M_WRONG_ROOM_KEYS_VERSION"));
    world.by(&alice, "PUT", "/room_keys/version/1", version.clone()).await.ok();
    let mut other = version;
    other["version"] = "2".into();
    let mixed = world.by(&alice, "PUT", "/room_keys/version/1", other).await.refused();
    assert_eq!(mixed, refusal(400, "M_INVALID_PARAM"));

    for (rest, left) in [(one.as_str(), 2), (room, 1), ("", 0)] {
        let deleted = world.by(&alice, "DELETE", &at(rest, "1"), json!({})).await.ok();
        assert_eq!(deleted["count"], left);
    }
    world.by(&alice, "DELETE", "/room_keys/version/1", json!({})).await.ok();
    for path in [at("", "1"), at("", "nonsense"), at("", "99")] {
        let gone = world.by(&alice, "DELETE", &path, json!({})).await.refused();
        assert_eq!(gone, refusal(404, "M_NOT_FOUND"));
    }
}
