//! Entries of a person whose values were replaced.
//!
//! Owns a bounded list of positions, for the policy that destroys them leaf by leaf. What falls
//! off the front is found by reading the person's stream; nothing is lost but speed.

use std::collections::VecDeque;

use facts::LogPosition;
use serde::{Deserialize, Serialize};

/// So many positions are remembered.
pub const SUPERSEDED_MAX: usize = 50_000;

/// Positions of replaced values, in the order of their replacement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    positions: VecDeque<LogPosition>,
    /// How many fell off the front.
    forgotten: u64,
}

impl Superseded {
    pub(crate) fn add(&mut self, position: LogPosition) {
        if self.positions.len() == SUPERSEDED_MAX {
            self.positions.pop_front();
            self.forgotten += 1;
        }
        self.positions.push_back(position);
    }

    /// The positions, longest replaced first.
    pub fn iter(&self) -> impl Iterator<Item = LogPosition> + '_ {
        self.positions.iter().copied()
    }

    /// How many older ones are not in the list any more.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
