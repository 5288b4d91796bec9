use serde_json::json;

use super::{ALICE, Person, device};
use crate::user::*;

const CURVE: &str = "signed_curve25519";

fn one_time(ids: &[(&str, &str)]) -> KeyUpload {
    KeyUpload {
        one_time_keys: ids
            .iter()
            .map(|(id, key)| (format!("{CURVE}:{id}"), json!({ "key": key }).to_string()))
            .collect(),
        ..KeyUpload::default()
    }
}

fn fallback(id: &str) -> KeyUpload {
    KeyUpload {
        fallback_keys: vec![(format!("{CURVE}:{id}"), json!({ "key": id }).to_string())],
        ..KeyUpload::default()
    }
}

fn upload(person: &mut Person, upload: &KeyUpload) -> usize {
    let decision = upload_keys(&person.fold, "DEV", upload);
    person.when(decision).len()
}

fn claim(person: &mut Person) -> Option<String> {
    let claimed = claim_key(&person.fold, "DEV", CURVE)?;
    person.given(claimed.fact);
    Some(claimed.key_id)
}

#[test]
fn keys_are_handed_out_once_in_the_order_of_upload() {
    let mut person = Person::with_device();
    upload(&mut person, &one_time(&[("Z", "1"), ("A", "2")]));
    upload(&mut person, &one_time(&[("M", "3")]));
    let counts = person.fold.devices["DEV"].one_time_key_counts();
    assert_eq!(counts[CURVE], 3);
    for id in ["Z", "A", "M"] {
        assert_eq!(claim(&mut person), Some(format!("{CURVE}:{id}")));
    }
    assert_eq!(claim(&mut person), None);
    // Both entries are empty now.
    assert_eq!(person.fold.superseded.iter().count(), 2);
}

#[test]
fn a_claimed_key_does_not_come_back_with_a_repeated_upload() {
    let mut person = Person::with_device();
    let keys = one_time(&[("A", "1"), ("B", "2")]);
    upload(&mut person, &keys);
    claim(&mut person);
    assert_eq!(upload(&mut person, &keys), 0);
    assert_eq!(claim(&mut person), Some(format!("{CURVE}:B")));
    assert_eq!(claim(&mut person), None);
}

#[test]
fn the_same_id_with_another_key_is_refused() {
    let mut person = Person::with_device();
    upload(&mut person, &one_time(&[("A", "1")]));
    assert_eq!(upload(&mut person, &one_time(&[("A", "1")])), 0);
    let refused = upload_keys(&person.fold, "DEV", &one_time(&[("A", "2")]));
    let id = format!("{CURVE}:A");
    assert_eq!(refused, Err(UserRefusal::OneTimeKeyExists(id)));
    let refused = upload_keys(&person.fold, "NONE", &one_time(&[("A", "2")]));
    assert_eq!(refused, Err(UserRefusal::UnknownDevice));
}

#[test]
fn the_fallback_key_serves_again_and_again() {
    let mut person = Person::with_device();
    upload(&mut person, &fallback("F"));
    upload(&mut person, &one_time(&[("A", "1")]));
    let used = |person: &Person| {
        let keys = &person.fold.devices["DEV"].one_time_keys[CURVE];
        keys.fallback.as_ref().map(|key| key.used)
    };
    claim(&mut person);
    assert_eq!(used(&person), Some(false));
    for _ in 0..2 {
        assert_eq!(claim(&mut person), Some(format!("{CURVE}:F")));
        assert_eq!(used(&person), Some(true));
    }
    assert_eq!(upload(&mut person, &fallback("F")), 0);
    assert_eq!(upload(&mut person, &fallback("G")), 1);
    assert_eq!(used(&person), Some(false));
}

#[test]
fn device_keys_must_be_of_the_device() {
    let mut person = Person::with_device();
    let keys = |user: &str, device: &str| KeyUpload {
        device_keys: Some(
            json!({"user_id": user, "device_id": device, "algorithms": [], "keys": {}}).to_string(),
        ),
        ..KeyUpload::default()
    };
    assert_eq!(upload(&mut person, &keys(ALICE, "DEV")), 1);
    assert_eq!(upload(&mut person, &keys(ALICE, "DEV")), 0);
    for wrong in [keys(ALICE, "OTHER"), keys("@bob:example.org", "DEV")] {
        let refused = upload_keys(&person.fold, "DEV", &wrong);
        assert!(matches!(refused, Err(UserRefusal::InvalidParam(_))));
    }
    let decision = log_out(&person.fold, "DEV");
    person.when(decision);
    person.given([device("DEV")]);
    assert_eq!(person.fold.devices["DEV"].keys, None);
}

#[test]
fn waiting_keys_are_bounded() {
    let mut person = Person::with_device();
    let ids: Vec<String> = (0..=ONE_TIME_KEYS_MAX).map(|n| n.to_string()).collect();
    let ids: Vec<_> = ids.iter().map(|id| (id.as_str(), "k")).collect();
    let refused = upload_keys(&person.fold, "DEV", &one_time(&ids));
    assert!(matches!(refused, Err(UserRefusal::LimitReached(_))));
    assert_eq!(upload(&mut person, &one_time(&ids[..ONE_TIME_KEYS_MAX])), 1);
}
