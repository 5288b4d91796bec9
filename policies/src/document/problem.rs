//! What is wrong with a document's text, and where.

use std::fmt;

/// At most so many problems are told.
pub const PROBLEMS_MAX: usize = 100;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key, as `policy.name.key`; empty where the text as a whole is wrong.
    pub key: String,
    /// What, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `line:column: key: message`, to stand after a file's name and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// A problem by the byte where it is.
pub(super) struct Found {
    pub(super) at: usize,
    pub(super) key: String,
    pub(super) message: String,
}

/// Bytes of the text as lines and columns.
pub(super) struct Places<'a>(&'a str);

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn problem(&self, at: usize, key: &str, message: String) -> Problem {
        let before = self.0.get(..at).unwrap_or(self.0);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Problem {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key: key.to_owned(),
            message,
        }
    }

    /// In order of the text.
    pub(super) fn sorted(&self, mut found: Vec<Found>) -> Vec<Problem> {
        found.sort_by_key(|found| found.at);
        let problem = |found: Found| self.problem(found.at, &found.key, found.message);
        found.into_iter().map(problem).collect()
    }
}
