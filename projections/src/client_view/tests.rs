//! The client view against streams of facts.

mod convergence;
mod questions;
mod remembering;

mod following;
mod world;
