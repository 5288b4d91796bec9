//! What becomes of a record: floors, ceilings, holds, erasure and restriction.
//!
//! Owns one pure function, [`fate`], and the same with its reasons, [`explain`]. What is hidden
//! from clients and what is destroyed come from that one answer, so that they cannot disagree:
//!
//! - what is destroyed is hidden;
//! - what is hidden and not destroyed is *restricted*: a hold, or a floor that an erasure waits
//!   for, keeps it, and the explanation names it;
//! - a ceiling alone hides nothing before every floor of the record has ended;
//! - a hold changes when a record is destroyed, never what clients see.
//!
//! Holds win over everything; floors win over ceilings and erasure; the shortest ceiling and the
//! longest floor win among their kind. Age counts from when we received a record, never from its
//! sender's clock. Invariants: I2, I9.

mod check;
mod destroying;
mod erasure;
mod explain;
mod fate;
mod ground;
mod holds;
mod in_force;
mod limits;
mod record;
#[cfg(test)]
mod tests;
mod weakening;

pub use self::{
    check::{
        DOCUMENT_BYTES_MAX, DocumentFault, FaultPlace, NAMES_MAX, POLICIES_MAX, POLICY_NAME_MAX,
        REASON_BYTES_MAX, check_document,
    },
    destroying::{cause, takes},
    erasure::{Erasure, Erasures},
    explain::{Explanation, explain},
    fate::{Extent, Fate, Rules, fate},
    ground::Ground,
    holds::{Hold, HoldPart, Holds},
    in_force::InForce,
    record::{Record, References, RoomRetention, Standing, kind_of_class},
    weakening::{Missing, Weakening, weakening},
};
