//! What an actor decides on: the fold of one stream.
//!
//! Owns the trait by which the runtime keeps folds of any kind: evolving, saving the rows that
//! changed, loading. Invariants: I2 (`evolve` is pure), I7 (live, catching up and rebuilding all
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

/// The one row of a fold that is saved as a whole.
pub fn save_blob<T: Serialize>(fold: &T) -> Vec<FoldRow> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(fold, &mut bytes).expect("writing CBOR to memory cannot fail");
    vec![(Vec::new(), Some(bytes))]
}

/// Reads what [`save_blob`] wrote.
pub fn load_blob<T: DeserializeOwned>(rows: &[(Vec<u8>, Vec<u8>)]) -> Result<T, Unfit> {
    match rows {
        [(key, value)] if key.is_empty() => {
            ciborium::from_reader(value.as_slice()).map_err(|error| Unfit(error.to_string()))
        }
        _ => Err(Unfit("a fold of one row has other rows".to_owned())),
    }
}
