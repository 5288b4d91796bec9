//! A room: its fold, and what may happen in it.
//!
//! The fold ([`RoomFold`]) is pure data that evolves by facts; the decisions take it and hand back
//! facts ([`RoomFact`]) or a typed refusal ([`RoomRefusal`]). Invariants: I2, I8, I14.

mod auth_index;
mod batch;
mod carried_levels;
mod create_room;
mod delta;
mod evolve;
mod fold;
mod membership;
mod new_event;
mod place;
mod provisional;
mod push;
mod receive;
mod redaction;
mod refusal;
mod state;
mod stored_fold;
mod visibility;

pub use self::{
    auth_index::{AuthIndex, IndexedEvent},
    batch::{Decision, LocalContext, RoomFact},
    carried_levels::{CarriedLevels, Replacement, carried_levels, level_of},
    create_room::{CREATE_EVENTS_MAX, CreateRoom, Preset, RoomCreated, decide_create_room},
    delta::{FoldDelta, FoldRest},
    fold::{
        GAPS_MAX, PENDING_REDACTIONS_MAX, RECENT_STATES_MAX, RoomFold, TXN_KEPT_MS, TXNS_MAX, Tip,
        TxnKey,
    },
    membership::{JoinPath, MembershipWish, join_path, member_event},
    new_event::{
        Approvals, EventSigner, Needed, NewEvent, add_signature, decide_new_event, event_template,
        needed_for, sign_template,
    },
    place::{ForeignBatch, GivenState, PlaceAs, PlaceFault, needed_for_placing},
    push::{PushOutcome, push_actions, push_outcome},
    receive::{DropReason, RECEIVED_BYTES_MAX, ReceivedPdu, Signatures, decide_store},
    refusal::RoomRefusal,
    state::{RoomState, StateEntry, StateKey, state_key},
    visibility::{SeenFrom, history_visibility, is_visible},
};
