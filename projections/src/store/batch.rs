//! Writes that will be committed as one, readable before they are.
//!
//! Owns the overlay of pending writes over a snapshot. A key written twice keeps its last value,
//! so a batch holds each key once. Never touches the disk.

use std::{cmp::Ordering, collections::BTreeMap, iter::Peekable};

use super::{
    Key, Order, StoreError, StoreSnapshot,
    rows::{Row, RowIter, Rows},
};

/// Pending writes in order.
type PendingIter<'a> = Box<dyn Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)> + 'a>;
/// Values by key; `None` removes.
pub(super) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Pending writes over a snapshot.
pub struct Batch {
    base: StoreSnapshot,
    writes: Writes,
}

impl Batch {
    pub(super) fn new(base: StoreSnapshot) -> Self {
        Self { base, writes: Writes::new() }
    }

    /// Sets a row.
    pub fn put(&mut self, key: Key, value: impl Into<Vec<u8>>) {
        self.writes.insert(key.into_bytes(), Some(value.into()));
    }

    /// Sets a row to an integer, 8 bytes big-endian.
    pub fn put_u64(&mut self, key: Key, value: u64) {
        self.put(key, value.to_be_bytes());
    }

    /// Sets a row to a value in CBOR.
    pub fn put_row<T: serde::Serialize>(&mut self, key: Key, value: &T) {
        let mut out = Vec::with_capacity(64);
        ciborium::into_writer(value, &mut out).expect("writing CBOR to memory cannot fail");
        self.put(key, out);
    }

    /// Removes a row.
    pub fn remove(&mut self, key: Key) {
        self.writes.insert(key.into_bytes(), None);
    }

    /// Removes a row by its encoded key.
    pub fn remove_raw(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// Removes all rows with a prefix, at most `max` of them; true if none is left.
    pub fn remove_prefix(&mut self, prefix: &Key, max: usize) -> Result<bool, StoreError> {
        let keys = self
            .prefix(prefix, Order::Forward)
            .take(max.saturating_add(1))
            .map(|row| row.map(|(key, _)| key))
            .collect::<Result<Vec<_>, _>>()?;
        let done = keys.len() <= max;
        for key in keys.into_iter().take(max) {
            self.writes.insert(key, None);
        }
        Ok(done)
    }

    /// Number of rows that would be written.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// True where nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    pub(super) fn into_writes(self) -> Writes {
        self.writes
    }
}

impl Rows for Batch {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }

    fn iterate(&self, from: &[u8], to: &[u8], order: Order) -> RowIter<'_> {
        let base = self.base.iterate(from, to, order).peekable();
        if from >= to {
            return Box::new(std::iter::empty());
        }
        let pending = self.writes.range(from.to_vec()..to.to_vec());
        let pending: PendingIter<'_> = match order {
            Order::Forward => Box::new(pending),
            Order::Backward => Box::new(pending.rev()),
        };
        Box::new(Merge { base, pending: pending.peekable(), order })
    }
}

/// Two ordered row streams as one; the pending one wins.
struct Merge<'a> {
    base: Peekable<RowIter<'a>>,
    pending: Peekable<PendingIter<'a>>,
    order: Order,
}

impl Iterator for Merge<'_> {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let side = match (self.base.peek(), self.pending.peek()) {
                (Some(Ok((base, _))), Some((pending, _))) => {
                    let side = base.cmp(pending);
                    if self.order == Order::Forward { side } else { side.reverse() }
                }
                (Some(_), _) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            if side == Ordering::Less {
                return self.base.next();
            }
            if side == Ordering::Equal {
                self.base.next();
            }
            let (key, value) = self.pending.next()?;
            if let Some(value) = value {
                return Some(Ok((key.clone(), value.clone())));
            }
        }
    }
}
