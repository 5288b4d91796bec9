//! The write side's runtime and its commands.
//!
//! A command gathers its inputs, locks the fold it decides on, lets `decide` say which facts
//! follow, appends them, and answers once they are durable. Folds, names and client transactions
//! come from the log alone, by way of the fold store. Never reads a view, never speaks HTTP.

mod actors;
pub mod alias;
pub mod audit;
mod catch_up;
mod command_error;
mod core;
mod flush;
mod fold;
mod fold_store;
mod gate;
pub mod governance;
mod identity;
mod in_flight;
mod index;
mod journal;
mod known_cache;
mod known_names;
pub mod media;
mod names;
mod pdus;
mod recent;
pub mod room;
pub mod user;
mod view_watch;
mod write_side;

pub use self::{
    actors::{ActorGuard, Actors, DECIDE_TRIES_MAX, Decision, Done},
    command_error::{CommandError, Fault, RETRY_AFTER},
    core::{Core, ViewWait},
    fold::{Fold, FoldRow, SmallFold, Unfit},
    fold_store::FoldStoreFault,
    gate::{AllowAll, Gate, GateRefusal, Wish},
    identity::{IdentityError, SIGNING_KEY_FILE, ServerIdentity},
    in_flight::{IN_FLIGHT_MAX, TxnTurn},
    index::{TXN_KEPT_MS, TxnDone, TxnKey},
    journal::{
        AppendError, Journal, JournalEntry, JournalFault, JournalIdentity, NotDurable, PortFuture,
    },
    pdus::{CACHED_PDUS_MAX, StoredPdu},
    recent::{FLUSH_BYTES, FLUSH_ENTRIES, FULL_FACTOR},
    view_watch::{NoView, VIEW_WAIT_MAX, ViewWatch},
    write_side::{FoldKindsBuilder, WriteSide, WriteSideParts},
};
