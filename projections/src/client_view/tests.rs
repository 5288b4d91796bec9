//! The client view against streams of facts.

mod convergence;
mod erasing;
mod questions;
mod remembering;
mod stubbed;

mod following;
mod world;
