//! What an event of ours follows.

use facts::fact::StateBefore;

use crate::room::{
    fold::{RoomFold, Tip},
    provisional::entry_ref,
    state::changes_between,
};

/// A new event follows at most this many extremities (DESIGN section 5).
pub(crate) const PREV_EVENTS_MAX: usize = 10;
/// Of more extremities than that, this many are the newest; the others are chosen at random.
const NEWEST: usize = 5;

/// The extremities that a new event follows: all, or the newest and random old ones.
pub(crate) fn choose_prev(fold: &RoomFold, random: [u8; 32]) -> Vec<&Tip> {
    let tips = fold.tips();
    if tips.len() <= PREV_EVENTS_MAX {
        return tips.iter().collect();
    }
    let (old, newest) = tips.split_at(tips.len() - NEWEST);
    let mut old: Vec<&Tip> = old.iter().collect();
    let mut chosen = Vec::with_capacity(PREV_EVENTS_MAX);
    for bytes in random.chunks_exact(4).take(PREV_EVENTS_MAX - NEWEST) {
        let number = bytes.iter().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
        chosen.push(old.swap_remove(number % old.len()));
    }
    chosen.sort_by_key(|tip| tip.position);
    chosen.extend(newest);
    chosen
}

/// How a fact tells the state before an event that follows the extremities: the current state.
pub(crate) fn state_before(fold: &RoomFold) -> StateBefore {
    let Some(newest) = fold.tips().last() else {
        return StateBefore::AfterPrev;
    };
    let delta = fold
        .state_after(&newest.event_id)
        .map(|base| changes_between(base, fold.state()))
        .unwrap_or_default();
    if fold.tips().len() == 1 && delta.is_empty() {
        return StateBefore::AfterPrev;
    }
    StateBefore::Base { at: entry_ref(newest.position), delta, full: true }
}
