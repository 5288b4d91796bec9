//! Public keys, device lists, key backups.

use facts::fact::{
    BackupKeysStored, BackupSession, BackupVersionCreated, CrossSigningKeysSet, DeviceKeysSet,
    SignatureTarget, SignaturesAdded,
};
use serde_json::{Value, json};

use crate::world::{World, refused, user_id};

fn bytes(json: &Value) -> Vec<u8> {
    json.to_string().into_bytes()
}

fn key(name: &str, usage: &str) -> Value {
    let id = format!("ed25519:{usage}KEY");
    json!({"user_id": user_id(name), "usage": [usage], "keys": {id: format!("{usage}KEY")}})
}

fn publish(world: &World, name: &str) {
    let keys = json!({"user_id": user_id(name), "device_id": "DEVICE", "algorithms": [],
        "keys": {"ed25519:DEVICE": "dev"}, "signatures": {user_id(name): {"ed25519:DEVICE": "s"}}});
    world.own(name, DeviceKeysSet { device_id: "DEVICE".to_owned(), keys: bytes(&keys) });
    world.own(
        name,
        CrossSigningKeysSet {
            master: Some(bytes(&key(name, "master"))),
            self_signing: Some(bytes(&key(name, "self_signing"))),
            user_signing: Some(bytes(&key(name, "user_signing"))),
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_with_the_signatures_that_the_reader_is_owed() {
    let world = World::with(&["alice", "bob", "carol"]);
    publish(&world, "alice");
    publish(&world, "bob");
    let signed = |owner: &str, target, signer: &str| SignaturesAdded {
        user_id: user_id(owner),
        target,
        signatures: bytes(&json!({user_id(signer): {"ed25519:X": "added"}})),
    };
    world.own("alice", signed("alice", SignatureTarget::Device("DEVICE".to_owned()), "alice"));
    let master = || SignatureTarget::CrossSigning("masterKEY".to_owned());
    world.own("bob", signed("alice", master(), "bob"));
    let ask = json!({"device_keys": {user_id("alice"): [], user_id("bob"): ["NONE"],
        user_id("nobody"): [], "@far:there.test": []}});
    let seen = world.post("guest-bob", "/v3/keys/query", ask.clone()).await.ok();
    let device = &seen["device_keys"][user_id("alice")]["DEVICE"];
    let own = &device["signatures"][user_id("alice")];
    assert_eq!(own, &json!({"ed25519:DEVICE": "s", "ed25519:X": "added"}));
    assert_eq!(device["unsigned"]["device_display_name"], "alice's phone");
    assert_eq!(seen["device_keys"][user_id("bob")], json!({}));
    assert!(seen["device_keys"].get(user_id("nobody")).is_none());
    assert_eq!(seen["failures"], json!({"there.test": {}}));
    let master = &seen["master_keys"][user_id("alice")];
    assert_eq!(master["signatures"][user_id("bob")], json!({"ed25519:X": "added"}));
    assert!(seen["user_signing_keys"].get(user_id("alice")).is_none());
    assert!(seen["user_signing_keys"][user_id("bob")].is_object());
    let others = world.post("carol", "/v3/keys/query", ask).await.ok();
    assert!(others["master_keys"][user_id("alice")].get("signatures").is_none(), "{others}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_device_lists_between_syncs() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let from = world.get("alice", "/v3/sync").await.ok()["next_batch"].clone();
    publish(&world, "bob");
    let to = world.get("alice", "/v3/sync").await.ok()["next_batch"].clone();
    let (from, to) = (from.as_str().expect("a token"), to.as_str().expect("a token"));
    let changes = world.get("alice", &format!("/v3/keys/changes?from={from}&to={to}")).await.ok();
    assert_eq!(changes, json!({"changed": [user_id("bob")], "left": []}));
    let forged = world.get("alice", &format!("/v3/keys/changes?from=x&to={to}")).await;
    assert_eq!(forged.refusal(), refused(400, "M_INVALID_PARAM"));
    let missing = world.get("alice", &format!("/v3/keys/changes?from={from}")).await;
    assert_eq!(missing.refusal(), refused(400, "M_MISSING_PARAM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_whole_by_room_and_by_session() {
    let world = World::with(&["alice", "bob"]);
    let none = world.get("alice", "/v3/room_keys/version").await;
    assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"));
    world.own(
        "alice",
        BackupVersionCreated {
            version: 1,
            algorithm: "m.megolm_backup.v1".to_owned(),
            auth_data: b"{\"public_key\":\"k\"}".to_vec(),
        },
    );
    let session = |room: &str, id: &str| BackupSession {
        room: room.to_owned(),
        session_id: id.to_owned(),
        data: bytes(&json!({"is_verified": true, "of": id})),
    };
    let sessions = vec![session("!a:x", "one"), session("!a:x", "two"), session("!b:x", "three")];
    world.own("alice", BackupKeysStored { version: 1, sessions });
    let info = world.get("alice", "/v3/room_keys/version").await.ok();
    assert_eq!((&info["version"], &info["count"]), (&json!("1"), &json!(3)));
    assert_eq!(info["auth_data"], json!({"public_key": "k"}));
    assert_eq!(world.get("alice", "/v3/room_keys/version/1").await.ok(), info);
    let all = world.get("alice", "/v3/room_keys/keys?version=1").await.ok();
    assert_eq!(all["rooms"]["!a:x"]["sessions"]["two"]["of"], "two");
    let room = world.get("alice", "/v3/room_keys/keys/!b:x?version=1").await.ok();
    assert_eq!(room["sessions"].as_object().expect("sessions").len(), 1);
    let one = world.get("alice", "/v3/room_keys/keys/!b:x/three?version=1").await.ok();
    assert_eq!(one["of"], "three");
    let empty = world.get("alice", "/v3/room_keys/keys/!c:x?version=1").await.ok();
    assert_eq!(empty, json!({"sessions": {}}));
    for path in ["keys/!b:x/four?version=1", "keys?version=2", "version/2", "version/x"] {
        let none = world.get("alice", &format!("/v3/room_keys/{path}")).await;
        assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"), "{path}");
    }
    let other = world.get("bob", "/v3/room_keys/version/1").await;
    assert_eq!(other.refusal(), refused(404, "M_NOT_FOUND"));
}
