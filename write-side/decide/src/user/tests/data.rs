use std::collections::BTreeMap;

use facts::{
    Fact, LogPosition, Timestamp,
    fact::{MediaStored, ReceiptKind, ThreadScope},
};
use ruma::{
    push::{Action, NewPushRule, NewSimplePushRule, RuleKind},
    room_id, server_name, user_id,
};
use serde_json::{Value, json};

use super::{ALICE, Person};
use crate::{
    media::{RESERVATION_MS, RESERVATIONS_MAX, reserve_media, store_media},
    user::{
        push_rules::{PushRuleEdit, edit_push_rules, load_push_rules},
        send_to_device::{TO_DEVICE_MESSAGES_MAX, ToDeviceMessages, fan_out},
        *,
    },
};

const ROOM: &str = "!room:example.org";

/// The content that the last account-data fact set.
fn content(facts: &[Fact]) -> String {
    match facts {
        [Fact::AccountDataSet(data)] => String::from_utf8(data.content.clone().unwrap()).unwrap(),
        other => panic!("{other:?} is not one piece of account data"),
    }
}

#[test]
fn account_data_is_set_replaced_and_removed() {
    let mut person = Person::alice();
    let key = AccountDataKey::room(ROOM, "org.example");
    for _ in 0..2 {
        let decision = set_account_data(&person.fold, &key, Some("{}"));
        person.when(decision);
    }
    assert_eq!(person.fold.superseded.iter().count(), 1);
    let decision = set_account_data(&person.fold, &key, None);
    person.when(decision);
    assert!(person.fold.account_data.is_empty());
    assert_eq!(set_account_data(&person.fold, &key, None), Ok(Vec::new()));
}

#[test]
fn account_data_with_an_endpoint_of_its_own_is_refused() {
    let person = Person::alice();
    let refuse = |key: AccountDataKey, content: &str| {
        set_account_data(&person.fold, &key, Some(content)).unwrap_err()
    };
    let elsewhere = UserRefusal::ServerControlledType;
    assert_eq!(refuse(AccountDataKey::room(ROOM, FULLY_READ), "{}"), elsewhere);
    assert_eq!(refuse(AccountDataKey::global(PUSH_RULES), "{}"), elsewhere);
    let not_an_object = refuse(AccountDataKey::global("a"), "[]");
    assert_eq!(not_an_object, UserRefusal::BadJson("the content"));
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(ACCOUNT_DATA_BYTES_MAX));
    let too_large = refuse(AccountDataKey::global("a"), &large);
    assert_eq!(too_large, UserRefusal::TooLarge("the content"));
}

#[test]
fn tags_are_edits_of_one_piece_of_account_data() {
    let mut person = Person::alice();
    let info = |order: f64| json!({ "order": order }).as_object().unwrap().clone();
    let decision = set_tag(&person.fold, ROOM, None, "m.favourite", Some(&info(0.5)));
    let first = content(&person.when(decision));
    let decision = set_tag(&person.fold, ROOM, Some(&first), "u.work", Some(&info(1.0)));
    let both = content(&person.when(decision));
    let parsed: Value = serde_json::from_str(&both).unwrap();
    assert_eq!(parsed["tags"]["m.favourite"]["order"], json!(0.5));
    let same = set_tag(&person.fold, ROOM, Some(&both), "u.work", Some(&info(1.0)));
    assert_eq!(same, Ok(Vec::new()));
    let decision = set_tag(&person.fold, ROOM, Some(&both), "m.favourite", None);
    let left: Value = serde_json::from_str(&content(&person.when(decision))).unwrap();
    assert_eq!(left["tags"].as_object().unwrap().len(), 1);
}

#[test]
fn push_rules_are_edited_over_the_defaults() {
    let alice = user_id!("@alice:example.org");
    let mut person = Person::alice();
    let room = room_id!("!room:example.org").to_owned();
    let put = PushRuleEdit::Put {
        rule: NewPushRule::Room(NewSimplePushRule::new(room, vec![Action::Notify])),
        after: None,
        before: None,
    };
    let decision = edit_push_rules(&person.fold, alice, None, put);
    let stored = content(&person.when(decision));
    let rules = load_push_rules(alice, Some(&stored));
    assert!(rules.get(RuleKind::Room, ROOM).is_some());
    assert!(rules.get(RuleKind::Override, ".m.rule.master").is_some());

    let edit = |edit| edit_push_rules(&person.fold, alice, Some(&stored), edit);
    let master = ".m.rule.master".to_owned();
    let enabled = edit(PushRuleEdit::SetEnabled(RuleKind::Override, master.clone(), true));
    let rules = load_push_rules(alice, Some(&content(&enabled.unwrap())));
    assert!(rules.get(RuleKind::Override, &master).unwrap().enabled());
    let kept = edit(PushRuleEdit::Delete(RuleKind::Override, master));
    assert!(matches!(kept, Err(UserRefusal::InvalidParam(_))));
    let unknown = UserRefusal::NotFound("push rule");
    let gone = edit(PushRuleEdit::Delete(RuleKind::Sender, "@x:y".to_owned()));
    assert_eq!(gone, Err(unknown.clone()));
    let gone = edit(PushRuleEdit::SetActions(RuleKind::Room, "!x".to_owned(), Vec::new()));
    assert_eq!(gone, Err(unknown));
    assert!(edit(PushRuleEdit::Delete(RuleKind::Room, ROOM.to_owned())).is_ok());
}

#[test]
fn the_same_filter_has_the_same_id() {
    let mut person = Person::alice();
    let stored = store_filter(&person.fold, r#"{"room":{},"a":1}"#).unwrap();
    person.given(stored.facts);
    let again = store_filter(&person.fold, r#"{ "a": 1, "room": {} }"#).unwrap();
    assert_eq!(again.filter_id, stored.filter_id);
    assert_eq!(again.facts, []);
    let other = store_filter(&person.fold, "{}").unwrap();
    assert_ne!(other.filter_id, stored.filter_id);
    let refused = store_filter(&person.fold, "[]");
    assert_eq!(refused, Err(UserRefusal::BadJson("the filter")));
}

#[test]
fn receipts_and_markers_only_move_forward() {
    let mut person = Person::alice();
    let receipt = |event: &str, position: Option<u64>, current: Option<u64>| SetReceipt {
        room: ROOM.to_owned(),
        event_id: event.to_owned(),
        kind: ReceiptKind::Read,
        thread: ThreadScope::Unthreaded,
        at: Timestamp(1),
        position: position.map(LogPosition),
        current_position: current.map(LogPosition),
    };
    let decision = set_receipt(&person.fold, &receipt("$b", Some(20), None));
    assert_eq!(person.when(decision).len(), 1);
    for command in [
        receipt("$a", Some(10), Some(20)),
        receipt("$b", Some(20), Some(20)),
        receipt("$unknown", None, Some(20)),
    ] {
        assert_eq!(set_receipt(&person.fold, &command), Ok(Vec::new()));
    }
    let private = SetReceipt { kind: ReceiptKind::ReadPrivate, ..receipt("$a", Some(10), None) };
    let decision = set_receipt(&person.fold, &private);
    assert_eq!(person.when(decision).len(), 1);

    let marker = |event: &str, position, current: Option<u64>| SetFullyRead {
        room: ROOM.to_owned(),
        event_id: event.to_owned(),
        position: Some(LogPosition(position)),
        current_position: current.map(LogPosition),
    };
    let decision = set_fully_read(&person.fold, &marker("$b", 20, None));
    person.when(decision);
    assert_eq!(person.fold.fully_read[ROOM], "$b");
    let back = set_fully_read(&person.fold, &marker("$a", 10, Some(20)));
    assert_eq!(back, Ok(Vec::new()));
}

#[test]
fn messages_to_devices_are_fanned_out() {
    let content = |n: u8| json!({ "n": n }).to_string();
    let to = |devices: &[(&str, u8)]| -> BTreeMap<String, String> {
        let pairs = devices.iter().map(|(id, n)| ((*id).to_owned(), content(*n)));
        pairs.collect()
    };
    let messages: ToDeviceMessages = [
        (ALICE.to_owned(), to(&[("*", 1), ("B", 2), ("GONE", 3)])),
        ("@r:remote.org".to_owned(), to(&[("*", 4), ("X", 5)])),
    ]
    .into();
    let devices = |user: &str| match user {
        ALICE => vec!["A".to_owned(), "B".to_owned()],
        _ => Vec::new(),
    };
    let server = server_name!("example.org");
    let out = fan_out(server, ALICE, "m.test", &messages, &devices).unwrap();
    let out: Vec<_> = out
        .iter()
        .map(|one| {
            let text = String::from_utf8(one.message.content.clone()).unwrap();
            (one.device_id.as_str(), text)
        })
        .collect();
    let expected = [("A", 1), ("B", 2), ("*", 4), ("X", 5)];
    assert_eq!(out, expected.map(|(id, n)| (id, content(n))));

    let many = |_: &str| (0..=TO_DEVICE_MESSAGES_MAX).map(|n| n.to_string()).collect();
    let all: ToDeviceMessages = [(ALICE.to_owned(), to(&[("*", 1)]))].into();
    let refused = fan_out(server, ALICE, "m.test", &all, &many);
    assert_eq!(refused, Err(UserRefusal::TooLarge("the request")));
}

#[test]
fn a_reserved_media_id_is_filled_once_and_in_time() {
    let mut person = Person::alice();
    let media = |id: &str| MediaStored {
        media_id: id.to_owned(),
        blob: "b".to_owned(),
        blob_key: [0; 32],
        bytes: 1,
        sha256: [0; 32],
        content_type: None,
        file_name: None,
    };
    let reserved = reserve_media(&person.fold, "m1", person.now).unwrap();
    person.given([reserved.into()]);
    let fact = store_media(&person.fold, media("m1"), true, person.now).unwrap();
    person.given([fact]);
    let again = store_media(&person.fold, media("m1"), true, person.now);
    assert_eq!(again, Err(UserRefusal::MediaExists));
    let reserved = reserve_media(&person.fold, "m2", person.now).unwrap();
    person.given([reserved.into()]);
    let late = Timestamp(person.now.0 + RESERVATION_MS);
    let refused = store_media(&person.fold, media("m2"), true, late);
    assert_eq!(refused, Err(UserRefusal::NotFound("media reservation")));
    assert!(store_media(&person.fold, media("other"), false, person.now).is_ok());
    for n in 1..RESERVATIONS_MAX {
        let reserved = reserve_media(&person.fold, &format!("n{n}"), person.now).unwrap();
        person.given([reserved.into()]);
    }
    let refused = reserve_media(&person.fold, "more", person.now);
    assert_eq!(refused, Err(UserRefusal::LimitReached("media reservations")));
}
