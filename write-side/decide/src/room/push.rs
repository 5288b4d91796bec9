//! What a person's push rules say about an event.
//!
//! Owns the call of ruma's rule set as a pure function, and the counts that follow from it.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use ruma::{
    push::{Action, PushConditionRoomCtx, Ruleset},
    serde::Raw,
};

/// What an event does to a person's counts and devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushOutcome {
    /// Counts as unread and is pushed.
    pub notify: bool,
    /// Counts as a highlight.
    pub highlight: bool,
}

/// The actions of the first rule that matches the event, in the form that clients get.
///
/// Nothing for the person's own events. The rules' only asynchronous condition (thread
/// subscriptions) is not enabled, so the evaluation is ready at once.
pub fn push_actions<'a, T>(
    rules: &'a Ruleset,
    event: &Raw<T>,
    context: &PushConditionRoomCtx,
) -> &'a [Action] {
    let evaluation = pin!(rules.get_actions(event, context));
    match evaluation.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(actions) => actions,
        // Without a subscription lookup in the context nothing waits.
        Poll::Pending => &[],
    }
}

/// Whether the event notifies and highlights.
pub fn push_outcome<T>(
    rules: &Ruleset,
    event: &Raw<T>,
    context: &PushConditionRoomCtx,
) -> PushOutcome {
    let actions = push_actions(rules, event, context);
    let notify = actions.iter().any(Action::should_notify);
    PushOutcome { notify, highlight: notify && actions.iter().any(Action::is_highlight) }
}
