//! Bytes that were written once and must open for ever.
//!
//! `golden/log_v1` holds the segments and the keyring of a small log. It never changes.

use std::{fmt::Write as _, fs, path::PathBuf};

use event_log::{Keyring, PartContent, verify};
use facts::LogPosition;

use crate::world::{World, copy};

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/log_v1")
}

#[test]
fn the_first_format_opens_for_ever() {
    let world = World::new();
    copy(&golden().join("data"), world.dir.path());
    let log = world.open();
    let mut told = String::new();
    for entry in log.read_range(LogPosition(0), 100, 1_000_000).unwrap() {
        let header = &entry.header;
        write!(
            told,
            "{} stream {} revision {} type {} epoch {} incarnation {}",
            header.position,
            header.stream,
            header.revision,
            header.fact_type,
            header.key_epoch,
            header.incarnation,
        )
        .unwrap();
        for (part, content) in header.parts.iter().zip(&entry.parts) {
            let clear = match content {
                PartContent::Clear(bytes) => hex::encode(bytes),
                PartContent::Destroyed => "destroyed".to_owned(),
            };
            write!(
                told,
                " | {:?} {} {} {clear}",
                part.class, part.stream_tree.0, part.person_tree.0
            )
            .unwrap();
        }
        writeln!(told, " | {}", hex::encode(entry.digest)).unwrap();
    }
    let expected = fs::read_to_string(golden().join("entries.txt")).unwrap();
    assert_eq!(told, expected);
    drop(log);
    let log_id = Keyring::log_id_in(&world.options().keys_dir).unwrap().unwrap();
    let keys = Keyring::open(&world.options().keys_dir, log_id, world.random()).unwrap();
    let report = verify(&world.segments(), Some(&keys)).unwrap();
    assert!(report.ok, "{report:?}");
}

#[test]
fn the_report_of_verify_has_the_shape_that_scripts_read() {
    let segments = golden().join("data/log/segments");
    let report = verify(&segments, None).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let head = report.entries - 1;
    assert_eq!(
        json,
        serde_json::json!({
            "ok": true, "entries": report.entries, "head": head, "torn_tail_bytes": 0, "fault": null
        })
    );
    let empty = tempfile::tempdir().unwrap();
    let bad = b"CHFOOT is not a write, and this file is followed by another".repeat(4);
    fs::write(empty.path().join("00000000000000000000.seg"), bad).unwrap();
    fs::write(empty.path().join("00000000000000000009.seg"), b"").unwrap();
    let json = serde_json::to_value(verify(empty.path(), None).unwrap()).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "ok": false, "entries": 0, "head": null, "torn_tail_bytes": 0,
            "fault": {
                "segment": "00000000000000000000.seg", "offset": 0, "position": 0,
                "kind": "write_header"
            }
        })
    );
}
