//! The reading endpoints over HTTP, on a small log: answers, refusals, and what stays unseen.

mod account;
mod directory;
mod e2ee;
mod media;
mod memory_log;
mod rooms;
mod timeline;
mod typing;
mod world;
