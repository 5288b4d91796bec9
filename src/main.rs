//! The composition root: command line, configuration, wiring, telemetry, shutdown.
//!
//! Owns the process. Contains no rule of Matrix or of the log: those are in the layers.

mod cli;
mod clock;
mod config;
mod http_server;
mod shutdown;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
