//! The read side: HTTP endpoints that only read, `/sync` first of all.
//!
//! Owns the answers that clients get, computed from snapshots of views. What reading causes goes
//! through two ports ([`Wishes`], [`MediaBlobs`]) that the composition root wires.
//! Invariants: I14 (nothing here authorizes a write), I15. Never appends.

mod client_event;
mod fault;
mod page_token;
mod ports;
mod router;
mod state;
mod sync;
mod typing;
mod visibility;

pub use self::{
    ports::{BlobError, BlobStream, MediaBlobs, Wish, Wishes},
    router::router,
    state::{ReadSettings, ReadSide, ReadSideParts},
    sync::{SyncToken, SyncTokenError},
    typing::Typing,
};
