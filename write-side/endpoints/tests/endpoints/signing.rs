//! Signatures that people put on each other's keys.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use facts::{Fact, StreamId};
use ruma::{
    CanonicalJsonObject, UserId, owned_user_id, signatures::to_canonical_json_string_for_signing,
};
use serde_json::{Value, json};

use crate::{
    remote::Recording,
    world::{Person, World},
};

fn cross_signing_key(user: &UserId, usage: &str, seed: u8) -> (String, Value) {
    let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
    let public = STANDARD_NO_PAD.encode(key.as_bytes());
    let keys = json!({ format!("ed25519:{public}"): public });
    (public, json!({ "user_id": user, "usage": [usage], "keys": keys }))
}

/// A person's master key of a seed: its public part, and its JSON.
pub(crate) fn master_key(user: &UserId, seed: u8) -> (String, Value) {
    cross_signing_key(user, "master", seed)
}

fn sign(value: &mut Value, signer: &UserId, seed: u8) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let public = STANDARD_NO_PAD.encode(key.verifying_key().as_bytes());
    let object: CanonicalJsonObject = serde_json::from_value(value.clone()).unwrap();
    let text = to_canonical_json_string_for_signing(&object).unwrap();
    let signature = STANDARD_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes());
    value["signatures"][signer.as_str()][format!("ed25519:{public}")] = signature.into();
}

/// Gives a person cross-signing keys of three seeds from `seed` on.
async fn with_keys(world: &World, person: &Person, seed: u8) {
    let user = &person.user_id;
    let (_, master) = master_key(user, seed);
    let mut body = json!({ "master_key": master });
    for (field, usage, offset) in
        [("self_signing_key", "self_signing", 1), ("user_signing_key", "user_signing", 2)]
    {
        let (_, mut key) = cross_signing_key(user, usage, seed + offset);
        sign(&mut key, user, seed);
        body[field] = key;
    }
    world.by(person, "POST", "/keys/device_signing/upload", body).await.ok();
}

async fn upload(world: &World, person: &Person, of: &UserId, key: &str, json: &Value) -> Value {
    let body = json!({ of.as_str(): { key: json } });
    world.by(person, "POST", "/keys/signatures/upload", body).await.ok()["failures"].clone()
}

/// The last entry of the log.
async fn last_entry(world: &World) -> (StreamId, Fact) {
    let mut last = None;
    for position in 0.. {
        match world.write_side.read_entry(facts::LogPosition(position)).await.unwrap() {
            Some((header, fact)) => last = Some((header.stream, fact)),
            None => return last.unwrap(),
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_the_master_keys_of_others_near_and_far() {
    let world = World::federating(Arc::new(Recording::default())).await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    with_keys(&world, &alice, 10).await;
    with_keys(&world, &bob, 20).await;
    let own = world.write_side.user_stream(&alice.user_id).unwrap().unwrap();
    let far = owned_user_id!("@far:elsewhere.org");
    for (user, seed) in [(&bob.user_id, 20), (&far, 9)] {
        let (public, mut master) = master_key(user, seed);
        // The user-signing key; others of hers do not count.
        let unsigned = upload(&world, &alice, user, &public, &master).await;
        assert_eq!(unsigned[user.as_str()][&public]["errcode"], "M_INVALID_SIGNATURE");
        let mut by_master = master.clone();
        sign(&mut by_master, &alice.user_id, 10);
        let wrong = upload(&world, &alice, user, &public, &by_master).await;
        assert_eq!(wrong[user.as_str()][&public]["errcode"], "M_INVALID_SIGNATURE");

        sign(&mut master, &alice.user_id, 12);
        assert_eq!(upload(&world, &alice, user, &public, &master).await, Value::Null);
        // It stands in the stream of whoever signed, and carries that person's signatures alone.
        let (stream, fact) = last_entry(&world).await;
        let Fact::SignaturesAdded(added) = fact else { panic!("{fact:?}") };
        assert_eq!((stream, added.user_id.as_str()), (own, user.as_str()));
        let signatures: BTreeMap<String, Value> =
            serde_json::from_slice(&added.signatures).unwrap();
        assert_eq!(signatures.keys().collect::<Vec<_>>(), [alice.user_id.as_str()]);
    }
    let unknown = owned_user_id!("@unknown:elsewhere.org");
    let (public, mut master) = master_key(&unknown, 9);
    sign(&mut master, &alice.user_id, 12);
    let failed = upload(&world, &alice, &unknown, &public, &master).await;
    assert_eq!(failed[unknown.as_str()][&public]["errcode"], "M_NOT_FOUND");
}
