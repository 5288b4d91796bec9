//! The routes of the staff over a real log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod describing;
mod destroying;
mod export_corpus;
mod export_forms;
mod export_hostile;
mod export_persons;
mod export_present;
mod export_served;
mod export_shown;
mod export_tampering;
mod exporting;
mod journal;
mod keeping;
mod killing;
mod meddling;
mod openapi;
mod openapi_shape;
mod planning;
mod reading;
mod refolding;
mod refusals;
mod routes;
mod stubbing;
mod sweeping;
mod world;
