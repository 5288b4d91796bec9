//! Properties of parting and joining PDUs: nothing is lost, and what redaction strips leaves the
//! skeleton.

use facts::pdu::{SALT_KEY, merge, split};
use proptest::prelude::*;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, RoomVersionId,
    canonical_json::{redact, to_canonical_value},
};

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Keys that redaction and the residue know, and others.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "membership",
            "join_authorised_via_users_server",
            "third_party_invite",
            "signed",
            "users",
            "invite",
            "notifications",
            "ban",
            "join_rule",
            "allow",
            "redacts",
            "creator",
            "room_version",
            "algorithm",
            "deny",
            "history_visibility",
            "body",
        ])
        .prop_map(str::to_owned),
        "[a-z.]{1,8}",
    ]
}

prop_compose! {
    fn pdu()(
        event_type in prop::sample::select(vec![
            "m.room.create", "m.room.member", "m.room.power_levels", "m.room.join_rules",
            "m.room.history_visibility", "m.room.redaction", "m.room.server_acl",
            "m.room.encryption", "m.room.third_party_invite", "m.room.aliases", "m.room.message",
            "org.example.custom",
        ]),
        content in prop::collection::btree_map(key(), json_value(), 0..6),
        extra in prop::collection::btree_map(key(), json_value(), 0..3),
        state_key in prop::option::of(".{0,8}"),
    ) -> CanonicalJsonObject {
        let mut pdu: serde_json::Map<String, serde_json::Value> = extra.into_iter().collect();
        pdu.insert("type".to_owned(), event_type.into());
        pdu.insert("sender".to_owned(), "@a:b".into());
        pdu.insert("hashes".to_owned(), serde_json::json!({"sha256": "x"}));
        pdu.insert(SALT_KEY.to_owned(), "AAAA".into());
        pdu.insert("content".to_owned(), serde_json::Value::Object(content.into_iter().collect()));
        if let Some(state_key) = state_key {
            pdu.insert("state_key".to_owned(), state_key.into());
        }
        match to_canonical_value(pdu) {
            Ok(CanonicalJsonValue::Object(object)) => object,
            other => panic!("not an object: {other:?}"),
        }
    }
}

const VERSIONS: [RoomVersionId; 6] = [
    RoomVersionId::V2,
    RoomVersionId::V6,
    RoomVersionId::V8,
    RoomVersionId::V9,
    RoomVersionId::V11,
    RoomVersionId::V12,
];

proptest! {
    #[test]
    fn parts_join_to_the_accepted_bytes(pdu in pdu(), version in prop::sample::select(&VERSIONS[..])) {
        let rules = version.rules().expect("a known version").redaction;
        let parts = split(&pdu, &rules).expect("it can be redacted");
        let accepted = serde_json::to_vec(&pdu).expect("JSON");
        if parts.whole {
            prop_assert_eq!(&parts.rest, &accepted);
        } else {
            let joined = merge(&parts.redacted, parts.residue.as_deref(), &parts.rest);
            prop_assert_eq!(joined, Ok(accepted));
        }
        prop_assert!(!parts.whole, "a PDU that redaction only thins never needs the whole form");
        let redacted = redact(pdu, &rules, None).expect("it can be redacted");
        prop_assert_eq!(parts.redacted, serde_json::to_vec(&redacted).expect("JSON"));
    }

    #[test]
    fn the_salt_and_a_messages_text_are_in_the_content_alone(body in "[a-z]{24}") {
        let pdu = to_canonical_value(serde_json::json!({
            "type": "m.room.message", "sender": "@a:b", "content": {"body": body.clone()},
            SALT_KEY: "c2FsdA",
        }));
        let Ok(CanonicalJsonValue::Object(pdu)) = pdu else { panic!("not an object") };
        let rules = RoomVersionId::V12.rules().expect("known").redaction;
        let parts = split(&pdu, &rules).expect("it can be redacted");
        let skeleton = String::from_utf8(parts.redacted).expect("JSON is UTF-8");
        prop_assert!(!skeleton.contains(&body) && !skeleton.contains("c2FsdA"));
        prop_assert_eq!(parts.residue, None);
        let rest = String::from_utf8(parts.rest).expect("JSON is UTF-8");
        prop_assert!(rest.contains(&body) && rest.contains("c2FsdA"));
    }
}

#[test]
fn the_residue_keeps_what_authorization_and_safety_read() {
    let pdu = |event_type: &str, content: serde_json::Value| {
        let value = serde_json::json!({"type": event_type, "sender": "@a:b", "content": content});
        match to_canonical_value(value) {
            Ok(CanonicalJsonValue::Object(object)) => object,
            other => panic!("not an object: {other:?}"),
        }
    };
    let residue = |version: RoomVersionId, pdu: &CanonicalJsonObject| {
        let rules = version.rules().expect("known").redaction;
        let parts = split(pdu, &rules).expect("it can be redacted");
        parts.residue.map(|bytes| String::from_utf8(bytes).expect("JSON is UTF-8"))
    };
    let member = pdu(
        "m.room.member",
        serde_json::json!({"membership": "join", "displayname": "A",
            "join_authorised_via_users_server": "@c:d",
            "third_party_invite": {"display_name": "x", "signed": {"token": "t"}}}),
    );
    assert_eq!(
        residue(RoomVersionId::V6, &member).as_deref(),
        Some(
            r#"{"content":{"join_authorised_via_users_server":"@c:d","third_party_invite":{"signed":{"token":"t"}}}}"#
        )
    );
    let encryption = pdu("m.room.encryption", serde_json::json!({"algorithm": "x"}));
    assert_eq!(
        residue(RoomVersionId::V12, &encryption).as_deref(),
        Some(r#"{"content":{"algorithm":"x"}}"#)
    );
    let name = pdu("m.room.name", serde_json::json!({"name": "secret"}));
    assert_eq!(residue(RoomVersionId::V12, &name), None);
}
