//! The endpoints of the write side over a real log, called without a socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod aliases;
mod bodies;
mod invites;
mod keys;
mod media;
mod personal;
mod remote;
mod rooms;
mod routes;
mod signing;
mod world;
