use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use ruma::{
    CanonicalJsonObject,
    signatures::{Ed25519KeyPair, KeyPair as _, to_canonical_json_string_for_signing},
};
use serde_json::{Value, json};

use super::{ALICE, Person};
use crate::user::*;

const BOB: &str = "@bob:example.org";

struct Key(Ed25519KeyPair);

impl Key {
    fn new() -> Self {
        let document = Ed25519KeyPair::generate();
        Self(Ed25519KeyPair::from_der(&document, "k".to_owned()).unwrap())
    }

    fn public(&self) -> String {
        STANDARD_NO_PAD.encode(self.0.public_key())
    }

    fn sign(&self, value: &mut Value, user: &str, key_id: &str) {
        let object: CanonicalJsonObject = serde_json::from_value(value.clone()).unwrap();
        let text = to_canonical_json_string_for_signing(&object).unwrap();
        let signature = self.0.sign(text.as_bytes()).base64();
        value["signatures"][user][key_id] = signature.into();
    }

    fn cross_signing(&self, user: &str, usage: &str) -> Value {
        let public = self.public();
        json!({"user_id": user, "usage": [usage], "keys": {format!("ed25519:{public}"): public}})
    }
}

struct Keys {
    master: Key,
    self_signing: Key,
    user_signing: Key,
    upload: CrossSigningUpload,
}

fn keys() -> Keys {
    let (master, self_signing, user_signing) = (Key::new(), Key::new(), Key::new());
    let id = format!("ed25519:{}", master.public());
    let mut own = self_signing.cross_signing(ALICE, "self_signing");
    let mut others = user_signing.cross_signing(ALICE, "user_signing");
    master.sign(&mut own, ALICE, &id);
    master.sign(&mut others, ALICE, &id);
    let upload = CrossSigningUpload {
        master: Some(master.cross_signing(ALICE, "master").to_string()),
        self_signing: Some(own.to_string()),
        user_signing: Some(others.to_string()),
    };
    Keys { master, self_signing, user_signing, upload }
}

struct Masters(BTreeMap<String, String>);

impl KeyHolder for Masters {
    fn master_key(&self, user_id: &str) -> Option<String> {
        self.0.get(user_id).cloned()
    }
}

#[test]
fn the_first_upload_needs_no_authentication_and_a_change_does() {
    let mut person = Person::alice();
    let first = keys();
    let uploaded = upload_cross_signing(&person.fold, &first.upload).unwrap();
    assert!(!uploaded.needs_authentication);
    person.given(uploaded.facts);

    let again = upload_cross_signing(&person.fold, &first.upload).unwrap();
    assert!(!again.needs_authentication && again.facts.is_empty());

    let other = upload_cross_signing(&person.fold, &keys().upload).unwrap();
    assert!(other.needs_authentication && other.facts.len() == 1);
}

#[test]
fn keys_that_the_master_did_not_sign_are_refused() {
    let person = Person::alice();
    let (mut mixed, other) = (keys().upload, keys().upload);
    mixed.self_signing = other.self_signing;
    let refused = upload_cross_signing(&person.fold, &mixed);
    assert_eq!(refused, Err(UserRefusal::InvalidSignature));
    let without_master = CrossSigningUpload { master: None, ..keys().upload };
    let refused = upload_cross_signing(&person.fold, &without_master);
    assert_eq!(refused, Err(UserRefusal::MissingParam("master_key")));
    let swapped =
        CrossSigningUpload { master: other.user_signing, ..CrossSigningUpload::default() };
    let refused = upload_cross_signing(&person.fold, &swapped);
    assert!(matches!(refused, Err(UserRefusal::InvalidParam(_))));
}

fn failures(
    person: &mut Person,
    user_id: &str,
    key_id: &str,
    value: &Value,
    masters: &Masters,
) -> Vec<UserRefusal> {
    let upload = SignatureUpload {
        user_id: user_id.to_owned(),
        key_id: key_id.to_owned(),
        json: value.to_string(),
    };
    let (facts, failures) = upload_signatures(&person.fold, &[upload], masters).unwrap();
    assert_eq!(facts.len() + failures.len(), 1);
    person.given(facts);
    failures.into_iter().map(|one| one.refusal).collect()
}

#[test]
fn signatures_must_hold_and_be_of_the_right_key() {
    let mut person = Person::with_device();
    let own = keys();
    let uploaded = upload_cross_signing(&person.fold, &own.upload).unwrap();
    person.given(uploaded.facts);
    let device_key = Key::new();
    let device = json!({"user_id": ALICE, "device_id": "DEV", "algorithms": [],
        "keys": {"ed25519:DEV": device_key.public()}});
    let upload = KeyUpload { device_keys: Some(device.to_string()), ..KeyUpload::default() };
    let decision = upload_keys(&person.fold, "DEV", &upload);
    person.when(decision);

    let bob = Key::new();
    let bob_master = bob.cross_signing(BOB, "master");
    let masters = Masters([(BOB.to_owned(), bob_master.to_string())].into());
    let id = |key: &Key| format!("ed25519:{}", key.public());

    // The self-signing key signs the device.
    let mut signed = device.clone();
    own.self_signing.sign(&mut signed, ALICE, &id(&own.self_signing));
    assert_eq!(failures(&mut person, ALICE, "DEV", &signed, &masters), []);
    // The device signs the master key.
    let mut signed = own.master.cross_signing(ALICE, "master");
    device_key.sign(&mut signed, ALICE, "ed25519:DEV");
    let public = own.master.public();
    assert_eq!(failures(&mut person, ALICE, &public, &signed, &masters), []);
    // The user-signing key signs Bob's master key.
    let mut signed = bob_master.clone();
    own.user_signing.sign(&mut signed, ALICE, &id(&own.user_signing));
    assert_eq!(failures(&mut person, BOB, &bob.public(), &signed, &masters), []);

    let bad = [UserRefusal::InvalidSignature];
    // The master key does not sign devices.
    let mut signed = device.clone();
    own.master.sign(&mut signed, ALICE, &id(&own.master));
    assert_eq!(failures(&mut person, ALICE, "DEV", &signed, &masters), bad);
    // A signature under the right name by another key.
    let mut signed = device.clone();
    bob.sign(&mut signed, ALICE, &id(&own.self_signing));
    assert_eq!(failures(&mut person, ALICE, "DEV", &signed, &masters), bad);
    // Well signed, but not what is stored.
    let mut signed = device.clone();
    signed["algorithms"] = json!(["x"]);
    own.self_signing.sign(&mut signed, ALICE, &id(&own.self_signing));
    assert_eq!(failures(&mut person, ALICE, "DEV", &signed, &masters), bad);
    // Nobody's key.
    let missing = [UserRefusal::NotFound("key")];
    assert_eq!(failures(&mut person, ALICE, "NONE", &device, &masters), missing);
}
