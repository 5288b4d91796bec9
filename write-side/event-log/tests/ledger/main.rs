//! The ledger from outside: hashes, proofs, following a log, keys, and what a third party finds.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod following;
mod keys;
mod mutations;
mod offline;
mod proofs;
mod vectors;
mod world;
