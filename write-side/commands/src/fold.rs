//! What an actor decides on: the fold of one stream.
//!
//! Owns the trait by which the runtime keeps folds of any kind: evolving, saving the rows that
//! changed, loading; and how the value of a row is written. Invariants: I2 (`evolve` is pure), I7 (live, catching up and rebuilding all
//! go through `evolve`, with facts decoded from the very bytes that the log holds).

use facts::{EntryHeader, Fact, StreamId, fact::StreamKind};
use serde::{Serialize, de::DeserializeOwned};

/// A fact that a fold cannot apply, or rows that are not a fold's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// A changed row of a fold: key within the fold, and the value or `None` for a removed row.
pub type FoldRow = (Vec<u8>, Option<Vec<u8>>);

/// The state of one stream.
pub trait Fold: Send + Sized + 'static {
    /// The kind of stream that has it.
    const KIND: StreamKind;

    /// The fold of a stream before its first fact.
    fn opened(stream: StreamId, name: &str) -> Self;

    /// Applies the next entry of the stream, beginning with `StreamOpened`; `None` stands for a
    /// fact whose keys are destroyed.
    fn evolve(&mut self, header: &EntryHeader, fact: Option<&Fact>) -> Result<(), Unfit>;

    /// The rows that changed since the last call, or since it was loaded. A fold that is small is
    /// one row with an empty key; a large one gives what changed alone, so that cost follows it.
    fn save(&mut self) -> Vec<FoldRow>;

    /// The fold from all its rows, in order of their keys.
    fn load(stream: StreamId, name: &str, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Self, Unfit>;
}

/// A fold that is small: saved as one row, whole, and untouched by a fact whose keys are
/// destroyed. It is a [`Fold`] by that.
pub trait SmallFold: Default + Serialize + DeserializeOwned + Send + 'static {
    /// The kind of stream that has it.
    const KIND: StreamKind;

    /// Applies the next fact of the stream.
    fn apply(&mut self, header: &EntryHeader, fact: &Fact);
}

impl<T: SmallFold> Fold for T {
    const KIND: StreamKind = <T as SmallFold>::KIND;

    fn opened(_stream: StreamId, _name: &str) -> Self {
        Self::default()
    }

    fn evolve(&mut self, header: &EntryHeader, fact: Option<&Fact>) -> Result<(), Unfit> {
        if let Some(fact) = fact {
            self.apply(header, fact);
        }
        Ok(())
    }

    fn save(&mut self) -> Vec<FoldRow> {
        vec![(Vec::new(), Some(encode(self)))]
    }

    fn load(_stream: StreamId, _name: &str, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Self, Unfit> {
        match rows.as_slice() {
            [(key, value)] if key.is_empty() => decode(value),
            _ => Err(Unfit("a fold of one row has other rows".to_owned())),
        }
    }
}

/// The value of a row.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(value, &mut bytes).expect("writing CBOR to memory cannot fail");
    bytes
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unfit> {
    ciborium::from_reader(bytes).map_err(|error| Unfit(error.to_string()))
}
