//! Roles and cases over HTTP: `/_chancery/admin/v1/…`.
//!
//! Owns the routes of the staff. Officers act as themselves, by their ordinary access tokens;
//! being a server administrator counts for nothing here, and nobody acts for somebody else.
//! Invariants: I3, I16 (content leaves only after its access is a durable fact; content
//! is served by `read_events.rs`, `exports/read_entries.rs` and `exports/read_media.rs` alone).

mod approve_case;
mod approve_role;
mod audit_json;
mod case_json;
mod close_case;
mod errors;
mod event_json;
mod exports;
mod get_case;
mod keeping;
mod list_accesses;
mod list_audit;
mod list_cases;
mod list_roles;
mod officer;
mod open_case;
mod page;
mod read_events;
mod reject_case;
mod reject_role;
mod request_role;
mod restore_roles;
mod revoke_role;

use std::sync::Arc;

use axum::{
    Json, Router,
    routing::{MethodRouter, get, post},
};
use commands::{WriteSide, media::BlobStore};
use event_log::ledger::Ledger;
use projections::ClientView;
use serde_json::Value;

pub use self::errors::matrix_error;
use self::{errors::EndpointError, officer::Officer};
use crate::{destruction::Destruction, scope_walk::Record};

/// Where the routes begin.
pub const ADMIN_PREFIX: &str = "/_chancery/admin/v1";

/// What the routes need.
#[derive(Clone)]
pub struct StaffRoutes {
    /// Commands.
    pub write_side: WriteSide,
    /// The log.
    pub record: Arc<dyn Record>,
    /// What clients see: what became of a record after it was received.
    pub view: ClientView,
    /// Runs that destroy.
    pub destruction: Destruction,
    /// What proves the log, and signs.
    pub ledger: Arc<Ledger>,
    /// Media.
    pub blobs: Arc<BlobStore>,
}

/// A route of the staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaffRoute {
    /// The method.
    pub method: &'static str,
    /// The path, with variables in braces.
    pub path: &'static str,
}

type Answer = Result<Json<Value>, EndpointError>;

/// The routes, to be merged with others and dressed by `http_edge::dress`.
pub fn staff_router(routes: StaffRoutes) -> Router {
    all()
        .fold(Router::new(), |router, (route, handler)| {
            router.route(&format!("{ADMIN_PREFIX}{}", route.path), handler)
        })
        .with_state(routes)
}

/// What [`staff_router`] serves, below [`ADMIN_PREFIX`].
pub fn staff_routes() -> Vec<StaffRoute> {
    all().map(|(route, _)| route).collect()
}

/// Every row, this file's and those of policies, holds and erasures.
fn all() -> impl Iterator<Item = (StaffRoute, MethodRouter<StaffRoutes>)> {
    table().into_iter().chain(keeping::table()).chain(exports::table())
}

fn table() -> Vec<(StaffRoute, MethodRouter<StaffRoutes>)> {
    let read = |path, handler| (StaffRoute { method: "GET", path }, handler);
    let act = |path, handler| (StaffRoute { method: "POST", path }, handler);
    vec![
        read("/roles", get(list_roles::list_roles)),
        act("/roles/requests", post(request_role::request_role)),
        act("/roles/requests/{request}/approve", post(approve_role::approve_role)),
        act("/roles/requests/{request}/reject", post(reject_role::reject_role)),
        act("/roles/revoke", post(revoke_role::revoke_role)),
        act("/roles/restore", post(restore_roles::restore_roles)),
        read("/cases", get(list_cases::list_cases)),
        act("/cases", post(open_case::open_case)),
        read("/cases/{case}", get(get_case::get_case)),
        act("/cases/{case}/approve", post(approve_case::approve_case)),
        act("/cases/{case}/reject", post(reject_case::reject_case)),
        act("/cases/{case}/close", post(close_case::close_case)),
        read("/cases/{case}/events", get(read_events::read_events)),
        read("/cases/{case}/accesses", get(list_accesses::list_accesses)),
        read("/audit", get(list_audit::list_audit)),
    ]
}
