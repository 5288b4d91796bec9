//! `chancery policy check`, as an officer runs it: no server, exact places, exit codes.

use std::{fs, path::Path, process::Command};

fn check(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chancery"))
        .args(["policy", "check"])
        .args(args)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).expect("writable");
    path.to_str().expect("UTF-8").to_owned()
}

const LOCKED: &str = "[policy.broker]\nrecords = [\"messages\"]\nkeep_at_least = \"6y\"\n\
                      locked = true\n";

#[test]
fn a_right_document_is_said_to_be_right() {
    let dir = tempfile::tempdir().expect("a directory");
    let right = file(dir.path(), "right.toml", LOCKED);
    assert_eq!(check(&[&right]), (Some(0), "The document is right.\n".to_owned(), String::new()));
    let (code, out, _) = check(&["--json", &right, "--against", &right]);
    assert_eq!((code, out.as_str()), (Some(0), "{\"locked\":[],\"ok\":true,\"problems\":[]}\n"));
}

#[test]
fn a_wrong_one_is_told_line_by_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = "[policy.a]\nrecord = [\"messages\"]\nkeep_at_most = \"6m\"\n";
    let wrong = file(dir.path(), "wrong.toml", text);
    let (code, out, _) = check(&[&wrong]);
    assert_eq!(code, Some(1));
    let lines = [
        "2:1: policy.a.record: unknown key; did you mean `records`?",
        "3:16: policy.a.keep_at_most: months have no fixed length; write days, such as \"90d\"",
    ];
    assert_eq!(out, format!("{wrong}:{}\n{wrong}:{}\n", lines[0], lines[1]));
}

#[test]
fn what_a_lock_refuses_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let old = file(dir.path(), "old.toml", LOCKED);
    let new = file(dir.path(), "new.toml", &LOCKED.replace("6y", "5y"));
    let (code, out, _) = check(&[&new, "--against", &old]);
    assert_eq!(code, Some(1));
    let refused = "policy broker is locked: `keep_at_least` is 6y and can only grow; the document \
                   says 5y";
    assert_eq!(out, format!("{new}: {refused}\n"));
}

#[test]
fn files_that_cannot_be_read_and_wrong_usage_have_their_codes() {
    let dir = tempfile::tempdir().expect("a directory");
    let missing = dir.path().join("missing.toml");
    let (code, _, error) = check(&[missing.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(1));
    assert!(error.contains("What to do:"), "{error}");
    let binary = dir.path().join("binary.toml");
    fs::write(&binary, [0xff, 0xfe]).expect("writable");
    assert_eq!(check(&[binary.to_str().expect("UTF-8")]).0, Some(1));
    let huge = file(dir.path(), "huge.toml", &"#".repeat(200 * 1024));
    let (code, out, _) = check(&[&huge]);
    assert_eq!(code, Some(1));
    assert!(out.contains(":1:1: the document has "), "{out}");
    assert_eq!(check(&[]).0, Some(2));
}
