//! How the first person gets in: a one-time token on standard error.
//!
//! Only while there is no account and registration is by token. Each such start makes a new token
//! (an unused one from before is not known any more: the log holds its hash alone).

use std::io::Write as _;

use anyhow::Context as _;
use commands::user::create_registration_token;
use event_log::{Random as _, SystemRandom};

use super::Layers;
use crate::config::{Config, registration::RegistrationMode};

pub(super) async fn offer(layers: &Layers, config: &Config) -> anyhow::Result<()> {
    if config.registration.mode != RegistrationMode::Token {
        return Ok(());
    }
    layers.caught_up().await;
    let snapshot = layers.view.snapshot().context("the client view is not there")?;
    if !snapshot.accounts(None, 1)?.is_empty() {
        return Ok(());
    }
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    let token = hex::encode(bytes);
    create_registration_token(&layers.write_side, &token, Some(1), None, true)
        .await
        .context("the first registration token was not made")?;
    let mut stderr = std::io::stderr().lock();
    writeln!(
        stderr,
        "\nNobody has an account yet. This registration token works once and makes its owner \
         an administrator:\n\n    {token}\n"
    )
    .context("standard error is closed")
}
