//! What became of an event, as RSMF has it: edits, reactions, receipts.
//!
//! Owns that only what has an effect stands there; `custom` names the rest, with the reason.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{custom::Custom, events::Writer};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    format::{FormError, later::Later, safe::inline, said::said},
};

/// The longest reaction that the format takes, in characters.
const REACTION_MAX: usize = 30;
/// Of a longer one, characters that are kept; an ellipsis and eight digits follow, which tell it
/// from others with the same beginning.
const REACTION_KEPT: usize = REACTION_MAX - 9;
/// In the place of a reaction without any character, which the format does not take.
const REACTION_EMPTY: &str = "(empty)";

impl Writer<'_, '_, '_> {
    pub(super) fn edits(
        &mut self,
        event: &Event,
        custom: &mut Custom,
    ) -> Result<Vec<Value>, FormError> {
        let Self { source, people, budget } = self;
        let (mut previous, mut edits) = (None, Vec::new());
        source.each_edit(event, |_, edit| {
            if let Some(why) = without_effect(&edit) {
                custom.put("edit_without_effect", &why);
            } else if budget.takes(&edit.event) {
                let new = said(&edit.event).whole();
                let before = previous.replace(new.clone());
                edits.push(json!({
                    "participant": people.id(edit.event.sender(), edit.position),
                    "timestamp": iso(edit.recorded_at),
                    "previous": before.unwrap_or_else(|| said(event).whole()), "new": new,
                }));
            } else {
                custom.put("edit_as_event_only", &edit.event.id);
            }
            Ok(())
        })?;
        Ok(edits)
    }

    /// Live ones by their keys, each person once.
    pub(super) fn reactions(
        &mut self,
        event: &Event,
        custom: &mut Custom,
    ) -> Result<Vec<Value>, FormError> {
        let Self { source, people, .. } = self;
        // A reaction may be as long as an event; what they are told apart by is not (I10).
        let (mut by_key, mut keys) = (Vec::<(String, Vec<String>)>::new(), HashMap::new());
        let mut counted = HashSet::new();
        source.each_reaction(event, |_, reaction| {
            if let Some(why) = without_effect(&reaction) {
                custom.put("reaction_without_effect", &why);
                return Ok(());
            }
            let Some(Relation::Annotates(_, key)) = reaction.event.relation() else {
                return Ok(());
            };
            let sender = reaction.event.sender();
            let at = *keys.entry(digest_of(key)).or_insert(by_key.len());
            if counted.insert((at, digest_of(sender))) {
                if at == by_key.len() {
                    by_key.push((value_of(key), Vec::new()));
                }
                by_key[at].1.push(people.id(sender, reaction.position));
            }
            Ok(())
        })?;
        let json = |(value, people): (String, Vec<String>)| json!({ "value": value, "count": people.len(), "participants": people });
        Ok(by_key.into_iter().map(json).collect())
    }

    pub(super) fn receipts(&mut self, event: &Event) -> Result<Vec<Value>, FormError> {
        let readers = self.source.readers(&event.id)?;
        let receipts = readers.into_iter().map(|(user, position, at)| {
            let participant = self.people.id(&user, position);
            json!({ "participant": participant, "timestamp": iso(at), "action": "read" })
        });
        Ok(receipts.collect())
    }
}

fn digest_of(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn without_effect(later: &Later) -> Option<String> {
    let fault = later.fault?;
    Some(format!("{} ({})", later.event.id, fault.name()))
}

/// A reaction within the format's bounds and on one line; different ones stay different.
fn value_of(key: &str) -> String {
    if key.is_empty() {
        return REACTION_EMPTY.to_owned();
    }
    let safe = inline(key);
    if safe == key && key.chars().count() <= REACTION_MAX {
        return safe;
    }
    let kept: String = safe.chars().take(REACTION_KEPT).collect();
    let digest = hex::encode(&Sha256::digest(key)[..4]);
    format!("{kept}…{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_keep_to_the_bounds_and_differ() {
        let long = "y".repeat(30);
        let keys = ["👍", "", &long, &format!("{long}A"), &format!("{long}B"), "\u{0}", "\u{1}"];
        let values: HashSet<String> = keys.iter().map(|key| value_of(key)).collect();
        assert_eq!(values.len(), keys.len());
        assert!(values.contains("👍") && values.contains(&long));
        assert!(values.iter().all(|value| (1..=30).contains(&value.chars().count())));
        assert!(!values.iter().any(|value| value.chars().any(char::is_control)));
    }
}
