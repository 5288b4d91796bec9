//! Reading rows, from a snapshot or from a batch under construction alike.
//!
//! Owns the trait [`Rows`], so that one lookup serves both projecting and querying.

use super::{Key, StoreError};

/// Direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// A key with its value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// Rows in order.
pub(crate) type RowIter<'a> = Box<dyn Iterator<Item = Result<Row, StoreError>> + 'a>;

/// Something that rows can be read from.
pub trait Rows {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Rows with `from <= key < to`.
    fn iterate(&self, from: &[u8], to: &[u8], order: Order) -> RowIter<'_>;

    /// Rows whose keys begin with `prefix`.
    fn prefix(&self, prefix: &Key, order: Order) -> RowIter<'_> {
        self.iterate(prefix.as_bytes(), &prefix.after_prefix(), order)
    }

    /// The last row with `prefix` whose key is at most `upto` (inclusive).
    fn last_at_most(&self, prefix: &Key, upto: &Key) -> Result<Option<Row>, StoreError> {
        let mut end = upto.as_bytes().to_vec();
        end.push(0);
        self.iterate(prefix.as_bytes(), &end, Order::Backward).next().transpose()
    }

    /// The value of [`Self::last_at_most`] where all rows with `prefix` up to `upto` are settled:
    /// nothing committed later adds, changes or removes one of them.
    fn last_settled(&self, prefix: &Key, upto: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.last_at_most(prefix, upto)?.map(|(_, value)| value))
    }

    /// A value of exactly 8 bytes, big-endian.
    fn get_u64(&self, key: &Key) -> Result<Option<u64>, StoreError> {
        self.get(key.as_bytes())?
            .map(|value| {
                value
                    .as_slice()
                    .try_into()
                    .map(u64::from_be_bytes)
                    .map_err(|_| StoreError::Row(key.table()))
            })
            .transpose()
    }

    /// A value in CBOR.
    fn get_row<T: serde::de::DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        self.get(key.as_bytes())?.map(|value| decode(key.table(), &value)).transpose()
    }
}

/// Reads a row's value.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(
    table: u8,
    value: &[u8],
) -> Result<T, StoreError> {
    ciborium::from_reader(value).map_err(|_| StoreError::Row(table))
}
