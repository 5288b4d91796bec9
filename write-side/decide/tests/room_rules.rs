//! Rules of rooms: given what happened, when somebody wishes or a server sends, then facts or a
//! refusal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "room_rules/foreign.rs"]
mod foreign;
#[path = "room_rules/foreign_join.rs"]
mod foreign_join;
#[path = "room_rules/foreign_redaction.rs"]
mod foreign_redaction;
#[path = "room_rules/foreign_room.rs"]
mod foreign_room;
#[path = "room_rules/forms.rs"]
mod forms;
#[path = "room_rules/local.rs"]
mod local;
#[path = "room_rules/peer.rs"]
mod peer;
#[path = "room_rules/receive.rs"]
mod receive;
#[path = "room_rules/resolution.rs"]
mod resolution;
#[path = "room_rules/stubs.rs"]
mod stubs;
#[path = "room_rules/world.rs"]
mod world;
