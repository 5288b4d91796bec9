//! `chancery role bootstrap`.

use clap::Args;
use ruma::OwnedUserId;
use serde_json::json;

use crate::{
    cli::{Failure, Origin, output, user::ask},
    user_admin::{UserAnswer, UserRequest},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Bootstrap {
    /// User ids of two accounts of this server, such as @alice:example.org
    #[arg(num_args = 2, required = true, value_name = "USER")]
    officers: Vec<OwnedUserId>,
    /// Print `{"officers"}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Bootstrap, origin: &Origin) -> anyhow::Result<()> {
    let config = origin.config()?;
    let officers = command.officers.clone();
    let answer = ask(&config, UserRequest::BootstrapRoles { officers: officers.clone() })?;
    let UserAnswer::RolesSetUp = answer else {
        let what = "the server answered something else than it was asked";
        return Err(Failure::new(what, "use the same version as the server").into());
    };
    if command.json {
        return output::json(&json!({ "officers": officers }));
    }
    officers.iter().try_for_each(|officer| output::line(&format!("{officer}  compliance_officer")))
}
