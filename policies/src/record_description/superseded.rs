//! Which of a person's own facts were replaced by newer ones.
//!
//! Owns the look into persons' folds, which remember it ([`decide::user::Superseded`]), and a
//! bounded memory of the answers. What the folds have forgotten counts as in use.

use std::collections::{HashMap, HashSet};

use commands::{WriteSide, user::look};
use facts::LogPosition;
use ruma::UserId;
use tokio::runtime::Handle;

use super::DescribeFault;

/// Persons whose answers are remembered.
const PERSONS_MAX: usize = 1_000;

pub(super) struct Superseded<'a> {
    write_side: &'a WriteSide,
    runtime: Handle,
    known: HashMap<String, HashSet<LogPosition>>,
}

impl<'a> Superseded<'a> {
    pub(super) fn new(write_side: &'a WriteSide) -> Self {
        Self { write_side, runtime: Handle::current(), known: HashMap::new() }
    }

    /// Whether the owner has replaced the fact at a position. Blocks.
    pub(super) fn contains(
        &mut self,
        owner: &str,
        position: LogPosition,
    ) -> Result<bool, DescribeFault> {
        if let Some(known) = self.known.get(owner) {
            return Ok(known.contains(&position));
        }
        let Ok(user) = UserId::parse(owner) else { return Ok(false) };
        let asked = look(self.write_side, &user, |fold| fold.superseded.iter().collect());
        let known: HashSet<LogPosition> = self
            .runtime
            .block_on(asked)
            .map_err(|error| DescribeFault::Fold(format!("{error:?}")))?;
        if self.known.len() >= PERSONS_MAX {
            self.known.clear();
        }
        let replaced = known.contains(&position);
        self.known.insert(owner.to_owned(), known);
        Ok(replaced)
    }
}
