use facts::{
    Fact,
    fact::{AccountDeactivated, AccountKind, DevicesRemoved, PasswordSet},
};
use ruma::{UserId, user_id};
use serde_json::json;

use super::{Person, device};
use crate::user::*;

fn command() -> Register {
    Register {
        kind: AccountKind::User,
        admin: false,
        password_hash: Some("hash".to_owned()),
        display_name: Some("Alice \"A\"".to_owned()),
        log_in: None,
        reserved: false,
    }
}

#[test]
fn a_name_is_registered_once() {
    let alice = user_id!("@alice:example.org");
    let mut person = Person::unknown();
    let decision = register(&person.fold, alice, &command());
    person.when(decision);
    assert_eq!(person.fold.profile["displayname"].json, r#""Alice \"A\"""#);
    let again = register(&person.fold, alice, &command());
    assert_eq!(again, Err(UserRefusal::UserInUse));
    let decision = deactivate(&person.fold, false);
    person.when(decision);
    let again = register(&person.fold, alice, &command());
    assert_eq!(again, Err(UserRefusal::UserInUse));
}

#[test]
fn new_names_follow_the_strict_grammar() {
    for bad in ["@Alice:example.org", "@al ice:example.org", "@:example.org"] {
        let Ok(user) = <&UserId>::try_from(bad) else {
            continue;
        };
        let refused = check_username(user, false);
        assert_eq!(refused, Err(UserRefusal::InvalidUsername), "{bad}");
    }
    let user = user_id!("@a-b_c.d=e/f+1:example.org");
    assert_eq!(check_username(user, false), Ok(()));
    assert_eq!(check_username(user, true), Err(UserRefusal::Exclusive));
}

#[test]
fn a_new_password_supersedes_and_may_end_other_devices() {
    let mut person = Person::alice();
    person.given([device("A"), device("B"), device("C")]);
    let decision = set_password(&person.fold, "one", false, None);
    person.when(decision);
    let decision = set_password(&person.fold, "two", true, Some("B"));
    let facts = person.when(decision);
    let removed = DevicesRemoved { device_ids: vec!["A".to_owned(), "C".to_owned()] };
    let hash = "two".to_owned();
    assert_eq!(facts, [Fact::from(PasswordSet { hash }), removed.into()]);
    let replaced = person.fold.superseded.iter().count();
    assert_eq!(replaced, 3, "a password, and the names of two devices");
}

#[test]
fn a_deactivated_account_does_nothing_more() {
    let mut person = Person::with_device();
    let decision = set_profile_field(&person.fold, "displayname", Some(&json!("A")));
    person.when(decision);
    let decision = deactivate(&person.fold, true);
    let facts = person.when(decision);
    assert_eq!(facts[0], AccountDeactivated { erase: true }.into());
    assert!(person.fold.devices.is_empty() && person.fold.profile.is_empty());
    let fold = &person.fold;
    assert_eq!(deactivate(fold, false), Err(UserRefusal::Deactivated));
    assert_eq!(set_admin(fold, true), Err(UserRefusal::Deactivated));
    assert_eq!(set_password(fold, "x", false, None), Err(UserRefusal::Deactivated));
}

#[test]
fn administration_changes_once() {
    let mut person = Person::alice();
    let decision = set_admin(&person.fold, true);
    assert_eq!(person.when(decision).len(), 1);
    assert_eq!(set_admin(&person.fold, true), Ok(Vec::new()));
}

#[test]
fn profile_fields_have_bounds() {
    let mut person = Person::alice();
    let set =
        |person: &Person, field: &str, value| set_profile_field(&person.fold, field, Some(&value));
    let decision = set(&person, "org.example.blob", json!("x".repeat(60 * 1024)));
    person.when(decision);
    assert_eq!(
        set(&person, "org.example.more", json!("x".repeat(5 * 1024))),
        Err(UserRefusal::ProfileTooLarge)
    );
    // Replacing counts the new value alone.
    assert!(set(&person, "org.example.blob", json!("y".repeat(62 * 1024))).is_ok());
    assert_eq!(
        set(&person, &"x".repeat(256), json!(1)),
        Err(UserRefusal::ProfileFieldNameTooLarge)
    );
    for (field, value) in [
        ("displayname", json!(7)),
        ("displayname", json!("x".repeat(257))),
        ("avatar_url", json!({})),
        ("Upper", json!("x")),
        ("", json!("x")),
    ] {
        let refused = set(&person, field, value);
        assert!(matches!(refused, Err(UserRefusal::InvalidParam(_))), "{field}");
    }
    let decision = set(&person, "org.example.blob", json!(null));
    person.when(decision);
    assert!(person.fold.profile.is_empty());
    assert_eq!(set(&person, "org.example.blob", json!(null)), Ok(Vec::new()));
}
