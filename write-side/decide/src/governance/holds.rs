//! Holds: what is held, for whom and since when, and releases that wait for a second person.
//!
//! Owns the part of the fold about holds; released holds are in the log alone. What a hold covers
//! is `decide::policy`'s. Invariants: I2, I10.

use std::collections::{BTreeMap, BTreeSet};

use facts::{
    EntryHeader, Fact, LogPosition, Timestamp,
    fact::{HoldExtent, Scope},
};
use serde::{Deserialize, Serialize};

use super::{HoldRefusal, REQUEST_DAYS};
use crate::policy::{self, HoldPart};

/// So many holds are in force at a time.
pub const HOLDS_MAX: usize = 1_000;
/// So many parts has a hold, those that ended counted too.
pub const HOLD_PARTS_MAX: usize = 100;
/// So many persons and rooms do all holds name.
pub const HOLD_NAMES_MAX: usize = 100_000;

/// A release that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// Its position, which names it.
    pub request: LogPosition,
    /// What should end.
    pub extent: HoldExtent,
    /// User id of who asked.
    pub requester: String,
    /// Why.
    pub reason: String,
    /// When.
    pub requested_at: Timestamp,
}

impl ReleaseRequest {
    /// From then on it can no longer be approved.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp(self.requested_at.0.saturating_add(REQUEST_DAYS * 86_400_000))
    }
}

/// A hold in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldInForce {
    /// The matter.
    pub matter: String,
    /// The case that it belongs to.
    pub case: Option<LogPosition>,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: Timestamp,
    /// The parts in force.
    pub parts: BTreeMap<u32, Scope>,
    /// Number of the next part.
    pub next_part: u32,
    /// Custodians who were told, and when first.
    pub notified: BTreeMap<String, Timestamp>,
    /// A release that waits.
    pub release: Option<ReleaseRequest>,
}

impl HoldInForce {
    /// Everybody whom it names.
    pub fn custodians(&self) -> BTreeSet<&str> {
        let users = self.parts.values().flat_map(|part| &part.users);
        users.map(|user| user.name.as_str()).collect()
    }

    /// The release that waits at a time.
    pub fn waiting(&self, now: Timestamp) -> Option<&ReleaseRequest> {
        self.release.as_ref().filter(|request| now < request.expires_at())
    }

    fn add(&mut self, parts: &[Scope]) {
        for part in parts {
            self.parts.insert(self.next_part, part.clone());
            self.next_part += 1;
        }
    }
}

/// All holds in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldBook(BTreeMap<LogPosition, HoldInForce>);

impl HoldBook {
    /// A hold in force.
    pub fn get(&self, hold: LogPosition) -> Result<&HoldInForce, HoldRefusal> {
        self.0.get(&hold).ok_or(HoldRefusal::UnknownHold)
    }

    /// A hold with the release that waits for it.
    pub fn waiting(
        &self,
        request: LogPosition,
        now: Timestamp,
    ) -> Result<(LogPosition, &HoldInForce, &ReleaseRequest), HoldRefusal> {
        self.iter()
            .find_map(|(at, hold)| {
                let waiting = hold.waiting(now).filter(|waiting| waiting.request == request)?;
                Some((at, hold, waiting))
            })
            .ok_or(HoldRefusal::UnknownRequest)
    }

    /// Every hold in force, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (LogPosition, &HoldInForce)> {
        self.0.iter().map(|(at, hold)| (*at, hold))
    }

    /// How many are in force.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many persons and rooms they name.
    pub fn names(&self) -> usize {
        self.0.values().flat_map(|hold| hold.parts.values()).map(names_of).sum()
    }

    /// The index that destroying asks.
    pub fn index(&self) -> policy::Holds {
        let hold = |(at, hold): (&LogPosition, &HoldInForce)| {
            let parts = hold.parts.iter().map(|(number, part)| (*number, HoldPart::from(part)));
            (*at, policy::Hold { matter: hold.matter.clone(), parts: parts.collect() })
        };
        policy::Holds::new(self.0.iter().map(hold).collect())
    }

    pub(super) fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        match fact {
            Fact::HoldPlaced(placed) => {
                let mut hold = HoldInForce {
                    matter: placed.matter.clone(),
                    case: placed.case,
                    placed_by: placed.by.user.clone(),
                    placed_at: header.recorded_at,
                    parts: BTreeMap::new(),
                    next_part: 0,
                    notified: BTreeMap::new(),
                    release: None,
                };
                hold.add(&placed.parts);
                self.0.insert(header.position, hold);
            }
            Fact::HoldWidened(widened) => {
                if let Some(hold) = self.0.get_mut(&widened.hold) {
                    hold.add(&widened.parts);
                    // What was asked for was another hold than the one that it is now.
                    hold.release = None;
                }
            }
            Fact::HoldReleaseRequested(requested) => {
                if let Some(hold) = self.0.get_mut(&requested.hold) {
                    hold.release = Some(ReleaseRequest {
                        request: header.position,
                        extent: requested.extent.clone(),
                        requester: requested.by.user.clone(),
                        reason: requested.by.reason.clone(),
                        requested_at: header.recorded_at,
                    });
                }
            }
            Fact::HoldReleased(released) => self.release(released.hold, released.request),
            Fact::HoldReleaseRejected(rejected) => {
                if let Some(hold) = self.0.get_mut(&rejected.hold) {
                    hold.release = None;
                }
            }
            Fact::CustodiansNotified(told) => {
                if let Some(hold) = self.0.get_mut(&told.hold) {
                    for user in &told.users {
                        hold.notified.entry(user.clone()).or_insert(header.recorded_at);
                    }
                }
            }
            _ => {}
        }
    }

    fn release(&mut self, at: LogPosition, request: LogPosition) {
        let Some(hold) = self.0.get_mut(&at) else { return };
        match hold.release.take() {
            Some(release) if release.request == request => match release.extent {
                HoldExtent::Whole => {
                    self.0.remove(&at);
                }
                HoldExtent::Parts(parts) => hold.parts.retain(|part, _| !parts.contains(part)),
            },
            // Whatever is not the release that was decided releases nothing.
            other => hold.release = other,
        }
    }
}

/// Persons and rooms of a scope.
pub(super) fn names_of(scope: &Scope) -> usize {
    scope.users.len() + scope.rooms.len()
}
