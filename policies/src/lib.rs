//! Rules of the organization over a Matrix server: one module a policy.
//!
//! Owns the reader of policy documents, roles and cases over HTTP, destroying what is over, walking
//! what lies in a scope, and exports of it. Truth is the write side's: a
//! policy decides by commands and reads the log. Invariants: I16. Never appends, and never keeps
//! truth of its own.

pub mod destruction;
pub mod document;
pub mod export;
pub mod record_description;
pub mod roles_and_cases;
pub mod scope_walk;

pub use decide::policy::{Explanation, Fate, Record, Rules, explain, fate, weakening};

pub use self::document::{Problem, read_document};
pub use self::roles_and_cases::{
    ADMIN_PREFIX, StaffRoute, StaffRoutes, staff_router, staff_routes,
};
