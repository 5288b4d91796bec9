//! Legal holds: what must not be destroyed, whatever else is decided.
//!
//! Owns the facts of placing, widening and releasing, and of notifying custodians. A hold is named
//! by the position of `HoldPlaced`. Its scope is a list of numbered parts: it is widened by adding
//! parts and narrowed by releasing parts, never by changing one. A release needs two persons, so
//! that asking and releasing are two facts. Releasing destroys nothing by itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Act, Scope, one_part_fact};
use crate::LogPosition;

/// A hold is in force from here on. Its position names it.
///
/// A part covers the records that one of its persons (custodians) sent, owns, received or is the
/// subject of, that belong to one of its rooms, and that were in force in its time, by received
/// time. Names count, not streams: a room that was purged and joined again is covered too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPlaced {
    /// The matter that it serves.
    pub matter: String,
    /// Its scope; the parts are numbered from 0.
    pub parts: Vec<Scope>,
    /// The case that it belongs to, if any.
    pub case: Option<LogPosition>,
    /// Who places it, and why.
    pub by: Act,
}
one_part_fact!(HoldPlaced = 161, Governance, personal: false);

/// Parts are added to a hold; they take the next numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldWidened {
    /// The hold.
    pub hold: LogPosition,
    /// The new parts.
    pub parts: Vec<Scope>,
    /// Who widens it, and why.
    pub by: Act,
}
one_part_fact!(HoldWidened = 162, Governance, personal: false);

/// What of a hold ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldExtent {
    /// The whole hold. Parts that are added meanwhile end the request.
    Whole,
    /// Parts by number, never all that are in force.
    Parts(BTreeSet<u32>),
}

/// An officer asks that a hold or parts of it end. Its position names the request; everything
/// stays held until another officer agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReleaseRequested {
    /// The hold.
    pub hold: LogPosition,
    /// What should end.
    pub extent: HoldExtent,
    /// Who asks, and why.
    pub by: Act,
}
one_part_fact!(HoldReleaseRequested = 163, Governance, personal: false);

/// A second officer agrees: the hold, or these parts of it, end here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReleased {
    /// The hold.
    pub hold: LogPosition,
    /// The request.
    pub request: LogPosition,
    /// Who agrees, and why.
    pub by: Act,
}
one_part_fact!(HoldReleased = 164, Governance, personal: false);

/// The request for release is over: refused by another officer, or withdrawn by whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReleaseRejected {
    /// The hold.
    pub hold: LogPosition,
    /// The request.
    pub request: LogPosition,
    /// Who ends it, and why.
    pub by: Act,
}
one_part_fact!(HoldReleaseRejected = 165, Governance, personal: false);

/// Custodians were told of a hold; the entry's recorded time is taken for when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodiansNotified {
    /// The hold.
    pub hold: LogPosition,
    /// User ids of those who were told.
    pub users: BTreeSet<String>,
    /// Who told them; the reason says how.
    pub by: Act,
}
one_part_fact!(CustodiansNotified = 166, Governance, personal: false);
