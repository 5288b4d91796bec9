//! A third party kept a checkpoint; somebody alters the data directory. Each change is found, and
//! where it can be known, the place is named.
//!
//! `CHANCERY_MUTATIONS` sets how many random changes are tried.

use std::{fs, path::Path};

use event_log::ledger::{CheckRequest, Checkpoint, Finding, LedgerReport, check_directory};
use event_log::{Random as _, SeededRandom};
use facts::{LogPosition, fact::ForkReason};
use tempfile::TempDir;

use crate::world::{World, copy, overwrite, segments};

/// A write without entries: header and CRC.
const CLOSING_BYTES: usize = 96;
/// Random changes, unless the environment says otherwise.
const MUTATIONS: u64 = 300;

fn check(dir: &Path, checkpoints: &[Checkpoint]) -> LedgerReport {
    check_directory(&CheckRequest { data_dir: dir, keyring: None, checkpoints }).unwrap()
}

/// A closed data directory of several segments, a checkpoint from its middle, and the last one.
fn kept() -> (World, Vec<Checkpoint>) {
    let (world, checkpoints, _) = kept_with_older();
    (world, checkpoints)
}

/// The same, with a copy of the directory as it was in the middle.
fn kept_with_older() -> (World, Vec<Checkpoint>, TempDir) {
    let world = World::with_segments(32 * 1024);
    let running = world.open();
    let room = running.stream();
    running.fill(room, 300);
    running.ledger.step().unwrap();
    let middle = running.ledger.published().checkpoint.clone();
    running.close();
    let older = world.copied();
    let running = world.open();
    running.fill(room, 300);
    running.ledger.step().unwrap();
    let last = running.ledger.published().checkpoint.clone();
    running.close();
    (world, vec![middle, last], older)
}

struct Dice(SeededRandom);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_be_bytes(bytes) % bound as u64).unwrap()
    }
}

/// Alters a file's bytes: one flipped, some dropped, put in or in another order, or the file as it
/// was earlier. Answers the first byte that differs.
fn alter(bytes: &mut Vec<u8>, older: Option<Vec<u8>>, dice: &Dice) -> usize {
    let at = dice.below(bytes.len());
    let before = bytes.clone();
    match (dice.below(5), older) {
        (4, Some(older)) => *bytes = older,
        (way, _) => change(bytes, at, way, dice),
    }
    let same = before.iter().zip(bytes.iter()).take_while(|(a, b)| a == b).count();
    if *bytes == before { usize::MAX } else { same }
}

fn change(bytes: &mut Vec<u8>, at: usize, way: usize, dice: &Dice) {
    match way {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => {
            let length = 1 + dice.below(64.min(bytes.len() - at));
            bytes.drain(at..at + length);
        }
        2 => {
            let mut some = vec![0; 1 + dice.below(64)];
            dice.0.fill(&mut some);
            bytes.splice(at..at, some);
        }
        _ => {
            let length = 1 + dice.below(64);
            let other = dice.below(bytes.len());
            for k in 0..length {
                if at + k < bytes.len() && other + k < bytes.len() {
                    bytes.swap(at + k, other + k);
                }
            }
        }
    }
}

#[test]
fn random_changes_of_log_and_tiles_are_each_found_and_located() {
    let (world, checkpoints, earlier) = kept_with_older();
    let untouched = check(world.dir.path(), &checkpoints);
    assert_eq!((untouched.finding, untouched.torn_tail_bytes), (None, 0));
    let entries = untouched.entries;
    let wanted = std::env::var("CHANCERY_MUTATIONS").ok();
    let wanted = wanted.map_or(MUTATIONS, |count| count.parse().unwrap());
    for seed in 0..wanted {
        let dice = Dice(SeededRandom::new(seed));
        let changed = world.copied();
        let mut files = segments(changed.path());
        let last_segment = files.last().unwrap().clone();
        let in_log = dice.below(3) > 0;
        if !in_log {
            files = (0..2).map(|l| changed.path().join(format!("ledger/level-{l}"))).collect();
        }
        let path = files[dice.below(files.len())].clone();
        let mut bytes = fs::read(&path).unwrap();
        let length = bytes.len();
        let older = fs::read(earlier.path().join(path.strip_prefix(changed.path()).unwrap())).ok();
        let at = alter(&mut bytes, older, &dice);
        if at == usize::MAX {
            continue;
        }
        overwrite(&path, &bytes);
        let report = check(changed.path(), &checkpoints);
        let name = path.file_name().unwrap().to_str().unwrap();
        let shown = format!("seed {seed}, {name} from byte {at} of {}", bytes.len());
        let Some(finding) = report.finding else {
            // The write that ends the last segment has no entries. A change in it is seen as a
            // torn tail, and takes nothing away.
            let in_closing_write = in_log && path == last_segment && at + CLOSING_BYTES >= length;
            let all = report.entries == entries && report.torn_tail_bytes > 0;
            assert!(in_closing_write && all, "{shown} went unnoticed: {report:?}");
            continue;
        };
        match finding {
            Finding::Damage { fault } => {
                assert!(in_log, "seed {seed}");
                assert_eq!(fault.segment, name, "seed {seed}");
                assert!(fault.offset <= at as u64, "seed {seed}: {fault}");
            }
            // The last write is cut like a torn one: what it held is missing.
            Finding::RolledBack { first_missing, .. } => {
                assert!(in_log || bytes.len() > at, "seed {seed}");
                assert!(first_missing.0 <= checkpoints[1].size, "seed {seed}");
            }
            Finding::Tile { tile } => {
                assert!(!in_log, "seed {seed}");
                let level = name.strip_prefix("level-").unwrap();
                let expected = format!("tile/{level}/{:03}", at / 8192);
                assert_eq!(tile, expected, "seed {seed}");
            }
            other => panic!("seed {seed}: {other:?}"),
        }
    }
}

#[test]
fn missing_and_swapped_segments_are_located() {
    let (world, checkpoints) = kept();
    let count = segments(world.dir.path()).len();
    assert!(count > 3);
    for index in 0..count {
        let changed = world.copied();
        let files = segments(changed.path());
        fs::remove_file(&files[index]).unwrap();
        match check(changed.path(), &checkpoints).finding.unwrap() {
            Finding::Damage { fault } => {
                let next = files[index + 1].file_name().unwrap().to_str().unwrap();
                assert_eq!(fault.segment, next);
            }
            Finding::RolledBack { first_missing, covered } => {
                assert_eq!(index, count - 1);
                assert!(first_missing.0 < covered);
            }
            other => panic!("{other:?}"),
        }
    }
    let changed = world.copied();
    let files = segments(changed.path());
    let (a, b) = (fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
    overwrite(&files[0], &b);
    overwrite(&files[1], &a);
    let finding = check(changed.path(), &checkpoints).finding.unwrap();
    assert!(matches!(finding, Finding::Damage { .. }), "{finding:?}");
}

#[test]
fn a_directory_rolled_back_whole_is_found_against_any_later_checkpoint() {
    let world = World::with_segments(32 * 1024);
    let running = world.open();
    let room = running.stream();
    running.fill(room, 100);
    running.close();
    let older = world.copied();
    let head = world.open().ledger.published().checkpoint.size;
    let mut kept = Vec::new();
    for count in [1, 50, 300] {
        let running = world.open();
        running.fill(room, count);
        running.ledger.step().unwrap();
        kept.push(running.ledger.published().checkpoint.clone());
        running.close();
    }
    for checkpoint in &kept {
        let finding = check(older.path(), std::slice::from_ref(checkpoint)).finding.unwrap();
        let expected =
            Finding::RolledBack { first_missing: LogPosition(head), covered: checkpoint.size };
        assert_eq!(finding, expected);
    }
    // And the directory that was not rolled back holds against all of them.
    assert_eq!(check(world.dir.path(), &kept).finding, None);
}

#[test]
fn a_log_that_was_written_anew_is_found_though_it_checks_by_itself() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 50);
    running.ledger.step().unwrap();
    let early = running.ledger.published().checkpoint.clone();
    running.close();
    let rewritten = world.copied();
    let running = world.open();
    running.fill(room, 50);
    running.ledger.step().unwrap();
    let late = running.ledger.published().checkpoint.clone();
    running.close();
    // The same length, other entries, all digests and checksums right.
    let running = world.open_in(rewritten.path());
    running.fill(room, 60);
    running.ledger.step().unwrap();
    running.close();
    let finding = check(rewritten.path(), &[late.clone(), early.clone()]).finding.unwrap();
    let (after, before) = (LogPosition(early.size), LogPosition(late.size));
    assert_eq!(finding, Finding::Altered { after, before, first: None });
    // With the tree that was signed, the very entry is named.
    fs::remove_dir_all(rewritten.path().join("ledger")).unwrap();
    copy(&world.ledger_dir(), &rewritten.path().join("ledger"));
    let finding = check(rewritten.path(), std::slice::from_ref(&late)).finding.unwrap();
    let first = Some(LogPosition(early.size));
    assert_eq!(finding, Finding::Altered { after: LogPosition(0), before, first });
}

#[test]
fn a_stated_fork_and_another_log_are_named() {
    let (world, checkpoints) = kept();
    let running = world.open();
    running.close();
    let other = World::new();
    other.random();
    other.open().close();
    let finding = check(other.dir.path(), &checkpoints).finding.unwrap();
    let origin = checkpoints[0].origin.clone();
    assert_eq!(finding, Finding::OtherLog { origin });

    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 20);
    running.close();
    let older = world.copied();
    let running = world.open();
    let early = running.ledger.published().checkpoint.clone();
    running.fill(room, 20);
    running.ledger.step().unwrap();
    let late = running.ledger.published().checkpoint.clone();
    running.close();
    let log = world.open_log_in(older.path());
    let fork = log.fork(ForkReason::Restore).unwrap();
    let at = fork.first;
    fork.durable.wait().unwrap();
    log.close();
    assert_eq!(check(older.path(), &[early]).finding, None, "kept by both branches");
    let covered = late.size;
    assert_eq!(check(older.path(), &[late]).finding, Some(Finding::Forked { at, covered }));
}
