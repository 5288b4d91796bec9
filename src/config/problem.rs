//! What can be wrong with a configuration, and where.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file, and the line where it is known.
    File(PathBuf, Option<usize>),
    /// An environment variable.
    Environment(String),
    /// No place: something is missing, or a default does not fit the rest.
    Nowhere,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where.
    pub(crate) place: Place,
    /// The key, as `section.key`; empty where the whole source is wrong.
    pub(crate) key: String,
    /// What, and what to do.
    pub(crate) message: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, Some(line)) => write!(f, "{}:{line}: ", path.display()),
            Self::File(path, None) => write!(f, "{}: ", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}: "),
            Self::Nowhere => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}
