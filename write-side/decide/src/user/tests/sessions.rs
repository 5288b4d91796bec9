use facts::Timestamp;

use super::{Person, device};
use crate::user::*;

fn log_in_command(device_id: &str, n: u8) -> LogIn {
    LogIn {
        device_id: device_id.to_owned(),
        display_name: Some("Phone".to_owned()),
        access_hash: [n; 32],
        access_expires_at: Some(Timestamp(2_000_000)),
        refresh_hash: Some([n + 100; 32]),
    }
}

fn refresh_command(used: u8, n: u8) -> Refresh {
    Refresh {
        used_refresh_hash: [used; 32],
        access_hash: [n; 32],
        access_expires_at: Some(Timestamp(3_000_000)),
        refresh_hash: [n + 100; 32],
    }
}

fn logged_in() -> Person {
    let mut person = Person::alice();
    let decision = log_in(&person.fold, &log_in_command("DEV", 1));
    person.when(decision);
    person
}

fn is_valid(person: &Person, n: u8) -> bool {
    let found = person.fold.session_of(&[n; 32], person.now);
    matches!(found, SessionMatch::Valid { .. })
}

#[test]
fn a_login_adds_the_device_and_a_second_one_keeps_it() {
    let mut person = logged_in();
    assert!(is_valid(&person, 1));
    let decision = log_in(&person.fold, &log_in_command("DEV", 2));
    assert_eq!(person.when(decision).len(), 1);
    assert!(!is_valid(&person, 1) && is_valid(&person, 2));
    assert_eq!(person.fold.devices.len(), 1);
    let refused = log_in(&person.fold, &log_in_command("", 3));
    assert_eq!(refused, Err(UserRefusal::InvalidDeviceId));
    let unknown = log_in(&Person::unknown().fold, &log_in_command("DEV", 3));
    assert_eq!(unknown, Err(UserRefusal::UnknownUser));
}

#[test]
fn an_access_token_ends_at_its_time() {
    let mut person = logged_in();
    person.now = Timestamp(2_000_000);
    let found = person.fold.session_of(&[1; 32], person.now);
    assert_eq!(found, SessionMatch::Expired);
    let found = person.fold.session_of(&[9; 32], person.now);
    assert_eq!(found, SessionMatch::Unknown);
}

#[test]
fn the_old_pair_stays_until_the_new_token_is_used() {
    let mut person = logged_in();
    let decision = refresh_session(&person.fold, &refresh_command(101, 2));
    person.when(decision);
    assert!(is_valid(&person, 1) && is_valid(&person, 2));

    // The answer was lost: the client refreshes again with the old refresh token.
    let decision = refresh_session(&person.fold, &refresh_command(101, 3));
    person.when(decision);
    assert!(is_valid(&person, 1) && is_valid(&person, 3));
    assert!(!is_valid(&person, 2), "the pair that never arrived is gone");

    // The old access token proves nothing about the new one.
    let seen = mark_seen(&person.fold, "DEV", &[1; 32], None, person.now);
    assert_eq!(seen, Ok(Vec::new()));
    let decision = mark_seen(&person.fold, "DEV", &[3; 32], None, person.now);
    assert_eq!(person.when(decision).len(), 1);
    assert!(!is_valid(&person, 1) && is_valid(&person, 3));
    let refused = refresh_session(&person.fold, &refresh_command(101, 4));
    assert_eq!(refused, Err(UserRefusal::UnknownToken));
    assert!(refresh_session(&person.fold, &refresh_command(103, 4)).is_ok());
}

#[test]
fn a_device_is_noted_hourly() {
    let mut person = logged_in();
    let decision = mark_seen(&person.fold, "DEV", &[1; 32], Some("::1"), person.now);
    assert_eq!(person.when(decision).len(), 1);
    let later = Timestamp(person.now.0 + SEEN_INTERVAL_MS - 1);
    let again = mark_seen(&person.fold, "DEV", &[1; 32], None, later);
    assert_eq!(again, Ok(Vec::new()));
    let later = Timestamp(person.now.0 + SEEN_INTERVAL_MS);
    let again = mark_seen(&person.fold, "DEV", &[1; 32], None, later);
    assert_eq!(again.map(|facts| facts.len()), Ok(1));
}

#[test]
fn logging_out_ends_tokens() {
    let mut person = logged_in();
    person.given([device("OTHER")]);
    let decision = log_out(&person.fold, "DEV");
    person.when(decision);
    assert!(!is_valid(&person, 1));
    assert_eq!(log_out(&person.fold, "DEV"), Err(UserRefusal::UnknownDevice));
    let decision = log_out_all(&person.fold);
    person.when(decision);
    assert!(person.fold.devices.is_empty());
    assert_eq!(log_out_all(&person.fold), Ok(Vec::new()));
}

#[test]
fn devices_are_renamed_and_deleted_by_id() {
    let mut person = logged_in();
    let decision = rename_device(&person.fold, "DEV", Some("Laptop"));
    assert_eq!(person.when(decision).len(), 1);
    assert_eq!(rename_device(&person.fold, "DEV", Some("Laptop")), Ok(Vec::new()));
    let refused = rename_device(&person.fold, "NONE", Some("x"));
    assert_eq!(refused, Err(UserRefusal::UnknownDevice));
    let ids = ["DEV".to_owned(), "NONE".to_owned(), "DEV".to_owned()];
    let decision = delete_devices(&person.fold, &ids);
    assert_eq!(person.when(decision).len(), 1);
    assert_eq!(delete_devices(&person.fold, &ids), Ok(Vec::new()));
}

#[test]
fn a_fact_that_ends_many_devices_fits_a_part() {
    let mut person = Person::alice();
    let long = |n: usize| format!("{n:0>DEVICE_ID_BYTES_MAX$}");
    let added = (0..2_500).map(|n| device(&long(n)));
    for (i, fact) in added.enumerate() {
        let header = super::header(i as u64 + 10, person.now);
        person.fold.evolve(&header, &fact);
    }
    let facts = log_out_all(&person.fold).unwrap();
    assert_eq!(facts.len(), 3);
    for fact in &facts {
        assert!(fact.to_parts()[0].bytes.len() < ::facts::PART_BYTES_MAX);
    }
    for (i, fact) in facts.iter().enumerate() {
        person.fold.evolve(&super::header(i as u64 + 5_000, person.now), fact);
    }
    assert!(person.fold.devices.is_empty());
}
