//! Push rules: whom an event notifies.
//!
//! Owns one evaluation for everybody with the default rules whom the event does not name, and one
//! for each member whom it might name or who has rules of their own. Rules are ruma's. Default
//! rules look at a user only through `m.mentions` and the state key of an invite, so a member whom
//! neither names gets what nobody in particular gets.

mod members;
mod memo;
mod room_context;

use std::task::{Context, Poll, Waker};

use facts::StreamId;
use ruma::{
    UserId,
    push::{Action, FlattenedJson, PushConditionRoomCtx, Ruleset},
    serde::Raw,
};

pub(super) use self::{
    members::{LocalMember, PUSH_RULES, UserRules},
    memo::PushMemo,
};
use self::{memo::Signature, room_context::room_context};
use super::{applying::Applying, events::Placing};
use crate::{bodies::EventBody, store::StoreError};

/// What an event does for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) notify: bool,
    pub(super) highlight: bool,
}

/// What an event does for the local members of its room.
pub(super) struct Verdicts {
    /// For all that are not listed.
    pub(super) everybody: Outcome,
    /// For the others.
    pub(super) exceptions: Vec<(StreamId, Outcome)>,
}

/// An event in the form that rules look at; made only when needed.
struct Flat<'a> {
    event: &'a EventBody,
    flat: Option<FlattenedJson>,
}

impl Flat<'_> {
    fn get(&mut self) -> Option<&FlattenedJson> {
        if self.flat.is_none() {
            // A JSON object always encodes; without it no rule applies.
            self.flat = Raw::new(self.event.full()).ok().map(|raw| FlattenedJson::from_raw(&raw));
        }
        self.flat.as_ref()
    }
}

impl Applying<'_> {
    /// Evaluates the push rules of the local members of the event's room.
    pub(super) fn evaluate(&mut self, placing: &Placing<'_>) -> Result<Verdicts, StoreError> {
        let members = self.local_members(placing.room)?;
        let joined = self.room_row(placing.room)?.joined;
        let mut flat = Flat { event: placing.body, flat: None };
        let signature = Signature::of(placing.body, joined);
        let mut context = None;
        let everybody = if let Some(outcome) = self.memory.push.known(&signature) {
            outcome
        } else {
            let nobody = self.memory.push.nobody();
            let context = context.insert(room_context(self, placing.room, joined)?);
            context.user_id.clone_from(&nobody.user_id);
            let outcome = flat
                .get()
                .map_or_else(Outcome::default, |flat| outcome(&nobody.rules, flat, context));
            self.memory.push.remember(signature, outcome);
            outcome
        };
        let sender = placing.body.str("sender").unwrap_or_default();
        let mut exceptions = Vec::new();
        for member in members.iter() {
            if member.user_id == sender {
                exceptions.push((member.user, Outcome::default()));
                continue;
            }
            let rules = self.rules_of(member)?;
            if rules.is_default() && !member.may_be_named(placing.body) {
                continue;
            }
            let context = match &mut context {
                Some(context) => context,
                None => context.insert(room_context(self, placing.room, joined)?),
            };
            context.user_id.clone_from(&member.user_id);
            context.user_display_name.clone_from(&member.display_name);
            if let Some(flat) = flat.get() {
                exceptions.push((member.user, outcome(rules.ruleset(), flat, context)));
            }
        }
        Ok(Verdicts { everybody, exceptions })
    }
}

/// The outcome of the first rule that applies.
fn outcome(rules: &Ruleset, event: &FlattenedJson, context: &PushConditionRoomCtx) -> Outcome {
    let applies = async {
        for rule in rules {
            if rule.applies(event, context).await {
                return Outcome::of(rule.actions());
            }
        }
        Outcome::default()
    };
    // Only thread subscriptions, which are not asked for, would make a rule wait.
    match std::pin::pin!(applies).poll_once() {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Outcome::default(),
    }
}

trait PollOnce: Future {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }
}

impl<F: Future> PollOnce for F {}

impl Outcome {
    fn of(actions: &[Action]) -> Self {
        let notify = actions.iter().any(Action::should_notify);
        Self { notify, highlight: notify && actions.iter().any(Action::is_highlight) }
    }
}

/// The default rules of a user id.
fn default_rules(user_id: &UserId) -> Ruleset {
    Ruleset::server_default(user_id)
}
