//! Pure rules: folded state and a wish give facts or a typed refusal.
//!
//! Owns what may happen in a room (graph, authorization, state resolution, visibility, push
//! rules) and to an account. Invariants: I2 (synchronous and pure), I8 (room-version behaviour is
//! data), I9 (time and randomness are parameters). Never reads a clock, a store or the network.

pub mod alias;
pub mod governance;
pub mod inbox;
pub mod media;
pub mod pdu;
pub mod policy;
pub mod registration_token;
pub mod resolution;
pub mod room;
pub mod user;
