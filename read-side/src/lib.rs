//! The read side: HTTP endpoints that only read, `/sync` first of all.
//!
//! Owns the answers that clients get, computed from snapshots of views. What reading causes goes
//! through ports ([`Wishes`], [`MediaBlobs`], [`Remote`]) that the composition root wires.
//! Invariants: I14 (nothing here authorizes a write), I15. Never appends.

mod account;
mod account_data;
mod caller;
mod client_event;
mod directory;
mod e2ee;
mod fault;
mod ignored_users;
mod ledger;
mod limit;
mod media;
mod page_token;
mod ports;
mod push_rules;
mod room;
mod room_access;
mod room_digest;
mod router;
mod server;
mod state;
mod sync;
mod typing;
mod visibility;
mod walk;

pub use self::{
    ledger::{AuditorFuture, Auditors, LEDGER_PREFIX, LedgerReaders, LedgerRoutes, ledger_router},
    ports::{
        Backfill, BackfillFuture, BlobError, BlobStream, HistoryGap, KeepEverything, KeepingRules,
        MediaBlobs, NoRemote, Remote, Wish, WishFuture, Wishes,
    },
    router::{SERVED, router},
    state::{ReadSettings, ReadSide, ReadSideParts},
    sync::{SyncToken, SyncTokenError},
    typing::Typing,
};
