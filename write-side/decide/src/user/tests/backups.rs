use facts::fact::BackupSession;
use serde_json::json;

use super::Person;
use crate::user::{UserRefusal, backup::*};

const ROOM: &str = "!room:example.org";

fn session(id: &str, verified: bool, first: u64, forwarded: u64) -> BackupSession {
    BackupSession {
        room: ROOM.to_owned(),
        session_id: id.to_owned(),
        data: json!({"is_verified": verified, "first_message_index": first,
            "forwarded_count": forwarded, "session_data": {}})
        .to_string()
        .into_bytes(),
    }
}

fn with_backup() -> Person {
    let mut person = Person::alice();
    let decision = create_backup_version(&person.fold, "alg", "{}");
    person.when(decision);
    person
}

fn store(person: &mut Person, sessions: &[BackupSession]) -> usize {
    let decision = store_backup_keys(&person.fold, 1, sessions);
    person.when(decision).len()
}

fn state(person: &Person) -> (u64, u64) {
    let backup = person.fold.backups.version(1).unwrap();
    (backup.etag, backup.count())
}

#[test]
fn better_sessions_replace_worse_ones_and_nothing_else_does() {
    let better_first = [(true, 9, 9), (false, 3, 9), (false, 5, 1), (false, 5, 2)];
    for (i, better) in better_first.iter().enumerate() {
        for worse in &better_first[i..] {
            let mut person = with_backup();
            store(&mut person, &[session("s", better.0, better.1, better.2)]);
            let stored = store(&mut person, &[session("s", worse.0, worse.1, worse.2)]);
            assert_eq!(stored, 0, "{worse:?} must not replace {better:?}");
            if worse != better {
                let mut person = with_backup();
                store(&mut person, &[session("s", worse.0, worse.1, worse.2)]);
                let stored = store(&mut person, &[session("s", better.0, better.1, better.2)]);
                assert_eq!(stored, 1, "{better:?} must replace {worse:?}");
                assert_eq!(state(&person), (2, 1));
                assert_eq!(person.fold.superseded.iter().count(), 1);
            }
        }
    }
}

#[test]
fn only_the_current_version_takes_keys() {
    let mut person = Person::alice();
    let refused = store_backup_keys(&person.fold, 1, &[]);
    assert_eq!(refused, Err(UserRefusal::NotFound("backup version")));
    for _ in 0..2 {
        let decision = create_backup_version(&person.fold, "alg", "{}");
        person.when(decision);
    }
    let refused = store_backup_keys(&person.fold, 1, &[session("s", true, 0, 0)]);
    assert_eq!(refused, Err(UserRefusal::WrongBackupVersion { current: 2 }));
    let decision = delete_backup_version(&person.fold, 2);
    person.when(decision);
    assert_eq!(store(&mut person, &[session("s", true, 0, 0)]), 1);
    let decision = create_backup_version(&person.fold, "alg", "{}");
    person.when(decision);
    assert_eq!(person.fold.backups.last_version, 3, "a number is never reused");
}

#[test]
fn deletions_reach_a_session_a_room_or_all() {
    let mut person = with_backup();
    let mut elsewhere = session("c", true, 0, 0);
    elsewhere.room = "!other:example.org".to_owned();
    let sessions = [session("a", true, 0, 0), session("b", true, 0, 0), elsewhere];
    store(&mut person, &sessions);
    assert_eq!(state(&person), (1, 3));
    let decision = delete_backup_keys(&person.fold, 1, Some(ROOM), Some("a"));
    person.when(decision);
    assert_eq!(state(&person), (2, 2));
    let again = delete_backup_keys(&person.fold, 1, Some(ROOM), Some("a"));
    assert_eq!(again, Ok(Vec::new()));
    let decision = delete_backup_keys(&person.fold, 1, Some(ROOM), None);
    person.when(decision);
    assert_eq!(state(&person), (3, 1));
    assert_eq!(person.fold.superseded.iter().count(), 0, "the entry holds one still");
    let decision = delete_backup_keys(&person.fold, 1, None, None);
    person.when(decision);
    assert_eq!(state(&person), (4, 0));
    assert_eq!(person.fold.superseded.iter().count(), 1);
}

#[test]
fn large_requests_are_split_and_too_large_ones_refused() {
    let mut person = with_backup();
    let large = |id: &str, bytes: usize| {
        let mut one = session(id, true, 0, 0);
        let padding = " ".repeat(bytes);
        one.data.extend_from_slice(padding.as_bytes());
        one
    };
    let sessions: Vec<_> = (0..12).map(|n| large(&n.to_string(), 60_000)).collect();
    assert_eq!(store(&mut person, &sessions), 3);
    assert_eq!(state(&person).1, 12);
    let sessions: Vec<_> = (0..20).map(|n| large(&n.to_string(), 60_000)).collect();
    let refused = store_backup_keys(&person.fold, 1, &sessions);
    assert_eq!(refused, Err(UserRefusal::TooLarge("the backup request")));
}

#[test]
fn the_algorithm_of_a_version_stays() {
    let mut person = with_backup();
    let refused = update_backup_version(&person.fold, 1, "other", "{}");
    assert_eq!(refused, Err(UserRefusal::InvalidParam("the algorithm")));
    let refused = update_backup_version(&person.fold, 1, "alg", "[]");
    assert_eq!(refused, Err(UserRefusal::BadJson("auth_data")));
    let decision = update_backup_version(&person.fold, 1, "alg", r#"{"a":1}"#);
    person.when(decision);
    assert_eq!(person.fold.superseded.iter().count(), 1);
}
