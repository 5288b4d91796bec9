//! Where an operator's commands get their work done: in the running server, or here when none runs.

use std::sync::Arc;

use crate::{
    admin_socket,
    cli::{Failure, log::open},
    config::Config,
    user_admin::{UserAnswer, UserRequest},
    wiring::Layers,
};

/// Does what is asked. Without a server it takes the lease and does it itself.
pub(in crate::cli) fn ask(config: &Config, request: UserRequest) -> anyhow::Result<UserAnswer> {
    let answer = match admin_socket::ask(&config.server.data_dir, &request)? {
        Some(answer) => answer,
        None => alone(config, request)?,
    };
    match answer {
        UserAnswer::Refused { why } => {
            Err(Failure::new(why, "change what you ask for, and try again").into())
        }
        done => Ok(done),
    }
}

fn alone(config: &Config, request: UserRequest) -> anyhow::Result<UserAnswer> {
    let log = Arc::new(open(config)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let layers = Layers::open(config, log).await?;
        layers.caught_up().await;
        let admin = layers.user_admin();
        let answer = admin.answer(request).await;
        drop(admin);
        layers.close().await?;
        Ok(answer)
    })
}
