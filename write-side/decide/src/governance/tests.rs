//! Given facts, when a command of governance, then facts or a refusal.

mod cases;
mod holds;
mod policies;
mod roles;

use facts::{
    EntryHeader, Fact, LogPosition, Timestamp,
    fact::{Act, Role, RolesBootstrapped},
};

use super::{AccountStanding, GovernanceFold, GovernanceRefusal, approve_role, request_role};
use crate::user::tests::header;

pub(super) const ANN: &str = "@ann:example.org";
pub(super) const BEN: &str = "@ben:example.org";
pub(super) const CLEO: &str = "@cleo:example.org";
pub(super) const DAN: &str = "@dan:example.org";
pub(super) const DAY: u64 = 86_400_000;

/// A governance stream that is told fact by fact.
pub(super) struct House {
    pub(super) fold: GovernanceFold,
    told: Vec<(EntryHeader, Fact)>,
    pub(super) now: Timestamp,
}

impl House {
    pub(super) fn empty() -> Self {
        Self { fold: GovernanceFold::default(), told: Vec::new(), now: Timestamp(1_000 * DAY) }
    }

    /// Ann and Ben are the first officers.
    pub(super) fn set_up() -> Self {
        let mut house = Self::empty();
        house.given(RolesBootstrapped { officers: vec![ANN.to_owned(), BEN.to_owned()] });
        house
    }

    /// As [`Self::set_up`], and Cleo has a role too.
    pub(super) fn with_cleo(role: Role) -> Self {
        let mut house = Self::set_up();
        house.grant(role, CLEO);
        house
    }

    pub(super) fn grant(&mut self, role: Role, grantee: &str) {
        let active = AccountStanding::Active;
        let request =
            self.when(request_role(&self.fold, role, grantee, active, act(ANN), self.now));
        self.when(approve_role(&self.fold, request, active, act(BEN), self.now));
    }

    /// Something happens; gives its position.
    pub(super) fn given(&mut self, fact: impl Into<Fact>) -> LogPosition {
        let fact = fact.into();
        let header = header(self.told.len() as u64 + 1, self.now);
        let position = header.position;
        self.fold.evolve(&header, &fact);
        self.told.push((header, fact));
        self.replay_gives_the_same();
        position
    }

    /// What was decided happens; gives the position of the one fact.
    pub(super) fn when(&mut self, decision: Result<Vec<Fact>, GovernanceRefusal>) -> LogPosition {
        let [fact] = <[Fact; 1]>::try_from(decision.expect("allowed")).expect("one fact");
        self.given(fact)
    }

    pub(super) fn days_pass(&mut self, days: u64) {
        self.now.0 += days * DAY;
    }

    /// Also through the saved form, cut at the middle.
    fn replay_gives_the_same(&self) {
        let mut replayed = GovernanceFold::default();
        for (i, (header, fact)) in self.told.iter().enumerate() {
            if i == self.told.len() / 2 {
                let mut bytes = Vec::new();
                ciborium::into_writer(&replayed, &mut bytes).unwrap();
                replayed = ciborium::from_reader(bytes.as_slice()).unwrap();
            }
            replayed.evolve(header, fact);
        }
        assert_eq!(replayed, self.fold);
    }
}

pub(super) fn act(user: &str) -> Act {
    Act { user: user.to_owned(), address: None, reason: "because".to_owned() }
}
