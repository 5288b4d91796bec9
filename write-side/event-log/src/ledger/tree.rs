//! The growing tree: leaves in, hashes of all levels onto their files.
//!
//! Owns the right edge in memory: of each level the hashes of its last tile that is not full yet.
//! A crash leaves files that are longer or shorter than what was stated as synced; the next start
//! opens the tree at the stated size and writes on from there.

use std::{io, sync::Arc};

use super::{
    levels::{LEVELS, Levels},
    merkle::perfect_root,
    tile::{TILE_HEIGHT, TILE_WIDTH},
};
use crate::Digest;

/// The hashes that are not yet under a hash of the next level.
#[derive(Debug, Default)]
pub(crate) struct Edge {
    size: u64,
    levels: [Vec<Digest>; LEVELS],
}

impl Edge {
    /// Leaves so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Takes a leaf's hash and tells of every hash that it completes: level, index, hash.
    pub(crate) fn push(&mut self, leaf: Digest, mut new: impl FnMut(usize, u64, Digest)) {
        let mut hash = leaf;
        let mut index = self.size;
        for (level, edge) in self.levels.iter_mut().enumerate() {
            new(level, index, hash);
            edge.push(hash);
            if (edge.len() as u64) < TILE_WIDTH {
                break;
            }
            hash = perfect_root(std::mem::take(edge));
            index >>= TILE_HEIGHT;
        }
        self.size += 1;
    }
}

/// A tree with its files.
#[derive(Debug)]
pub struct Tree {
    levels: Arc<Levels>,
    edge: Edge,
}

impl Tree {
    /// The tree over the first `size` leaves whose hashes are in the files.
    pub fn open_at(levels: Arc<Levels>, size: u64) -> io::Result<Self> {
        let mut edge = Edge { size, ..Edge::default() };
        let mut count = size;
        for (level, hashes) in edge.levels.iter_mut().enumerate() {
            let open = count % TILE_WIDTH;
            if open > 0 {
                let width = usize::try_from(open).expect("less than a tile");
                *hashes = levels.read(level, count - open, width)?;
            }
            count >>= TILE_HEIGHT;
        }
        Ok(Self { levels, edge })
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Adds hashes of leaves. After an error the tree is not to be used any more: open it again
    /// at a size that is known.
    pub fn append(&mut self, leaves: &[Digest]) -> io::Result<()> {
        let mut written: [(u64, Vec<Digest>); LEVELS] = Default::default();
        for leaf in leaves {
            self.edge.push(*leaf, |level, index, hash| {
                let (first, hashes) = &mut written[level];
                if hashes.is_empty() {
                    *first = index;
                }
                hashes.push(hash);
            });
        }
        for (level, (first, hashes)) in written.iter().enumerate() {
            if !hashes.is_empty() {
                self.levels.write(level, *first, hashes)?;
            }
        }
        Ok(())
    }
}
