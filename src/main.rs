//! The composition root: command line, configuration, wiring, telemetry, shutdown.
//!
//! Owns the process. Contains no rule of Matrix or of the log: those are in the layers.

mod admin_socket;
mod backup;
mod cli;
mod clock;
mod config;
mod http_server;
mod offsite;
mod scrubber;
mod shutdown;
mod telemetry;
mod user_admin;
mod wiring;

use std::process::ExitCode;

/// Many small objects of many threads: here it needs less time and much less memory than others.
/// How it is set up stands in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::main()
}
