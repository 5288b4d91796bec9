//! Given facts, when a command, then facts or a refusal.

mod accounts;
mod backups;
mod data;
mod keys;
mod sessions;
mod signing;
mod uia;

use facts::{
    EntryHeader, Fact, Incarnation, KeyEpoch, LogPosition, Revision, StreamId, Timestamp,
    fact::{AccountCreated, AccountKind, DeviceAdded},
};

use super::{Decision, UserFold};

pub(super) const ALICE: &str = "@alice:example.org";

/// A person whose stream is told fact by fact.
pub(super) struct Person {
    pub(super) fold: UserFold,
    pub(super) told: Vec<(EntryHeader, Fact)>,
    pub(super) now: Timestamp,
}

impl Person {
    pub(super) fn unknown() -> Self {
        Self { fold: UserFold::new(ALICE), told: Vec::new(), now: Timestamp(1_000_000) }
    }

    /// A registered person.
    pub(super) fn alice() -> Self {
        let mut person = Self::unknown();
        let created = AccountCreated { kind: AccountKind::User, admin: false };
        person.given([created.into()]);
        person
    }

    /// A registered person with a device `DEV`.
    pub(super) fn with_device() -> Self {
        let mut person = Self::alice();
        person.given([device("DEV")]);
        person
    }

    pub(super) fn given(&mut self, facts: impl IntoIterator<Item = Fact>) {
        for fact in facts {
            let header = header(self.told.len() as u64 + 1, self.now);
            self.fold.evolve(&header, &fact);
            self.told.push((header, fact));
        }
        self.replay_gives_the_same();
    }

    /// Decides, and what was decided happens.
    pub(super) fn when(&mut self, decision: Decision) -> Vec<Fact> {
        let facts = decision.expect("the command is allowed");
        self.given(facts.clone());
        facts
    }

    /// Also through the saved form, cut at the middle.
    fn replay_gives_the_same(&self) {
        let mut replayed = UserFold::new(ALICE);
        for (i, (header, fact)) in self.told.iter().enumerate() {
            if i == self.told.len() / 2 {
                replayed = saved_and_loaded(&replayed);
            }
            replayed.evolve(header, fact);
        }
        assert_eq!(replayed, self.fold);
    }
}

/// As the fold store keeps it.
fn saved_and_loaded(fold: &UserFold) -> UserFold {
    let mut bytes = Vec::new();
    ciborium::into_writer(fold, &mut bytes).unwrap();
    let mut loaded: UserFold = ciborium::from_reader(bytes.as_slice()).unwrap();
    let mut bytes = Vec::new();
    ciborium::into_writer(&fold.backups, &mut bytes).unwrap();
    loaded.backups = ciborium::from_reader(bytes.as_slice()).unwrap();
    loaded
}

pub(crate) fn header(position: u64, recorded_at: Timestamp) -> EntryHeader {
    EntryHeader {
        position: LogPosition(position),
        stream: StreamId(1),
        revision: Revision(position),
        incarnation: Incarnation(1),
        fact_type: 0,
        fact_version: 1,
        recorded_at,
        key_epoch: KeyEpoch(1),
        batch: LogPosition(position),
        actor: StreamId(1),
        cause: LogPosition(0),
        parts: Vec::new(),
    }
}

pub(super) fn device(device_id: &str) -> Fact {
    DeviceAdded { device_id: device_id.to_owned(), display_name: None }.into()
}
