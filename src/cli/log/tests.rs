//! The commands over a log on disk.

use std::{fs, path::Path};

use clap::Parser as _;

use super::{Log, open};
use crate::{cli::Origin, config::Config};

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(subcommand)]
    command: Log,
}

/// A configuration file over a data directory, with a log in it if `begun`.
fn world(dir: &Path, begun: bool) -> Origin {
    let data = dir.join("data");
    let file = dir.join("chancery.toml");
    let text = format!("[server]\nname = \"example.org\"\ndata_dir = {data:?}\n");
    fs::write(&file, text).expect("written");
    let origin = Origin { file: Some(file) };
    if begun {
        let config = origin.config().expect("a configuration");
        fs::create_dir_all(open::options(&config).segments_dir()).expect("made");
        open::open(&config).expect("a log").close();
    }
    origin
}

fn config_of(origin: &Origin) -> Config {
    origin.config().expect("a configuration")
}

fn code(origin: &Origin, line: &str) -> anyhow::Result<std::process::ExitCode> {
    let line = Line::try_parse_from(std::iter::once("log").chain(line.split(' ')));
    super::run(&line.expect("a right line").command, origin)
}

fn succeeds(code: anyhow::Result<std::process::ExitCode>) -> bool {
    code.is_ok_and(|code| code == std::process::ExitCode::SUCCESS)
}

#[test]
fn looking_at_a_log_begins_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let origin = world(dir.path(), false);
    for line in ["verify", "stat --json", "scavenge", "confirm-clock"] {
        let error = code(&origin, line).expect_err("no log");
        assert!(error.to_string().contains("there is no log"), "{line}: {error}");
    }
    assert!(!dir.path().join("data").exists());
}

#[test]
fn a_whole_log_is_right() {
    let dir = tempfile::tempdir().expect("a directory");
    let origin = world(dir.path(), true);
    for line in ["verify --json", "verify", "stat", "stat --json", "scavenge --json"] {
        assert!(succeeds(code(&origin, line)), "{line}");
    }
}

#[test]
fn verify_works_beside_a_running_server_and_the_others_say_that_it_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let origin = world(dir.path(), true);
    let running = open::open(&config_of(&origin)).expect("the log");
    assert!(succeeds(code(&origin, "verify")));
    let error = code(&origin, "stat").expect_err("the lease is held");
    assert!(error.to_string().contains("another process holds the log"), "{error}");
    running.close();
}

#[test]
fn a_flipped_bit_is_a_fault() {
    let dir = tempfile::tempdir().expect("a directory");
    let origin = world(dir.path(), true);
    let segments = open::options(&config_of(&origin)).segments_dir();
    let segment = fs::read_dir(&segments)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .expect("a segment");
    let mut bytes = fs::read(&segment).expect("read");
    bytes[0] ^= 1;
    fs::write(&segment, bytes).expect("written");
    assert!(!succeeds(code(&origin, "verify")));
}
