//! Tests of what becomes of records.

mod cases;
mod locks;
mod model;
mod properties;
mod random;
