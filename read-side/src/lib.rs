//! read-side
