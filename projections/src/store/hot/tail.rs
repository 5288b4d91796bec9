//! The last rows of a group of keys.

use std::{cmp::Ordering, ops::Range};

use super::fits;
use crate::store::rows::{Row, RowIter};

/// Rows of one tail, at most.
const TAIL_ROWS: usize = 16;

/// A key and its value.
type Known = (Box<[u8]>, Box<[u8]>);

/// All rows of a group from a key on.
#[derive(Clone)]
pub(in crate::store) struct Tail {
    /// Rows of the group before this key are not known.
    low: Box<[u8]>,
    /// In order.
    rows: Vec<Known>,
}

impl Tail {
    /// Reads the end of a group from all its rows, the last first; `None` if a row is too big, or
    /// cannot be read.
    pub(in crate::store) fn read(group: &[u8], backward: RowIter<'_>) -> Option<Self> {
        let mut tail = Self { low: group.into(), rows: Vec::new() };
        for row in backward {
            let (key, value) = row.ok()?;
            if !fits(&key, Some(&value)) {
                return None;
            }
            if tail.rows.len() == TAIL_ROWS {
                tail.low.clone_from(&tail.rows.last()?.0);
                break;
            }
            tail.rows.push((key.into(), value.into()));
        }
        tail.rows.reverse();
        Some(tail)
    }

    /// A row was written, or removed.
    pub(super) fn write(&mut self, key: &[u8], value: Option<&[u8]>) {
        if key < &*self.low {
            return;
        }
        match (self.find(key), value) {
            (Ok(at), Some(value)) => self.rows[at].1 = value.into(),
            (Ok(at), None) => {
                self.rows.remove(at);
            }
            (Err(at), Some(value)) => self.rows.insert(at, (key.into(), value.into())),
            (Err(_), None) => {}
        }
        if self.rows.len() > TAIL_ROWS {
            self.rows.remove(0);
            self.low.clone_from(&self.rows[0].0);
        }
    }

    /// Rows before this key are not known.
    pub(in crate::store) fn low(&self) -> &[u8] {
        &self.low
    }

    /// The known rows with `from <= key < to`.
    pub(in crate::store) fn within(&self, from: &[u8], to: &[u8]) -> Range<usize> {
        let at = |key| self.find(key).unwrap_or_else(|at| at);
        at(from)..at(to)
    }

    /// A known row.
    pub(in crate::store) fn row(&self, at: usize) -> Row {
        let (key, value) = &self.rows[at];
        (key.to_vec(), value.to_vec())
    }

    fn find(&self, key: &[u8]) -> Result<usize, usize> {
        self.rows.binary_search_by(|(known, _)| -> Ordering { (**known).cmp(key) })
    }
}
