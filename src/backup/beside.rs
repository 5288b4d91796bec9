//! What an off-site copy holds beside what its manifest names: orders to destroy, and checkpoints
//! of the ledger, each an object by itself.
//!
//! Owns their names, which tell everything that is needed to look for them: incarnation, position
//! or size, and the SHA-256. An order is kept before anybody is told that it was carried out, long
//! before its segment is closed. A checkpoint is put only when every order below its size is
//! there, in segments or by itself: so its size says how far the orders are known.

use std::fmt;

/// Names begin with one of these.
const ORDERS: &str = "orders/";
const CHECKPOINTS: &str = "checkpoints/";
/// Such a file is at most this large: a frame of an entry, with its length.
pub(super) const BESIDE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// What a file beside the manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BesideKind {
    /// The sealed frame of an order to destroy.
    Order,
    /// A signed note.
    Checkpoint,
}

impl BesideKind {
    /// The folder, with its slash.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Order => ORDERS,
            Self::Checkpoint => CHECKPOINTS,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Order => ".order",
            Self::Checkpoint => ".checkpoint",
        }
    }
}

/// The name of a file beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BesideName {
    /// What it is.
    pub(crate) kind: BesideKind,
    /// Incarnation of the log.
    pub(crate) incarnation: u32,
    /// Position of the order, or entries that the checkpoint covers.
    pub(crate) at: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub(crate) sha256: String,
}

impl BesideName {
    /// Reads a name; `None` for every other file.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let kinds = [BesideKind::Order, BesideKind::Checkpoint];
        let kind = kinds.into_iter().find(|kind| name.starts_with(kind.folder()))?;
        let rest = name.strip_prefix(kind.folder())?.strip_suffix(kind.ending())?;
        let mut fields = rest.splitn(3, '-');
        let incarnation = fields.next()?.parse().ok()?;
        let at = fields.next()?.parse().ok()?;
        let sha256 = fields.next()?.to_owned();
        let read = Self { kind, incarnation, at, sha256 };
        let is_hash = read.sha256.len() == 64 && hex::decode(&read.sha256).is_ok();
        (is_hash && read.to_string() == name).then_some(read)
    }
}

impl fmt::Display for BesideName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, incarnation, at, sha256 } = self;
        write!(f, "{}{incarnation:010}-{at:020}-{sha256}{}", kind.folder(), kind.ending())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_no_other_is_taken() {
        for kind in [BesideKind::Order, BesideKind::Checkpoint] {
            let name = BesideName { kind, incarnation: 3, at: 77, sha256: "ab".repeat(32) };
            let text = name.to_string();
            assert_eq!(BesideName::parse(&text), Some(name));
            for wrong in [&text[1..], &text[..text.len() - 1], &text.replace("77", "7")] {
                assert_eq!(BesideName::parse(wrong), None, "{wrong}");
            }
        }
        assert_eq!(BesideName::parse("media/ab/cd"), None);
        assert_eq!(BesideName::parse("orders/1-2-3.order"), None);
    }
}
