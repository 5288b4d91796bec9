//! Commands on rooms: one command, one file.
//!
//! Owns what they share: how the fold of a room is kept, how the PDUs that a decision reads are
//! gathered, and how decided facts become drafts. The rules are `decide::room`'s.
//! Invariants: I3, I14 (authorization reads the write side's own fold).

mod act;
mod ban_user;
pub(crate) mod canonical_alias;
mod create_room;
mod drafts;
mod fold;
mod forget_room;
mod inputs;
mod invite_block;
mod invite_user;
mod join_room;
mod kick_user;
mod knock_room;
mod leave_room;
mod local;
mod member_event;
mod merge_extremities;
mod placing_pool;
pub(crate) mod powers;
mod publish_room;
mod receive_pdus;
mod refusal;
mod send_event;
mod state_after;
mod state_content;
mod stub_messages;
mod template_event;
mod unban_user;
mod upgrade_room;

pub use self::{
    act::{RoomError, Sent},
    ban_user::ban_user,
    create_room::create_room,
    forget_room::forget_room,
    invite_block::check_invite,
    invite_user::invite_user,
    join_room::join_room,
    kick_user::kick_user,
    knock_room::knock_room,
    leave_room::leave_room,
    member_event::MemberDetails,
    merge_extremities::merge_extremities,
    placing_pool::{PLACED_ON_THE_SPOT_MAX, PLACING_AT_ONCE_MAX},
    publish_room::publish_room,
    receive_pdus::{Incoming, PduOutcome, RECEIVED_AT_ONCE_MAX, receive_pdus},
    refusal::RoomCommandRefusal,
    send_event::send_event,
    state_content::current_content,
    stub_messages::{stub_bytes, stub_messages},
    template_event::{sign_event, template_event},
    unban_user::unban_user,
    upgrade_room::{BANS_CARRIED_MAX, SPACE_CHILDREN_CARRIED_MAX, UpgradeRoom, upgrade_room},
};
use crate::FoldKindsBuilder;

/// Folds of rooms that stay in memory while nobody uses them.
pub const ROOMS_IDLE_MAX: usize = 2_000;

pub(crate) fn register(kinds: FoldKindsBuilder) -> FoldKindsBuilder {
    kinds.with::<fold::RoomActor>(ROOMS_IDLE_MAX)
}
