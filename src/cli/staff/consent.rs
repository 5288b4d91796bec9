//! Saying what will happen, and asking before it does.
//!
//! Owns the question. It goes to standard error, so that what a script reads stays clean; where
//! nobody can answer, nothing is done.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;
use clap::Args;

use crate::cli::{Failure, shown::shown};

/// Whether to ask.
#[derive(Debug, Args)]
pub(in crate::cli) struct Consent {
    /// Do it without asking; for scripts.
    #[arg(long)]
    yes: bool,
}

impl Consent {
    /// Says what will happen; goes on only if that is wanted.
    pub(in crate::cli) fn ask(&self, what: &[String]) -> anyhow::Result<()> {
        let mut told = io::stderr().lock();
        for line in what {
            writeln!(told, "{}", shown(line))?;
        }
        if self.yes {
            return Ok(());
        }
        let next = "read what will happen, and say --yes if it is what you want";
        if !io::stdin().is_terminal() {
            bail!(Failure::new("nothing was done: nobody is here to be asked", next));
        }
        write!(told, "Go on? Type yes: ")?;
        told.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            bail!(Failure::new("nothing was done", next));
        }
        Ok(())
    }
}
