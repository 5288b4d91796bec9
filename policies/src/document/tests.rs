//! Documents, right and wrong.

use facts::fact::{Period, RecordKind, RedactionRule, RoomRetentionRule};

use super::read_document;

const WHOLE: &str = r#"
[redaction]
keep = "30d"
locked = true

[room_retention]
shortest = "1d"

[policy.broker]
records = ["messages", "to-device"]
users = ["@ann:example.org"]
keep_at_least = "6y"
keep_at_most = "7y"
locked = true
reason = "17a-4"

[policy.lobby]
records = ["messages"]
rooms = ["!hall:example.org"]
keep_at_most = "12h"
"#;

fn problems(text: &str) -> Vec<String> {
    let problems = read_document(text).expect_err("a wrong document");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_document_is_read_whole() {
    let document = read_document(WHOLE).unwrap();
    let broker = &document.policies["broker"];
    assert_eq!(broker.records, [RecordKind::Messages, RecordKind::ToDevice].into());
    assert_eq!(broker.users, ["@ann:example.org".to_owned()].into());
    assert_eq!(broker.keep_at_least, Some("6y".parse().unwrap()));
    assert_eq!(broker.keep_at_most, Some("7y".parse().unwrap()));
    assert!(broker.locked && broker.rooms.is_empty() && broker.reason == "17a-4");
    let lobby = &document.policies["lobby"];
    assert_eq!((lobby.keep_at_least, lobby.locked), (None, false));
    assert_eq!(document.redaction, Some(RedactionRule { keep: Period::days(30), locked: true }));
    assert_eq!(document.room_retention, Some(RoomRetentionRule { shortest: Period::days(1) }));
    assert_eq!(read_document(""), Ok(facts::fact::PolicyDocument::default()));
}

#[test]
fn unknown_names_are_told_with_the_nearest_and_their_place() {
    assert_eq!(
        problems("[redactions]\nkeep = \"1d\"\n"),
        ["1:2: redactions: unknown section; did you mean `redaction`?"]
    );
    let wrong = "[policy.a]\nrecords = [\"message\"]\n  keep_at_lest = \"1d\"\nxyzzy = 1\n";
    let told = problems(wrong);
    assert_eq!(
        told[0].split(" (known").next(),
        Some(
            "2:12: policy.a.records: unknown kind of records \"message\"; did you mean `messages`?"
        )
    );
    assert_eq!(told[1], "3:3: policy.a.keep_at_lest: unknown key; did you mean `keep_at_least`?");
    assert_eq!(told[2], "4:1: policy.a.xyzzy: unknown key");
    assert_eq!(told.len(), 3);
}

#[test]
fn wrong_types_and_periods_are_told_where_they_are() {
    let wrong = "[policy.a]\nrecords = \"messages\"\nlocked = \"yes\"\nkeep_at_least = 90\n\
                 keep_at_most = \"6m\"\nusers = [\"@ann:example.org\", 7]\nrooms = []\n";
    assert_eq!(
        problems(wrong),
        [
            "2:11: policy.a.records: must be a list of strings, and is of the type string",
            "3:10: policy.a.locked: must be `true` or `false`, and is of the type string",
            "4:17: policy.a.keep_at_least: must be a period such as \"90d\" or \"7y\", and is of the \
         type integer",
            "5:16: policy.a.keep_at_most: months have no fixed length; write days, such as \"90d\"",
            "6:30: policy.a.users: must be a string, and is of the type integer",
            "7:1: policy.a.rooms: names nobody; leave it out for all of them",
        ]
    );
    assert_eq!(problems("[redaction]\nlocked = true\n"), ["1:2: redaction: `keep` is missing"]);
    assert_eq!(
        problems("policy = 1\n"),
        ["1:10: policy: must be a table, and is of the type integer"]
    );
}

#[test]
fn what_contradicts_itself_is_told_where_it_is() {
    let wrong = "[policy.a]\nrecords = [\"state\"]\nkeep_at_least = \"2d\"\nkeep_at_most = \"1d\"\n\
                 \n[policy.b]\nrecords = [\"state\"]\n\n[policy.\"No good\"]\n\
                 records = [\"audit\"]\nrooms = [\"!r:example.org\"]\nkeep_at_least = \"1d\"\n";
    assert_eq!(
        problems(wrong),
        [
            "3:1: policy.a.keep_at_least: is longer than `keep_at_most` (1d), which would never count",
            "7:1: policy.b.records: has neither `keep_at_least` nor `keep_at_most`; it would say nothing",
            "9:9: policy.No good: a policy's name is 1 to 64 of a-z, 0-9, `-` and `_`",
            "11:1: policy.No good.rooms: records of the kind \"audit\" belong to no room",
        ]
    );
}

#[test]
fn broken_toml_and_columns_behind_wide_letters_are_placed() {
    let told = problems("[policy.a\n");
    assert!(told[0].starts_with("1:10: "), "{told:?}");
    let twice = problems("[policy.a]\nlocked = true\nlocked = true\n");
    assert!(twice[0].starts_with("3:1: "), "{twice:?}");
    let wide = problems("policy = { \"äöü\" = 1 }\n");
    assert!(wide[0].starts_with("1:20: policy.äöü: must be a table"), "{wide:?}");
}

#[test]
fn a_document_has_a_largest_size_and_a_largest_number_of_policies() {
    let long = format!("# {}\n", "x".repeat(decide::policy::DOCUMENT_BYTES_MAX));
    assert!(problems(&long)[0].starts_with("1:1: the document has "));
    let many = (0..257).fold(String::new(), |text, i| {
        text + &format!("[policy.p{i}]\nrecords = [\"state\"]\nkeep_at_least = \"1d\"\n")
    });
    assert_eq!(problems(&many), ["1:1: 257 policies; there can be 256"]);
}

/// The example in the documents is one that can be applied.
#[test]
fn the_example_of_the_documents_is_right() {
    let page = include_str!("../../../docs/compliance/policies.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let document = read_document(example.expect("an example")).expect("a right document");
    assert!(document.policies.values().any(|rule| rule.locked));
    assert!(document.redaction.is_some() && document.room_retention.is_some());
}
