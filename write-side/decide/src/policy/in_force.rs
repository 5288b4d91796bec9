//! Everything that is in force, as one value that can be handed around.

use facts::fact::{Period, PolicyDocument, RecordKind};

use super::{Erasures, Holds, Rules};

/// A snapshot of policies, holds and erasures.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// Number of the policy document; 0 for none.
    pub version: u64,
    /// The policies.
    pub document: PolicyDocument,
    /// The holds.
    pub holds: Holds,
    /// The erasures that are under way.
    pub erasures: Erasures,
}

impl InForce {
    /// For asking a record's fate.
    pub fn rules(&self) -> Rules<'_> {
        Rules { document: &self.document, holds: &self.holds, erasures: &self.erasures }
    }

    /// Whether anything of this kind can be hidden from clients. `false` saves describing it. The
    /// original of a redacted record is hidden by the redaction itself.
    pub fn may_hide(&self, kind: RecordKind) -> bool {
        let ceiling = self
            .document
            .policies
            .values()
            .any(|rule| rule.keep_at_most.is_some() && rule.records.contains(&kind));
        let asked = kind == RecordKind::Messages && self.document.room_retention.is_some();
        // Media go with the last event that refers to them.
        let by_reference = kind == RecordKind::Media;
        ceiling || asked || by_reference || !self.erasures.is_empty()
    }

    /// The shortest time after which a ceiling can end a record of this kind, as policies or rooms
    /// have it; `None` where no ceiling reaches any. What is younger is hidden whole by nothing.
    pub fn shortest_ceiling(&self, kind: RecordKind) -> Option<Period> {
        let rules = self.document.policies.values().filter(|rule| rule.records.contains(&kind));
        let asked = self.document.room_retention.filter(|_| kind == RecordKind::Messages);
        let asked = asked.map(|rule| rule.shortest);
        rules.filter_map(|rule| rule.keep_at_most).chain(asked).min()
    }

    /// Whether anything of this kind can be due to be destroyed. `false` saves opening it.
    pub fn may_destroy(&self, kind: RecordKind) -> bool {
        let original = matches!(kind, RecordKind::Messages | RecordKind::State)
            && self.document.redaction.is_some();
        let done_with = matches!(kind, RecordKind::ToDevice | RecordKind::Account);
        original || done_with || self.may_hide(kind)
    }
}
