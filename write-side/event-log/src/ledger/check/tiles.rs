//! The tree's files against hashes that were computed from the log.
//!
//! Owns the comparison, level by level as leaves come, with the files' lengths taken before the
//! log is read: a running server only adds to both.

use std::{io, path::Path};

use facts::{Incarnation, LogId, LogPosition};

use super::Finding;
use crate::{
    Digest,
    ledger::{
        checkpoint::{Checkpoint, Origin},
        levels::{LEVELS, Levels},
        state::State,
        tile::{TILE_HEIGHT, TILE_WIDTH, Tile},
        tree::Edge,
    },
};

pub(super) struct TileCheck {
    levels: Levels,
    state: Option<State>,
    edge: Edge,
    files: [LevelFile; LEVELS],
    /// Level and index of the first hash that differs.
    first: Option<(usize, u64)>,
    first_leaf: Option<u64>,
}

/// A level's file, read a tile at a time.
#[derive(Default)]
struct LevelFile {
    count: u64,
    tile: u64,
    hashes: Vec<Digest>,
}

impl TileCheck {
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let levels = Levels::open_read_only(dir);
        let mut files: [LevelFile; LEVELS] = Default::default();
        for (level, file) in files.iter_mut().enumerate() {
            file.count = levels.count(level)?;
        }
        let (state, edge) = (State::read(dir), Edge::default());
        Ok(Self { levels, state, edge, files, first: None, first_leaf: None })
    }

    pub(super) fn push(&mut self, leaf: Digest) {
        let Self { levels, edge, files, first, first_leaf, .. } = self;
        edge.push(leaf, |level, index, hash| {
            if files[level].holds(levels, level, index, &hash) {
                return;
            }
            first.get_or_insert((level, index));
            if level == 0 {
                first_leaf.get_or_insert(index);
            }
        });
    }

    /// The first leaf that differs, if the files are those of the checkpoint.
    pub(super) fn first_difference(&self, checkpoint: &Checkpoint) -> Option<LogPosition> {
        let first = self.first_leaf.filter(|first| *first < checkpoint.size)?;
        let leads = self.levels.root(checkpoint.size).is_ok_and(|root| root == checkpoint.root);
        leads.then_some(LogPosition(first))
    }

    /// Files of another log or incarnation, or without a state, are dropped by the next start:
    /// nothing is wrong with them.
    pub(super) fn finding(&self, log_id: LogId, incarnation: Incarnation) -> Option<Finding> {
        let state = self.state.as_ref()?;
        let ours = Origin::parse(&state.origin)
            .is_some_and(|origin| origin.log_id == log_id && origin.incarnation == incarnation);
        if !ours {
            return None;
        }
        let entries = self.edge.size();
        let covered = self.files[0].count.max(state.size);
        if covered > entries {
            let first_missing = LogPosition(entries);
            return Some(Finding::RolledBack { first_missing, covered });
        }
        self.first.or_else(|| self.missing(state)).map(tile_of)
    }

    fn missing(&self, state: &State) -> Option<(usize, u64)> {
        let expected = (0..).map(|level: u32| state.size >> (level * TILE_HEIGHT));
        let mut files = self.files.iter().zip(expected).enumerate();
        files.find_map(|(level, (file, expected))| {
            (file.count < expected).then_some((level, file.count))
        })
    }
}

impl LevelFile {
    /// Whether the file has this hash there, or ends before.
    fn holds(&mut self, levels: &Levels, level: usize, index: u64, hash: &Digest) -> bool {
        if index >= self.count {
            return true;
        }
        let tile = index / TILE_WIDTH;
        if self.hashes.is_empty() || tile != self.tile {
            let first = tile * TILE_WIDTH;
            let wanted = usize::try_from((self.count - first).min(TILE_WIDTH)).unwrap_or(0);
            // A file that cannot be read any more does not hold it.
            self.hashes = levels.read(level, first, wanted).unwrap_or_default();
            self.tile = tile;
        }
        let place = usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX);
        self.hashes.get(place) == Some(hash)
    }
}

fn tile_of((level, index): (usize, u64)) -> Finding {
    let level = u8::try_from(level).unwrap_or(u8::MAX);
    let tile = Tile { level, index: index / TILE_WIDTH, width: 256 };
    Finding::Tile { tile: tile.to_string() }
}
