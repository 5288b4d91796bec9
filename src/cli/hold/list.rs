//! `chancery hold list`.

use clap::Args;

use super::show::line;
use crate::cli::staff::{Access, list};

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &List) -> anyhow::Result<()> {
    let answer = command.access.get("/holds")?;
    command.access.show(&answer, |answer| list(answer, "holds").iter().map(line).collect())
}
