//! `chancery policy`.

mod apply;
mod check;
mod explain;
mod plan;
mod receipts;
mod run;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// Say everything that is wrong with a policy document; needs no server. Exit 1 if something is.
    Check(check::Check),
    /// Replace the policies in force by a document. Says what changes, and asks.
    Apply(apply::Apply),
    /// Print the document in force, or every version that was.
    Show(show::Show),
    /// Say what becomes of an event, and by which rules.
    Explain(explain::Explain),
    /// Say what would be destroyed or restricted now, and do nothing.
    Plan(plan::Plan),
    /// Destroy now what is due. Says what that means, asks, and prints the receipt.
    Run(run::Run),
    /// Print the receipts of runs: what was destroyed, and what became of every copy.
    Receipts(receipts::Receipts),
}

pub(super) fn run(command: &Policy) -> anyhow::Result<ExitCode> {
    match command {
        Policy::Check(check) => return check::run(check),
        Policy::Apply(apply) => apply::run(apply),
        Policy::Show(show) => show::run(show),
        Policy::Explain(explain) => explain::run(explain),
        Policy::Plan(plan) => plan::run(plan),
        Policy::Run(run) => run::run(run),
        Policy::Receipts(receipts) => receipts::run(receipts),
    }?;
    Ok(ExitCode::SUCCESS)
}
