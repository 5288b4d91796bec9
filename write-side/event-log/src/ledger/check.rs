//! A data directory against checkpoints that somebody kept; without a server, from files alone.
//!
//! Owns the one pass that reads every write as `log verify` does, computes the roots at the sizes
//! of the checkpoints, and holds the tree's files against the log hash by hash. What it finds it
//! locates as far as the evidence goes. Writes nothing.

mod tiles;

use std::{io, path::Path};

use facts::{Incarnation, LogId, LogPosition};
use serde::Serialize;

use self::tiles::TileCheck;
use super::{
    checkpoint::{Checkpoint, Origin},
    ledger_dir,
    merkle::{RootHasher, leaf_hash},
};
use crate::{
    Damage, Digest, Keyring,
    backup::{SegmentPath, segment_paths},
    segment::scan::ScannedWrite,
    verify::verify_paths,
};

/// What to check.
#[derive(Clone, Copy)]
pub struct CheckRequest<'a> {
    /// The data directory.
    pub data_dir: &'a Path,
    /// Also open what can be opened.
    pub keyring: Option<&'a Keyring>,
    /// Checkpoints whose signatures were verified. Earlier ones narrow down where a change is.
    pub checkpoints: &'a [Checkpoint],
}

/// What was found, in the shape of `chancery verify --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerReport {
    /// True without a finding.
    pub ok: bool,
    /// Entries that were read.
    pub entries: u64,
    /// Bytes after the last whole write, which are no fault.
    pub torn_tail_bytes: u64,
    /// The first finding.
    pub finding: Option<Finding>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// The log does not check by itself.
    Damage {
        /// Where and what.
        fault: Damage,
    },
    /// The checkpoint is of another log.
    OtherLog {
        /// Origin of the checkpoint.
        origin: String,
    },
    /// The log ends before the checkpoint: entries from `first_missing` on are gone.
    RolledBack {
        /// The first position that is not there.
        first_missing: LogPosition,
        /// Entries that the checkpoint, or the tree beside the log, covers.
        covered: u64,
    },
    /// The log was continued from an older copy, in a later incarnation, before the end of what
    /// the checkpoint covers.
    Forked {
        /// The first entry of the later incarnation.
        at: LogPosition,
        /// Entries that the checkpoint covers.
        covered: u64,
    },
    /// The log checks by itself, and its entries are not those of the checkpoint.
    Altered {
        /// Entries before this are those of an earlier checkpoint.
        after: LogPosition,
        /// The change is before this.
        before: LogPosition,
        /// The first entry that differs, where the tree beside the log leads to the checkpoint.
        first: Option<LogPosition>,
    },
    /// A tile beside the log is not what the log gives. It can be deleted and is made again.
    Tile {
        /// Path of the tile.
        tile: String,
    },
}

/// Reads a data directory and holds it against checkpoints. An error means that files could not
/// be read; a fault in them is in the report.
pub fn check_directory(request: &CheckRequest<'_>) -> io::Result<LedgerReport> {
    let segments = segment_paths(&request.data_dir.join("log").join("segments"))?;
    check_segments(&segments, request)
}

/// The same with the segments wherever they are; of the data directory only the tree beside the
/// log is looked at, if there is one.
pub fn check_segments(
    segments: &[SegmentPath],
    request: &CheckRequest<'_>,
) -> io::Result<LedgerReport> {
    let mut pass = Pass::new(request)?;
    let read = verify_paths(segments, request.keyring, &mut |write| pass.write(write))?;
    let finding = match read.fault {
        Some(fault) => Some(Finding::Damage { fault }),
        None => pass.finding(),
    };
    Ok(LedgerReport {
        ok: finding.is_none(),
        entries: read.entries,
        torn_tail_bytes: read.torn_tail_bytes,
        finding,
    })
}

struct Pass<'a> {
    /// By size.
    checkpoints: Vec<&'a Checkpoint>,
    /// Roots at the sizes of the checkpoints, as far as the pass has come.
    roots: Vec<Digest>,
    hasher: RootHasher,
    tiles: TileCheck,
    log_id: Option<LogId>,
    /// First entry of each incarnation.
    incarnations: Vec<(LogPosition, Incarnation)>,
}

impl<'a> Pass<'a> {
    fn new(request: &CheckRequest<'a>) -> io::Result<Self> {
        let mut checkpoints: Vec<_> = request.checkpoints.iter().collect();
        checkpoints.sort_by_key(|checkpoint| checkpoint.size);
        let mut pass = Self {
            checkpoints,
            roots: Vec::new(),
            hasher: RootHasher::default(),
            tiles: TileCheck::open(&ledger_dir(request.data_dir))?,
            log_id: None,
            incarnations: Vec::new(),
        };
        pass.take_roots();
        Ok(pass)
    }

    fn write(&mut self, write: &ScannedWrite) {
        self.log_id = Some(write.header.log_id);
        for entry in &write.entries {
            let header = &entry.frame.header;
            if self.incarnations.last().is_none_or(|(_, last)| *last != header.incarnation) {
                self.incarnations.push((header.position, header.incarnation));
            }
            let leaf = leaf_hash(&entry.digest);
            self.hasher.push(leaf);
            self.tiles.push(leaf);
            self.take_roots();
        }
    }

    fn take_roots(&mut self) {
        let count = self.hasher.count();
        while self.checkpoints.get(self.roots.len()).is_some_and(|next| next.size == count) {
            self.roots.push(self.hasher.root());
        }
    }

    fn finding(self) -> Option<Finding> {
        let mut good = LogPosition(0);
        for index in 0..self.checkpoints.len() {
            if let Some(finding) = self.against(index, good) {
                return Some(finding);
            }
            good = LogPosition(self.checkpoints[index].size);
        }
        let last = self.incarnations.last().map(|(_, incarnation)| *incarnation);
        let (log_id, incarnation) = self.log_id.zip(last)?;
        self.tiles.finding(log_id, incarnation)
    }

    fn against(&self, index: usize, good: LogPosition) -> Option<Finding> {
        let checkpoint = self.checkpoints[index];
        let covered = checkpoint.size;
        let origin = Origin::parse(&checkpoint.origin);
        let Some(origin) = origin.filter(|origin| self.log_id.is_none_or(|id| id == origin.log_id))
        else {
            return Some(Finding::OtherLog { origin: checkpoint.origin.clone() });
        };
        if self.roots.get(index) == Some(&checkpoint.root) {
            return None;
        }
        let fork = self
            .incarnations
            .iter()
            .find(|(at, later)| *later > origin.incarnation && at.0 < covered);
        if let Some((at, _)) = fork {
            // Whatever the checkpoint covers from here on was given up.
            return Some(Finding::Forked { at: *at, covered });
        }
        if self.roots.len() <= index {
            let first_missing = LogPosition(self.hasher.count());
            return Some(Finding::RolledBack { first_missing, covered });
        }
        let first = self.tiles.first_difference(checkpoint);
        let before = LogPosition(covered);
        Some(Finding::Altered { after: good, before, first })
    }
}
