//! What end-to-end encryption needs of a server: keys handed out once, messages to devices delivered
//! until they are acknowledged, devices announced, identities and backups kept.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use harness::{
    PASSWORD,
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    two_in_a_room,
};
use http::Method;
use ruma::{
    CanonicalJsonObject,
    serde::Base64,
    signatures::{Ed25519KeyPair, KeyPair as _, to_canonical_json_string_for_signing},
};
use serde_json::{Value, json};

/// An Ed25519 key that signs JSON as clients do.
struct Signer {
    key: Ed25519KeyPair,
    public: String,
}

impl Signer {
    fn new() -> Result<Self> {
        let key = Ed25519KeyPair::from_der(&Ed25519KeyPair::generate(), "unused".to_owned())?;
        let public = Base64::<ruma::serde::base64::Standard, _>::new(key.public_key()).encode();
        Ok(Self { key, public })
    }

    /// Adds this key's signature under `user` and the key id `ed25519:<name>`.
    fn sign(&self, object: &mut Value, user: &str, name: &str) -> Result<()> {
        let canonical: CanonicalJsonObject = serde_json::from_value(object.clone())?;
        let bytes = to_canonical_json_string_for_signing(&canonical)?;
        let signature = self.key.sign(bytes.as_bytes()).base64();
        object["signatures"][user][format!("ed25519:{name}")] = signature.into();
        Ok(())
    }
}

/// Signed device keys of a client.
fn device_keys(client: &MatrixClient, signer: &Signer) -> Result<Value> {
    let device = &client.device_id;
    let mut keys = json!({
        "user_id": client.user_id, "device_id": device,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": { format!("ed25519:{device}"): signer.public,
            format!("curve25519:{device}"): Signer::new()?.public },
    });
    signer.sign(&mut keys, &client.user_id, device)?;
    Ok(keys)
}

async fn upload_device_keys(client: &MatrixClient) -> Result<(Signer, Value)> {
    let signer = Signer::new()?;
    let keys = device_keys(client, &signer)?;
    client.post("/v3/keys/upload", &json!({ "device_keys": keys })).await?;
    Ok((signer, keys))
}

fn one_time_keys(count: usize) -> Value {
    let keys = (0..count).map(|n| (format!("signed_curve25519:K{n:04}"), signed_key(n)));
    Value::Object(keys.collect())
}

/// In the shape of a signed key; only its claimer checks the signature.
fn signed_key(number: usize) -> Value {
    json!({ "key": format!("key-{number}"),
        "signatures": { "@alice:localhost": { "ed25519:D": "not checked by a server" } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn device_keys_are_uploaded_queried_and_named() -> Result<()> {
    let server = Server::start().await?;
    let (alice, bob, _) = two_in_a_room(&server, &json!({})).await?;
    let (_, keys) = upload_device_keys(&alice).await?;
    let query = json!({ "device_keys": { &alice.user_id: [], "@nobody:localhost": [] } });
    let answer = bob.post("/v3/keys/query", &query).await?;
    let mut shown = answer["device_keys"][&alice.user_id][&alice.device_id].clone();
    ensure!(shown["unsigned"]["device_display_name"] == "test device", "{answer}");
    shown.as_object_mut().context("keys")?.remove("unsigned");
    ensure!(shown == keys, "{shown} is not {keys}");
    // Keys of another user or device are not taken.
    let foreign = json!({ "device_keys": device_keys(&bob, &Signer::new()?)? });
    let answer = alice.call(Method::POST, "/_matrix/client/v3/keys/upload", Some(&foreign)).await?;
    ensure!(answer.status.is_client_error(), "{answer}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time_keys_are_claimed_once_under_contention_then_the_fallback() -> Result<()> {
    const KEYS: usize = 10;
    const CLAIMS: usize = 24;
    let mut server = Server::start().await?;
    let (mut alice, bob, _) = two_in_a_room(&server, &json!({})).await?;
    let mut fallback = signed_key(KEYS);
    fallback["fallback"] = true.into();
    let upload = json!({
        "one_time_keys": one_time_keys(KEYS),
        "fallback_keys": { "signed_curve25519:FALL": fallback },
    });
    let counts = alice.post("/v3/keys/upload", &upload).await?;
    ensure!(counts["one_time_key_counts"]["signed_curve25519"] == KEYS, "{counts}");
    // The same key again is no new key; another key under the same id is refused.
    let counts = alice.post("/v3/keys/upload", &upload).await?;
    ensure!(counts["one_time_key_counts"]["signed_curve25519"] == KEYS, "{counts}");
    let other = json!({ "one_time_keys": { "signed_curve25519:K0000": signed_key(KEYS + 1) } });
    let answer = alice.call(Method::POST, "/_matrix/client/v3/keys/upload", Some(&other)).await?;
    ensure!(answer.status.as_u16() == 400, "{answer}");

    let claim = json!({ "one_time_keys": {
        &alice.user_id: { &alice.device_id: "signed_curve25519" } } });
    let claims = (0..CLAIMS).map(|_| bob.post("/v3/keys/claim", &claim));
    let claimed = futures_util::future::try_join_all(claims).await?;
    let mut once = HashSet::new();
    let mut fallbacks = 0;
    for answer in &claimed {
        let keys = &answer["one_time_keys"][&alice.user_id][&alice.device_id];
        let (id, key) = keys.as_object().and_then(|keys| keys.iter().next()).context("a key")?;
        if id == "signed_curve25519:FALL" {
            ensure!(*key == fallback, "{key}");
            fallbacks += 1;
        } else {
            ensure!(once.insert(id.clone()), "{id} was handed out twice");
        }
    }
    ensure!(once.len() == KEYS && fallbacks == CLAIMS - KEYS, "{once:?}, {fallbacks} fallbacks");

    server.kill_9().await?;
    server.restart().await?;
    let answer = bob.post("/v3/keys/claim", &claim).await?;
    let keys = &answer["one_time_keys"][&alice.user_id][&alice.device_id];
    ensure!(keys.get("signed_curve25519:FALL").is_some(), "after a kill: {answer}");
    let sync = alice.sync(0).await?;
    let count = &sync["device_one_time_keys_count"]["signed_curve25519"];
    ensure!(count.as_u64().unwrap_or(0) == 0, "{sync}");
    ensure!(sync["device_unused_fallback_key_types"] == json!([]), "{sync}");
    server.finish().await
}

fn to_device(sync: &Value) -> Vec<i64> {
    let events = sync["to_device"]["events"].as_array();
    events.into_iter().flatten().filter_map(|event| event["content"]["n"].as_i64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_device_is_kept_until_it_is_acknowledged_and_never_after() -> Result<()> {
    let mut server = Server::start().await?;
    let (alice, mut bob, _) = two_in_a_room(&server, &json!({})).await?;
    bob.sync(0).await?;
    let send = async |n: i64, txn: &str| {
        let to = json!({ &bob.user_id: { &bob.device_id: { "n": n } } });
        alice.put(&format!("/v3/sendToDevice/m.test/{txn}"), &json!({ "messages": to })).await
    };
    send(1, "t1").await?;
    send(2, "t2").await?;
    send(2, "t2").await?;
    let mut lost = bob.clone();
    ensure!(to_device(&lost.sync(0).await?) == [1, 2]);
    // The answer got lost: the same token brings the same messages, also after a kill.
    ensure!(to_device(&bob.clone().sync(0).await?) == [1, 2]);
    server.kill_9().await?;
    server.restart().await?;
    let answer = bob.clone().sync(0).await?;
    ensure!(to_device(&answer) == [1, 2], "{answer}");
    // Going on from an answer acknowledges what it brought.
    let mut reader = bob.clone();
    reader.since = Some(text(&answer, "next_batch")?);
    ensure!(to_device(&reader.sync(0).await?).is_empty());
    ensure!(to_device(&bob.clone().sync(0).await?).is_empty(), "an old token brought them back");
    let to = json!({ &bob.user_id: { "*": { "n": 3 } } });
    alice.put("/v3/sendToDevice/m.test/t3", &json!({ "messages": to })).await?;
    ensure!(to_device(&reader.sync(0).await?) == [3]);
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_devices_are_announced_to_those_who_share_a_room() -> Result<()> {
    let server = Server::start().await?;
    let (alice, mut bob, room) = two_in_a_room(&server, &json!({})).await?;
    let mut stranger = register(&server, "stranger").await?;
    bob.sync(0).await?;
    stranger.sync(0).await?;
    let from = bob.since.clone().context("a token")?;
    upload_device_keys(&alice).await?;
    let lists = |sync: &Value, name: &str| -> Vec<String> {
        let users = sync["device_lists"][name].as_array();
        users.into_iter().flatten().filter_map(|user| user.as_str().map(str::to_owned)).collect()
    };
    let sync = bob.sync(0).await?;
    ensure!(lists(&sync, "changed") == [alice.user_id.as_str()], "{sync}");
    let sync = stranger.sync(0).await?;
    ensure!(lists(&sync, "changed").is_empty(), "a stranger: {sync}");
    let to = bob.since.clone().context("a token")?;
    let path = format!("/v3/keys/changes?from={}&to={}", encode(&from), encode(&to));
    let changes = bob.get(&path).await?;
    ensure!(changes["changed"] == json!([alice.user_id]), "{changes}");

    let second = MatrixClient::log_in(&server.http(), "alice", PASSWORD, Some("SECOND")).await?;
    upload_device_keys(&second).await?;
    ensure!(lists(&bob.sync(0).await?, "changed") == [alice.user_id.as_str()]);
    second.post("/v3/logout", &json!({})).await?;
    ensure!(lists(&bob.sync(0).await?, "changed") == [alice.user_id.as_str()]);
    let query = json!({ "device_keys": { &alice.user_id: [] } });
    let answer = bob.post("/v3/keys/query", &query).await?;
    ensure!(answer["device_keys"][&alice.user_id].get("SECOND").is_none(), "{answer}");

    alice.post(&format!("/v3/rooms/{}/leave", encode(&room)), &json!({})).await?;
    let sync = bob.sync(0).await?;
    ensure!(lists(&sync, "left") == [alice.user_id.as_str()], "{sync}");
    server.finish().await
}

struct CrossSigning {
    own: Signer,
    master: Signer,
    upload: Value,
}

fn cross_signing(user: &str) -> Result<CrossSigning> {
    let (master, own, others) = (Signer::new()?, Signer::new()?, Signer::new()?);
    let key = |signer: &Signer, usage: &str| {
        json!({ "user_id": user, "usage": [usage],
            "keys": { format!("ed25519:{}", signer.public): signer.public } })
    };
    let master_key = key(&master, "master");
    let mut self_signing = key(&own, "self_signing");
    let mut user_signing = key(&others, "user_signing");
    master.sign(&mut self_signing, user, &master.public)?;
    master.sign(&mut user_signing, user, &master.public)?;
    let upload = json!({ "master_key": master_key, "self_signing_key": self_signing,
        "user_signing_key": user_signing });
    Ok(CrossSigning { own, master, upload })
}

#[tokio::test(flavor = "multi_thread")]
async fn cross_signing_identities_are_kept_shown_and_changed_only_with_the_password() -> Result<()>
{
    let server = Server::start().await?;
    let (alice, bob, _) = two_in_a_room(&server, &json!({})).await?;
    let (device, mut keys) = upload_device_keys(&alice).await?;
    let path = "/_matrix/client/v3/keys/device_signing/upload";
    let identity = cross_signing(&alice.user_id)?;
    // The first identity needs no password.
    alice.call(Method::POST, path, Some(&identity.upload)).await?.ok()?;
    alice.call(Method::POST, path, Some(&identity.upload)).await?.ok()?;

    let mut master = identity.upload["master_key"].clone();
    device.sign(&mut master, &alice.user_id, &alice.device_id)?;
    identity.own.sign(&mut keys, &alice.user_id, &identity.own.public)?;
    let signatures = json!({ &alice.user_id: {
        &identity.master.public: master, &alice.device_id: keys } });
    let answer = alice.post("/v3/keys/signatures/upload", &signatures).await?;
    ensure!(answer["failures"].as_object().is_none_or(serde_json::Map::is_empty), "{answer}");

    let query = json!({ "device_keys": { &alice.user_id: [] } });
    let shown = bob.post("/v3/keys/query", &query).await?;
    let user = alice.user_id.as_str();
    ensure!(shown["master_keys"][user]["keys"] == identity.upload["master_key"]["keys"], "{shown}");
    let signed = &shown["device_keys"][user][&alice.device_id]["signatures"][user];
    ensure!(signed.get(format!("ed25519:{}", identity.own.public)).is_some(), "{shown}");
    ensure!(shown["self_signing_keys"].get(user).is_some(), "{shown}");
    ensure!(shown["user_signing_keys"].get(user).is_none(), "shown to another: {shown}");
    let own = alice.post("/v3/keys/query", &query).await?;
    ensure!(own["user_signing_keys"].get(user).is_some(), "{own}");
    let signed = &own["master_keys"][user]["signatures"][user];
    ensure!(signed.get(format!("ed25519:{}", alice.device_id)).is_some(), "{own}");

    let mut changed = cross_signing(user)?.upload;
    let challenge = alice.call(Method::POST, path, Some(&changed)).await?;
    ensure!(challenge.status.as_u16() == 401, "{challenge}");
    let session = challenge.json()?["session"].clone();
    let auth = |password: &str| {
        json!({ "type": "m.login.password", "session": session, "password": password,
            "identifier": { "type": "m.id.user", "user": "alice" } })
    };
    changed["auth"] = auth("wrong");
    ensure!(alice.call(Method::POST, path, Some(&changed)).await?.status.as_u16() == 401);
    changed["auth"] = auth(PASSWORD);
    alice.call(Method::POST, path, Some(&changed)).await?.ok()?;
    let shown = bob.post("/v3/keys/query", &query).await?;
    ensure!(shown["master_keys"][user]["keys"] == changed["master_key"]["keys"], "{shown}");
    server.finish().await
}

fn backed_up(messages: u32) -> Value {
    json!({ "first_message_index": messages, "forwarded_count": 0, "is_verified": true,
        "session_data": { "ciphertext": "c", "ephemeral": "e", "mac": "m" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn key_backups_have_versions_counts_and_keep_the_better_key() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let none = alice.call(Method::GET, "/_matrix/client/v3/room_keys/version", None).await?;
    none.refused(404, "M_NOT_FOUND")?;
    let info = json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": "abcdefg", "signatures": {} } });
    let first = text(&alice.post("/v3/room_keys/version", &info).await?, "version")?;
    let path = |version: &str| format!("/v3/room_keys/keys/%21r%3Alocalhost/s1?version={version}");
    let before = alice.put(&path(&first), &backed_up(10)).await?;
    ensure!(before["count"] == 1, "{before}");
    // A key that opens more messages replaces one that opens fewer, not the other way around.
    alice.put(&path(&first), &backed_up(5)).await?;
    alice.put(&path(&first), &backed_up(7)).await?;
    let kept = alice.get(&path(&first)).await?;
    ensure!(kept["first_message_index"] == 5, "{kept}");
    let many = json!({ "rooms": { "!r:localhost": { "sessions": {
        "s2": backed_up(0), "s3": backed_up(0) } } } });
    let after = alice.put(&format!("/v3/room_keys/keys?version={first}"), &many).await?;
    ensure!(after["count"] == 3 && after["etag"] != before["etag"], "{before} then {after}");
    let version = alice.get("/v3/room_keys/version").await?;
    ensure!(version["count"] == 3 && version["etag"] == after["etag"], "{version}");
    ensure!(version["algorithm"] == info["algorithm"], "{version}");

    let second = text(&alice.post("/v3/room_keys/version", &info).await?, "version")?;
    ensure!(second != first);
    let stale = format!("/_matrix/client{}", path(&first));
    let refused = alice.call(Method::PUT, &stale, Some(&backed_up(0))).await?;
    let refused = refused.refused(403, "M_WRONG_ROOM_KEYS_VERSION")?;
    ensure!(refused["current_version"] == second.as_str(), "{refused}");
    let old = alice.get(&format!("/v3/room_keys/keys?version={first}")).await?;
    ensure!(old["rooms"]["!r:localhost"]["sessions"].get("s3").is_some(), "{old}");
    alice.delete(&format!("/v3/room_keys/version/{second}")).await?;
    let current = alice.get("/v3/room_keys/version").await?;
    ensure!(current["version"] == first.as_str(), "{current}");
    let left = alice.delete(&format!("/v3/room_keys/keys?version={first}")).await?;
    ensure!(left["count"] == 0, "{left}");
    server.finish().await
}
