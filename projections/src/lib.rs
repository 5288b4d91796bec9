//! Projections: views computed from the log by followers, and the queries that read them.
//!
//! Owns the follower runtime, the view store and the client view. A view can be deleted at any
//! time and is rebuilt from the log with equal content (I1, I5). Never appends, never uses the
//! network.

pub mod bodies;
pub mod client_view;
pub mod follower;
pub mod query;
pub mod source;
pub mod store;
pub mod wakeups;

pub use bodies::{Bodies, Body};
pub use client_view::{ClientView, SnapshotError};
pub use query::Snapshot;
