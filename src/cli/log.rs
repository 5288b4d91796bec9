//! `chancery log`.

mod confirm_clock;
mod fork;
mod open;
mod scavenge;
mod stat;
#[cfg(test)]
mod tests;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use self::open::{open, unopened};
use super::Origin;

#[derive(Debug, Subcommand)]
pub(super) enum Log {
    /// Check every entry of the log; only reads, and works beside a running server.
    Verify(verify::Verify),
    /// Say how much the log holds. The server must be stopped.
    Stat(stat::Stat),
    /// Say that the clock is right after it jumped forward; until then nothing is destroyed. The
    /// server must be stopped.
    ConfirmClock(confirm_clock::ConfirmClock),
    /// Go on with a data directory that is an older copy of itself, in a new incarnation. The server
    /// must be stopped.
    Fork(fork::Fork),
    /// Drop the ciphertext of parts whose keys are destroyed. The server must be stopped.
    Scavenge(scavenge::Scavenge),
}

pub(super) fn run(command: &Log, origin: &Origin) -> anyhow::Result<ExitCode> {
    match command {
        Log::Verify(verify) => verify::run(verify, origin),
        Log::Stat(stat) => stat::run(stat, origin),
        Log::ConfirmClock(confirm) => confirm_clock::run(confirm, origin),
        Log::Fork(fork) => fork::run(fork, origin),
        Log::Scavenge(scavenge) => scavenge::run(scavenge, origin),
    }
}
