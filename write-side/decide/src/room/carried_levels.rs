//! Power levels of a room that replaces another.
//!
//! Owns how the old room's power levels become those of its successor where the two versions
//! differ in who is set apart (room version 12: creators stand above all levels and have no entry)
//! and in how levels are written (room version 10: integers only). The successor's creator may
//! need more power to set everything up than the old room gave; then the creation begins with
//! other levels than it ends with. Invariants: I2, I8.

use std::cmp::max;

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, Int, OwnedUserId, UserId,
    room_version_rules::AuthorizationRules,
};

/// The least level of whoever had a creator's power, where the version knows no such power.
const CREATOR_LEVEL: i64 = 100;
/// What state events, bans and kicks need where the levels do not say.
const STATE_DEFAULT: i64 = 50;

/// Who is who in a replacement.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'a> {
    /// Creators of the old room if its version sets them apart; else nobody.
    pub old_creators: &'a [OwnedUserId],
    /// The creator of the successor.
    pub creator: &'a UserId,
    /// Further creators of the successor, where its version knows them.
    pub additional_creators: &'a [OwnedUserId],
    /// The rules of the successor's version.
    pub rules: &'a AuthorizationRules,
}

/// The levels of a successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedLevels {
    /// At first.
    pub initial: CanonicalJsonObject,
    /// When it is set up, if that differs.
    pub closing: Option<CanonicalJsonObject>,
}

/// The successor's power levels after those of the old room.
pub fn carried_levels(old: CanonicalJsonObject, replacement: Replacement<'_>) -> CarriedLevels {
    let rules = replacement.rules;
    let mut levels = old;
    if rules.integer_power_levels {
        levels = integers(levels);
    }
    // Whoever creates a room fills in what is left out; the old room had nothing there.
    for key in ["users", "events"] {
        let is_object = matches!(levels.get(key), Some(CanonicalJsonValue::Object(_)));
        if !is_object {
            levels.insert(key.to_owned(), CanonicalJsonValue::Object(CanonicalJsonObject::new()));
        }
    }
    if rules.explicitly_privilege_room_creators {
        edit_users(&mut levels, |users| {
            users.remove(replacement.creator.as_str());
            for creator in replacement.additional_creators {
                users.remove(creator.as_str());
            }
        });
        return CarriedLevels { initial: levels, closing: None };
    }
    // Above every level that something needs, as in the old room.
    let creators_level = max(CREATOR_LEVEL, highest_needed(&levels));
    for creator in replacement.old_creators {
        raise(&mut levels, creator, creators_level);
    }
    let needed = highest_needed(&levels);
    if user_level(&levels, replacement.creator) >= needed {
        return CarriedLevels { initial: levels, closing: None };
    }
    let mut initial = levels.clone();
    raise(&mut initial, replacement.creator, needed);
    CarriedLevels { initial, closing: Some(levels) }
}

/// A level, also where it is written as text (room versions before 10).
pub fn level_of(value: Option<&CanonicalJsonValue>) -> Option<i64> {
    match value? {
        CanonicalJsonValue::Integer(level) => Some(i64::from(*level)),
        CanonicalJsonValue::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The highest level that sending or doing anything needs.
fn highest_needed(levels: &CanonicalJsonObject) -> i64 {
    let named = ["state_default", "events_default", "ban", "kick", "redact", "invite"];
    let named = named.into_iter().filter_map(|key| level_of(levels.get(key)));
    let events = levels.get("events").and_then(CanonicalJsonValue::as_object);
    let events = events.into_iter().flat_map(|events| events.values());
    let events = events.filter_map(|level| level_of(Some(level)));
    named.chain(events).fold(STATE_DEFAULT, max)
}

fn user_level(levels: &CanonicalJsonObject, user: &UserId) -> i64 {
    let users = levels.get("users").and_then(CanonicalJsonValue::as_object);
    let own = level_of(users.and_then(|users| users.get(user.as_str())));
    own.or_else(|| level_of(levels.get("users_default"))).unwrap_or(0)
}

/// Gives `user` at least this level.
fn raise(levels: &mut CanonicalJsonObject, user: &UserId, level: i64) {
    let level = max(level, user_level(levels, user));
    let level = CanonicalJsonValue::Integer(Int::new_saturating(level));
    edit_users(levels, |users| {
        users.insert(user.to_string(), level);
    });
}

fn edit_users(levels: &mut CanonicalJsonObject, edit: impl FnOnce(&mut CanonicalJsonObject)) {
    let mut users = match levels.remove("users") {
        Some(CanonicalJsonValue::Object(users)) => users,
        _ => CanonicalJsonObject::new(),
    };
    edit(&mut users);
    levels.insert("users".to_owned(), CanonicalJsonValue::Object(users));
}

/// The same levels with numbers for texts; what is no level is left out.
fn integers(levels: CanonicalJsonObject) -> CanonicalJsonObject {
    let integer = |value: &CanonicalJsonValue| {
        Some(CanonicalJsonValue::Integer(Int::new(level_of(Some(value))?)?))
    };
    levels
        .into_iter()
        .filter_map(|(key, value)| {
            let value = match value {
                CanonicalJsonValue::Object(map) => CanonicalJsonValue::Object(
                    map.into_iter()
                        .filter_map(|(key, value)| Some((key, integer(&value)?)))
                        .collect(),
                ),
                value => integer(&value)?,
            };
            Some((key, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ruma::{RoomVersionId, owned_user_id, user_id};
    use serde_json::{Value, json};

    use super::*;

    const ALICE: &str = "@alice:example.org";
    const BOB: &str = "@bob:example.org";

    fn carried(
        old: &Value,
        version: &RoomVersionId,
        old_creators: &[OwnedUserId],
    ) -> (Value, Value) {
        let rules = version.rules().unwrap().authorization;
        let additional = [owned_user_id!("@carol:example.org")];
        let old: CanonicalJsonObject = serde_json::from_value(old.clone()).unwrap();
        let replacement = Replacement {
            old_creators,
            creator: user_id!("@alice:example.org"),
            additional_creators: &additional,
            rules: &rules,
        };
        let carried = carried_levels(old, replacement);
        let value = |levels: &CanonicalJsonObject| serde_json::to_value(levels).unwrap();
        let closing = carried.closing.as_ref().map_or(Value::Null, value);
        (value(&carried.initial), closing)
    }

    #[test]
    fn creators_have_no_entry_where_they_stand_above_all() {
        let old = json!({
            "users": { ALICE: 100, BOB: 50, "@carol:example.org": 100 },
            "events": { "m.room.name": 50 },
        });
        let (initial, closing) = carried(&old, &RoomVersionId::V12, &[]);
        assert_eq!(initial["users"], json!({ BOB: 50 }));
        assert_eq!(initial["events"], old["events"]);
        assert_eq!(closing, Value::Null);
    }

    #[test]
    fn creators_of_old_get_a_level_where_none_stands_above_all() {
        let creators = [owned_user_id!("@alice:example.org"), owned_user_id!("@dan:example.org")];
        let old = json!({ "users": { BOB: 50 }, "events": { "m.room.name": 50 } });
        let (initial, closing) = carried(&old, &RoomVersionId::V11, &creators);
        let users = json!({ ALICE: 100, BOB: 50, "@dan:example.org": 100 });
        assert_eq!(initial["users"], users);
        assert_eq!(closing, Value::Null);
        // What only creators could do, they still can.
        let old = json!({ "events": { "m.room.tombstone": 150 } });
        let (initial, _) = carried(&old, &RoomVersionId::V11, &creators);
        assert_eq!(initial["users"][ALICE], 150);
    }

    #[test]
    fn an_upgrader_with_little_power_has_more_only_while_creating() {
        let old = json!({
            "users": { ALICE: 50, BOB: 100 },
            "events": { "m.room.tombstone": 50, "m.room.history_visibility": 100 },
        });
        let (initial, closing) = carried(&old, &RoomVersionId::V10, &[]);
        assert_eq!(initial["users"], json!({ ALICE: 100, BOB: 100 }));
        assert_eq!(closing, old);
    }

    #[test]
    fn levels_written_as_text_become_numbers_where_they_must() {
        let old = json!({
            "users": { ALICE: "100", BOB: [] },
            "events": {},
            "ban": " 60 ",
            "kick": "many",
        });
        let (initial, _) = carried(&old, &RoomVersionId::V10, &[]);
        let expected = json!({ "users": { ALICE: 100 }, "events": {}, "ban": 60 });
        assert_eq!(initial, expected);
        let (initial, closing) = carried(&old, &RoomVersionId::V9, &[]);
        assert_eq!((initial, closing), (old, Value::Null));
    }

    #[test]
    fn a_room_without_levels_gets_none_of_a_new_rooms_defaults() {
        let (initial, closing) = carried(&json!({}), &RoomVersionId::V9, &[]);
        assert_eq!(initial, json!({ "users": { ALICE: 50 }, "events": {} }));
        assert_eq!(closing, json!({ "users": {}, "events": {} }));
    }
}
