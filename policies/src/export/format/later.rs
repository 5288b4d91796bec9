//! What came later and refers to an event: its edits, reactions, receipts, and its deletion.
//!
//! Owns which edits replace a text and which reactions stand (client-server API, "Validity of
//! replacement events", "Event annotations and reactions"). One that has no effect is told with the
//! reason, never left out: it is an item of its own anyway.

use std::sync::Arc;

use super::{FormError, Source};
use crate::export::{
    event::{Event, Relation},
    index::Became,
    item::What,
};

/// Bytes of texts that are told again with what they refer to, at most, in one slice.
const AGAIN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An event that refers to an earlier one.
pub(crate) struct Later {
    pub(crate) position: u64,
    /// When it was recorded, in milliseconds since the Unix epoch.
    pub(crate) recorded_at: u64,
    pub(crate) event: Arc<Event>,
    /// Why it changes nothing of what it refers to.
    pub(crate) fault: Option<NoEffect>,
}

/// How much of edits' texts, of reactions and of reasons may still stand with what they refer to
/// (I10). Beyond it they stand with their own items alone.
pub(crate) struct EditBudget(usize);

impl EditBudget {
    /// For a slice.
    pub(crate) fn of_slice() -> Self {
        Self(AGAIN_BYTES_MAX)
    }

    /// Whether the text of an edit is within the bound; after anything that is not, nothing is.
    pub(crate) fn takes(&mut self, edit: &Event) -> bool {
        self.takes_bytes(edit.json().len())
    }

    /// The same of a text of so many bytes.
    pub(crate) fn takes_bytes(&mut self, count: usize) -> bool {
        let left = self.0.checked_sub(count);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }
}

/// Why an edit or a reaction has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEffect {
    OtherRoom,
    OtherSender,
    OtherType,
    StateEvent,
    EditOfEdit,
    NoNewContent,
    /// The server did not accept it.
    NotAccepted,
    Deleted,
}

impl NoEffect {
    /// For programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OtherRoom => "other_room",
            Self::OtherSender => "other_sender",
            Self::OtherType => "other_type",
            Self::StateEvent => "state_event",
            Self::EditOfEdit => "edit_of_edit",
            Self::NoNewContent => "no_new_content",
            Self::NotAccepted => "not_accepted",
            Self::Deleted => "deleted",
        }
    }

    /// For people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::OtherRoom => "from another room",
            Self::OtherSender => "by somebody else than the sender",
            Self::OtherType => "of another type",
            Self::StateEvent => "state events are not edited",
            Self::EditOfEdit => "edits are not edited",
            Self::NoNewContent => "it has no new content",
            Self::NotAccepted => "the server did not accept it",
            Self::Deleted => "it was deleted",
        }
    }
}

/// Whether an edit replaces its target; the reason where it does not. What is encrypted is not
/// looked into.
fn edit_fault(target: &Event, edit: &Event) -> Option<NoEffect> {
    let is_edit = |event: &Event| matches!(event.relation(), Some(Relation::Replaces(_)));
    if let Some(fault) = common_fault(target, edit) {
        Some(fault)
    } else if target.sender() != edit.sender() {
        Some(NoEffect::OtherSender)
    } else if target.event_type() != edit.event_type() {
        Some(NoEffect::OtherType)
    } else if target.state_key().is_some() || edit.state_key().is_some() {
        Some(NoEffect::StateEvent)
    } else if is_edit(target) {
        Some(NoEffect::EditOfEdit)
    } else if edit.event_type() != "m.room.encrypted" && edit.new_content().is_none() {
        Some(NoEffect::NoNewContent)
    } else {
        None
    }
}

/// What holds for whatever refers to an event.
fn common_fault(target: &Event, later: &Event) -> Option<NoEffect> {
    if target.room != later.room {
        return Some(NoEffect::OtherRoom);
    }
    later.verdict.is_some_and(|verdict| verdict != "accept").then_some(NoEffect::NotAccepted)
}

impl Source<'_> {
    /// Visits events that say that they edit one, in order of the log.
    pub(crate) fn each_edit(
        &mut self,
        target: &Event,
        visit: impl FnMut(&mut Self, Later) -> Result<(), FormError>,
    ) -> Result<(), FormError> {
        let judge = |edit: &Event| match edit.relation() {
            Some(Relation::Replaces(id)) if id == target.id => Some(edit_fault(target, edit)),
            _ => None,
        };
        self.each_later(target, Became::Edited, judge, visit)
    }

    /// Visits reactions to an event, in order of the log.
    pub(crate) fn each_reaction(
        &mut self,
        target: &Event,
        visit: impl FnMut(&mut Self, Later) -> Result<(), FormError>,
    ) -> Result<(), FormError> {
        let judge = |reaction: &Event| match reaction.relation() {
            Some(Relation::Annotates(id, _)) if id == target.id => {
                Some(common_fault(target, reaction))
            }
            _ => None,
        };
        self.each_later(target, Became::Reacted, judge, visit)
    }

    /// One is held at a time. `judge` tells nothing of what is about another event.
    fn each_later(
        &mut self,
        target: &Event,
        what: Became,
        judge: impl Fn(&Event) -> Option<Option<NoEffect>>,
        mut visit: impl FnMut(&mut Self, Later) -> Result<(), FormError>,
    ) -> Result<(), FormError> {
        let index = self.index;
        for place in index.later(&target.id, what) {
            let Some((recorded_at, event)) = self.event(place)? else { continue };
            let Some(fault) = judge(&event) else { continue };
            let position = place.position;
            let deleted = index.redacted_by(position).map(|_| NoEffect::Deleted);
            let fault = fault.or(deleted);
            visit(self, Later { position, recorded_at, event, fault })?;
        }
        Ok(())
    }

    /// Who read up to an event, and when: person, position and time of the receipt.
    pub(crate) fn readers(&mut self, event_id: &str) -> Result<Vec<(String, u64, u64)>, FormError> {
        let places: Vec<_> = self.index.later(event_id, Became::Read).collect();
        let mut found = Vec::new();
        for place in places {
            if let Some(item) = self.item(place)?
                && let What::Receipt { user, event_id: of, .. } = item.what
                && of == event_id
            {
                found.push((user, item.position, item.recorded_at));
            }
        }
        Ok(found)
    }

    /// Who sent the deletion that takes effect with a mark; nothing for other items.
    pub(crate) fn redaction_of(&mut self, what: &What) -> Result<Option<String>, FormError> {
        let What::RedactionApplied { by, .. } = what else { return Ok(None) };
        Ok(self.redaction_at(*by)?.map(|(_, event)| event.sender().to_owned()))
    }

    /// The event by which one was redacted first, and when that was recorded.
    pub(crate) fn redaction(
        &mut self,
        position: u64,
    ) -> Result<Option<(u64, Arc<Event>)>, FormError> {
        match self.index.redacted_by(position) {
            Some(by) => self.redaction_at(by),
            None => Ok(None),
        }
    }

    /// A deletion by its position: of the stretch, or of the context where it is somebody else's.
    fn redaction_at(&mut self, by: u64) -> Result<Option<(u64, Arc<Event>)>, FormError> {
        match self.index.redaction_at(by) {
            Some(place) => self.event(place),
            None => match self.index.redaction_of_context(by) {
                Some(offset) => self.event_of_context(offset),
                None => Ok(None),
            },
        }
    }
}
