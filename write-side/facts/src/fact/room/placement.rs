//! What was decided about a stored PDU.
//!
//! Owns the durable shape of a placement. Authorization and resolution run once, in `decide`;
//! `evolve` and projections only apply what stands here.

use serde::{Deserialize, Serialize};

use crate::EntryRef;

/// Outcome of the checks on a PDU (server-server API, "Checks performed on receipt of a PDU").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Part of the room.
    #[default]
    Accept,
    /// Allowed by the state before it, not by the current state: hidden from clients, and never a
    /// forward extremity.
    SoftFail(SoftFailReason),
    /// Not allowed by its auth events or by the state before it.
    Reject(RejectReason),
}

/// Why a PDU is soft-failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftFailReason {
    /// The current state does not allow it.
    CurrentState,
    /// The room's policy server refused to sign it.
    PolicyServer,
}

/// Why a PDU is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// A rule that needs no state forbids it.
    StateIndependent,
    /// Its own auth events do not allow it.
    AuthEvents,
    /// The state before it does not allow it.
    StateBefore,
    /// It names a rejected event among its auth events.
    AuthEventRejected,
}

/// How a PDU stands in the room's graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlacementKind {
    /// After what we had: walks through `/sync`.
    #[serde(rename = "l")]
    Live,
    /// Known, without a known state before it.
    #[serde(rename = "o")]
    Outlier,
    /// Before what we had: backfilled, seen through `/messages` alone.
    #[serde(rename = "h")]
    Historic,
}

/// The room's state before a PDU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StateBefore {
    /// The state after its only prev event; empty for the create event.
    #[serde(rename = "a")]
    AfterPrev,
    /// The state after another placed PDU, changed by a delta.
    #[serde(rename = "b")]
    Base {
        /// The PDU after which the base state holds.
        #[serde(rename = "a")]
        at: EntryRef,
        /// What differs: `old` in the base, `new` here.
        #[serde(rename = "d")]
        delta: Vec<StateChange>,
        /// False where members may be missing (a partial-state join).
        #[serde(rename = "f")]
        full: bool,
    },
    /// Not known: an outlier.
    #[serde(rename = "u")]
    Unknown,
}

/// One change of room state: (type, state key, old, new). `None` stands for "not set".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange(
    /// Event type.
    pub String,
    /// State key.
    pub String,
    /// The `PduStored` entry that held the place before.
    pub Option<EntryRef>,
    /// The `PduStored` entry that holds it now; may name an earlier event after a resolution.
    pub Option<EntryRef>,
);

/// Where a PDU stands in the timeline order of `/messages` (DESIGN section 6).
///
/// Runs are ordered by their number, smaller ones being older. Live events are run 0 and count up
/// from 0; a backfilled stretch takes a run of its own below the gap it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimelinePlace(
    /// The run.
    pub i64,
    /// The index within the run.
    pub i64,
);

/// What was decided about a PDU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Outcome of the checks.
    #[serde(rename = "v", default, skip_serializing_if = "is_accept")]
    pub verdict: Verdict,
    /// Live, outlier or historic.
    #[serde(rename = "k")]
    pub kind: PlacementKind,
    /// The state before it.
    #[serde(rename = "b")]
    pub before: StateBefore,
    /// How the current state of the room changed.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<StateChange>,
    /// The room's forward extremities afterwards; `None` stands for "this PDU alone".
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub extremities: Option<Vec<EntryRef>>,
    /// Timeline order; `None` for what no client sees.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelinePlace>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_accept(verdict: &Verdict) -> bool {
    *verdict == Verdict::Accept
}
