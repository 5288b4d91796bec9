//! Why an entry could not be read.

use crate::Damage;

/// The disk misbehaves; a destroyed part is no fault, and neither is a position past the head.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// Reading a file failed; trying again may help.
    #[error("a segment could not be read")]
    Io(#[from] std::io::Error),
    /// What was read does not check; trying again does not help.
    #[error("{0}")]
    Damage(Damage),
}

impl From<Damage> for ReadFault {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}
