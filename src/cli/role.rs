//! `chancery role`.

mod bootstrap;
mod decide;
mod grant;
mod list;
mod restore;
mod revoke;

use std::process::ExitCode;

use clap::Subcommand;

use super::Origin;

#[derive(Debug, Subcommand)]
pub(super) enum Role {
    /// Name the first two compliance officers; an operator can do this once.
    Bootstrap(bootstrap::Bootstrap),
    /// Show who holds which role, and what waits for approval.
    List(list::List),
    /// Ask for a role for somebody else; another officer approves.
    Grant(grant::Grant),
    /// Approve what another officer asked for.
    Approve(decide::Decide),
    /// Refuse what another officer asked for, or take back what you asked for.
    Reject(decide::Decide),
    /// Take a role away, or give up your own.
    Revoke(revoke::Revoke),
    /// Vouch for an officer whose password the operator has set: the roles count again.
    Restore(restore::Restore),
}

pub(super) fn run(command: &Role, origin: &Origin) -> anyhow::Result<ExitCode> {
    match command {
        Role::Bootstrap(bootstrap) => bootstrap::run(bootstrap, origin),
        Role::List(list) => list::run(list),
        Role::Grant(grant) => grant::run(grant),
        Role::Approve(decide) => decide::run(decide, "approve"),
        Role::Reject(decide) => decide::run(decide, "reject"),
        Role::Revoke(revoke) => revoke::run(revoke),
        Role::Restore(restore) => restore::run(restore),
    }?;
    Ok(ExitCode::SUCCESS)
}
