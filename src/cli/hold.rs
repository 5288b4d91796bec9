//! `chancery hold`.

mod decide;
mod list;
mod notify;
mod place;
mod release;
mod scope;
mod show;
mod widen;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Hold {
    /// Forbid destroying what persons said or did, or what is in rooms.
    Place(place::Place),
    /// List the holds in force.
    List(list::List),
    /// Show one hold with its custodians.
    Show(show::Show),
    /// Add persons, rooms or dates to a hold.
    Widen(widen::Widen),
    /// Ask that a hold, or parts of it, end; another officer agrees.
    Release(release::Release),
    /// Agree to a release that another officer asked for.
    ApproveRelease(decide::Decide),
    /// Refuse a release, or take it back.
    RejectRelease(decide::Decide),
    /// State that custodians were told of a hold.
    Notify(notify::Notify),
}

pub(super) fn run(command: &Hold) -> anyhow::Result<ExitCode> {
    match command {
        Hold::Place(place) => place::run(place),
        Hold::List(list) => list::run(list),
        Hold::Show(show) => show::run(show),
        Hold::Widen(widen) => widen::run(widen),
        Hold::Release(release) => release::run(release),
        Hold::ApproveRelease(decide) => decide::approve(decide),
        Hold::RejectRelease(decide) => decide::reject(decide),
        Hold::Notify(notify) => notify::run(notify),
    }?;
    Ok(ExitCode::SUCCESS)
}
