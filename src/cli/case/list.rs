//! `chancery case list`.

use clap::Args;

use super::show::line;
use crate::cli::staff::{Access, list};

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &List) -> anyhow::Result<()> {
    let answer = command.access.get("/cases")?;
    command.access.show(&answer, |answer| list(answer, "cases").iter().map(line).collect())
}
