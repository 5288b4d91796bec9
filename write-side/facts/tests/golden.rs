//! Golden files: the bytes of every fact version and of the entry header, for ever.
//!
//! `golden/<name>_v<version>.txt` holds one line for each part: class, whether a person's key is a
//! factor, and the clear bytes in hexadecimal. A file is written once, when its version is born
//! (`CHANCERY_WRITE_GOLDEN=1 cargo test -p facts`), and never changed afterwards.
//!
//! Holds invariant I6: shapes change by version, stored bytes never.

#[path = "support/samples.rs"]
mod samples;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

use facts::{
    EntryHeader, Fact, Incarnation, KeyEpoch, LogPosition, PartHeader, RecordClass, Revision,
    StreamId, Timestamp, TreeId,
    fact::{KeyRule, REGISTRY},
};

fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn held_still(name: &str, now: &str) {
    let path = golden_path(name);
    if !path.exists() && std::env::var_os("CHANCERY_WRITE_GOLDEN").is_some() {
        fs::write(&path, now).expect("the golden folder can be written");
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{name} has no golden file"));
    assert_eq!(golden, now, "the bytes of {name} changed: add a version instead");
}

fn drawn(fact: &Fact) -> String {
    let mut drawn = String::new();
    for part in fact.to_parts() {
        let person = if part.personal { "person" } else { "-" };
        writeln!(drawn, "{:?} {person} {}", part.class, hex::encode(&part.bytes))
            .expect("writing to a string cannot fail");
    }
    drawn
}

fn registered_name(fact: &Fact) -> &'static str {
    REGISTRY.iter().find(|line| line.number == fact.fact_type()).expect("registered").name
}

#[test]
fn i6_the_bytes_of_every_fact_version_are_held_still() {
    for (case, fact) in samples::all() {
        let name = registered_name(&fact);
        let version = fact.version();
        let suffix = if case.is_empty() { String::new() } else { format!("_{case}") };
        held_still(&format!("{name}{suffix}_v{version}.txt"), &drawn(&fact));
    }
}

#[test]
fn every_golden_file_decodes_to_its_sample() {
    for (case, fact) in samples::all() {
        let parts = fact.to_parts();
        let bytes: Vec<_> = parts.iter().map(|part| Some(part.bytes.as_slice())).collect();
        let read = Fact::from_parts(fact.fact_type(), fact.version(), &bytes);
        assert_eq!(read, Ok(Some(fact.clone())), "{} {case}", registered_name(&fact));
    }
}

#[test]
fn every_registered_fact_has_a_sample_and_keeps_its_key_rule() {
    let mut sampled = BTreeSet::new();
    for (case, fact) in samples::all() {
        let line = REGISTRY.iter().find(|line| line.number == fact.fact_type()).expect("listed");
        sampled.insert(line.number);
        for (i, part) in fact.to_parts().iter().enumerate() {
            let rule = line.parts.get(i).unwrap_or_else(|| panic!("{} part {i}", line.name));
            assert!(rule.classes.contains(&part.class), "{} {case} part {i}", line.name);
            match rule.key {
                KeyRule::StreamOnly => assert!(!part.personal, "{} {case}", line.name),
                KeyRule::Owner | KeyRule::Recipient | KeyRule::Sender => {
                    assert!(part.personal, "{} {case}", line.name);
                }
                KeyRule::MemberOrNone => {}
            }
        }
    }
    let all: BTreeSet<_> = REGISTRY.iter().map(|line| line.number).collect();
    assert_eq!(sampled, all, "a registered fact has no sample, or a sample is not registered");
    assert_eq!(all.len(), REGISTRY.len(), "a fact number is used twice");
}

#[test]
fn unknown_types_versions_and_trailing_bytes_are_refused() {
    use facts::FactError;
    assert_eq!(Fact::from_parts(60_000, 1, &[]), Err(FactError::UnknownType(60_000)));
    for (_, fact) in samples::all() {
        let parts = fact.to_parts();
        let bytes: Vec<_> = parts.iter().map(|part| Some(part.bytes.as_slice())).collect();
        let number = fact.fact_type();
        assert_eq!(
            Fact::from_parts(number, fact.version() + 1, &bytes),
            Err(FactError::UnknownVersion { fact_type: number, version: fact.version() + 1 })
        );
        let mut longer = parts[0].bytes.clone();
        longer.push(0);
        let mut spoiled = bytes.clone();
        spoiled[0] = Some(&longer);
        assert_eq!(Fact::from_parts(number, 1, &spoiled), Err(FactError::Shape(number)));
        let gone: Vec<_> = parts.iter().map(|_| None).collect();
        assert_eq!(Fact::from_parts(number, 1, &gone), Ok(None));
    }
}

fn header() -> EntryHeader {
    EntryHeader {
        position: LogPosition(0x0102_0304_0506_0708),
        stream: StreamId(0x1112_1314_1516_1718),
        revision: Revision(0x2122_2324_2526_2728),
        incarnation: Incarnation(3),
        fact_type: 16,
        fact_version: 1,
        recorded_at: Timestamp(1_790_000_000_123),
        key_epoch: KeyEpoch(4),
        batch: LogPosition(0x0102_0304_0506_0706),
        actor: StreamId(0x31),
        cause: LogPosition(0x41),
        parts: vec![
            PartHeader {
                class: RecordClass::MessageSkeleton,
                stream_tree: TreeId(0x51),
                person_tree: TreeId::NONE,
                length: 600,
                commitment: [0xaa; 32],
            },
            PartHeader {
                class: RecordClass::MessageContent,
                stream_tree: TreeId(0x52),
                person_tree: TreeId(0x61),
                length: 90,
                commitment: [0xbb; 32],
            },
        ],
    }
}

#[test]
fn i6_the_bytes_of_the_entry_header_are_held_still() {
    let header = header();
    let bytes = header.encode();
    assert!(bytes.len() <= 256);
    assert_eq!(EntryHeader::decode(&bytes), Ok(header));
    held_still("entry_header_v1.txt", &format!("{}\n", hex::encode(&bytes)));
}

#[test]
fn every_cut_or_unknown_header_is_refused() {
    use facts::HeaderError;
    let bytes = header().encode();
    for cut in 0..bytes.len() {
        assert_eq!(EntryHeader::decode(&bytes[..cut]), Err(HeaderError::Short), "cut at {cut}");
    }
    let spoil = |at: usize, value: u8| {
        let mut spoiled = bytes.clone();
        spoiled[at] = value;
        EntryHeader::decode(&spoiled)
    };
    assert_eq!(spoil(0, 2), Err(HeaderError::UnknownFormat(2)));
    assert_eq!(spoil(1, 9), Err(HeaderError::UnknownSuite(9)));
    assert_eq!(spoil(2, 3), Err(HeaderError::Malformed));
    assert_eq!(spoil(3, 1), Err(HeaderError::Malformed));
    assert_eq!(spoil(72, 200), Err(HeaderError::UnknownClass(200)));
    assert_eq!(spoil(73, 1), Err(HeaderError::Malformed));
}

/// `docs/facts.md` is the registry, drawn.
#[test]
fn the_registry_is_drawn_in_the_docs() {
    let mut table = String::from(
        "| number | fact | version | part | record class | second key factor | person's text |\n\
         |--:|---|--:|--:|---|---|---|\n",
    );
    for line in REGISTRY {
        for (i, part) in line.parts.iter().enumerate() {
            let classes: Vec<_> = part.classes.iter().map(|class| format!("{class:?}")).collect();
            let key = match part.key {
                KeyRule::StreamOnly => "none",
                KeyRule::Owner => "owner of the stream",
                KeyRule::Recipient => "recipient",
                KeyRule::MemberOrNone => "sender; member for `m.room.member`; none for other state",
                KeyRule::Sender => "sender",
            };
            let text = if part.text { "yes" } else { "no" };
            let classes = classes.join(" or ");
            let (number, name, version, part) = (line.number, line.name, line.version, i + 1);
            writeln!(
                table,
                "| {number} | `{name}` | {version} | {part} | {classes} | {key} | {text} |"
            )
            .expect("writing to a string cannot fail");
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/facts.md");
    let docs = fs::read_to_string(&path).unwrap_or_default();
    assert!(docs.contains(&table), "docs/facts.md must hold this table:\n\n{table}");
}
