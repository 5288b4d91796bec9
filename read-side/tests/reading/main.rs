//! The reading endpoints over HTTP, on a small log: answers, refusals, and what stays unseen.

mod account;
mod destroyed;
mod directory;
mod e2ee;
mod fake_remote;
mod gaps;
mod hiding;
mod ignoring;
mod media;
mod relations;
mod rooms;
mod sync;
mod timeline;
mod typing;
mod world;
