//! `chancery case`.

mod decide;
mod list;
mod open;
mod read;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Case {
    /// Ask to read what persons said, or what was said in rooms; another officer approves.
    Open(open::Open),
    /// List the cases.
    List(list::List),
    /// Show one case.
    Show(show::Show),
    /// Approve a case that another officer asked for.
    Approve(decide::Decide),
    /// Refuse a case that waits, or take it back.
    Reject(decide::Decide),
    /// End a case before its time.
    Close(decide::Decide),
    /// Read what lies in the scope of an approved case. Each page is recorded.
    Read(read::Read),
}

pub(super) fn run(command: &Case) -> anyhow::Result<ExitCode> {
    match command {
        Case::Open(open) => open::run(open),
        Case::List(list) => list::run(list),
        Case::Show(show) => show::run(show),
        Case::Approve(decide) => decide::run(decide, "approve"),
        Case::Reject(decide) => decide::run(decide, "reject"),
        Case::Close(decide) => decide::run(decide, "close"),
        Case::Read(read) => read::run(read),
    }?;
    Ok(ExitCode::SUCCESS)
}
