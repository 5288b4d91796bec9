//! What is to be done about a record.
//!
//! Owns the one judgment that the dry run shows and the run carries out, so that the set of the
//! one is the set of the other.

use decide::policy::{Extent, Fate, InForce, cause, explain};
use facts::{Timestamp, fact::ShredCause};

use crate::record_description::DescribedRecord;

/// A judgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It stays, or there is nothing of it left to destroy.
    Kept,
    /// It is over, and a hold or a floor keeps it.
    Restricted(Extent),
    /// It is to be destroyed.
    Destroy(Destroy),
}

/// A destruction that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroy {
    /// How much.
    pub extent: Extent,
    /// What the order will say.
    pub cause: ShredCause,
    /// For an erasure, when it was asked for.
    pub erasure_of: Option<Timestamp>,
}

/// Judges a record.
pub fn judge(described: &DescribedRecord, in_force: &InForce, now: Timestamp) -> Judged {
    // As soon as it is known: most of a log that was destroyed once is like that.
    if !described.is_left(Extent::Whole) {
        return Judged::Kept;
    }
    described.record.ask(|asked| {
        let explanation = explain(asked, &in_force.rules(), now);
        let why = cause(&explanation.decided_by, described.record.kind);
        match (explanation.fate, why) {
            (Fate::Restricted { extent, .. }, _) if described.is_left(extent) => {
                Judged::Restricted(extent)
            }
            (Fate::Destroy { extent, .. }, Some(cause)) if described.is_left(extent) => {
                let erasure_of = match cause {
                    ShredCause::Erasure => in_force.erasures.reaching(asked).map(|one| one.at),
                    _ => None,
                };
                Judged::Destroy(Destroy { extent, cause, erasure_of })
            }
            // What no rule ends is not destroyed, and what is gone not again.
            _ => Judged::Kept,
        }
    })
}
