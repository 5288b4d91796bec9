//! Pages of a walk over the log: how they are asked for, and how an answer ends.

use facts::LogPosition;
use http_edge::MatrixError;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::scope_walk::{Stretch, WalkBounds};

/// Entries in a page if nothing is said.
const LIMIT: usize = 100;
/// Entries in a page, at most.
const LIMIT_MAX: usize = 1_000;
/// Bytes of a page's parts in clear, at most.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Headers that a page looks at, at most; an empty page that is not done is gone on from.
const SCANNED_MAX: usize = 200_000;

/// The query of a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// Where to go on: `next` of the page before.
    #[serde(default)]
    from: u64,
    /// Entries, at most.
    limit: Option<usize>,
    /// Where the walk ends: `last` of the first page. Absent for the end of the log.
    last: Option<u64>,
}

impl PageQuery {
    pub(super) fn new(from: u64, limit: Option<usize>, last: Option<u64>) -> Self {
        Self { from, limit, last }
    }

    pub(super) fn from(&self) -> LogPosition {
        LogPosition(self.from)
    }

    /// The bounds; a limit of 0 is refused.
    pub(super) fn bounds(&self) -> Result<WalkBounds, MatrixError> {
        let limit = self.limit.unwrap_or(LIMIT);
        if limit == 0 {
            return Err(MatrixError::invalid_param("`limit` must be at least 1"));
        }
        Ok(WalkBounds {
            entries_max: limit.min(LIMIT_MAX),
            bytes_max: BYTES_MAX,
            scanned_max: SCANNED_MAX,
            last: self.last.map(LogPosition),
        })
    }
}

/// An answer: the items, the stretch of the log that they are from, where to go on.
pub(super) fn answer(name: &str, items: Vec<Value>, stretch: &Stretch) -> Value {
    let mut answer = Map::new();
    answer.insert(name.to_owned(), Value::Array(items));
    answer.insert("from".to_owned(), stretch.from.0.into());
    answer.insert("next".to_owned(), stretch.until.0.into());
    answer.insert("last".to_owned(), stretch.last.0.into());
    answer.insert("done".to_owned(), stretch.done.into());
    Value::Object(answer)
}
