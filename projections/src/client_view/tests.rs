//! The client view against streams of facts.

mod convergence;
mod questions;

mod following;
mod world;
