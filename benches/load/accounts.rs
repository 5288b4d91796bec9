//! Accounts of a run: named after the seed, registered in the way that the server allows, or logged
//! in when an earlier run has registered them.

use anyhow::{Context, Result, bail};
use aws_lc_rs::hmac;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use serde_json::json;

use crate::{
    http_client::Http,
    matrix_client::{MatrixClient, Registration, text},
    settings::Settings,
};

/// Registrations at the same time: password hashing is dear on purpose.
const AT_ONCE: usize = 4;

/// The accounts are of no worth.
const PASSWORD: &str = "load-generator-password-17";

/// `count` logged-in users, called `load-<seed>-<role>-<number>`.
pub(crate) async fn users(
    settings: &Settings,
    http: &Http,
    role: &str,
    count: usize,
) -> Result<Vec<MatrixClient>> {
    stream::iter(0..count)
        .map(|number| user(settings, http, format!("load-{}-{role}-{number}", settings.seed)))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn user(settings: &Settings, http: &Http, name: String) -> Result<MatrixClient> {
    let answer = match (&settings.shared_secret_file, &settings.registration_token) {
        (Some(file), _) => {
            let secret = std::fs::read_to_string(file)
                .with_context(|| format!("reading {}", file.display()))?;
            by_shared_secret(http, secret.trim(), &name).await?
        }
        (None, Some(token)) => {
            let how = Registration::Token(token.clone());
            MatrixClient::try_register(http, &name, PASSWORD, &how).await?
        }
        (None, None) => {
            MatrixClient::try_register(http, &name, PASSWORD, &Registration::Open).await?
        }
    };
    match answer.errcode().as_deref() {
        None => MatrixClient::from_session(http, &answer.ok()?),
        Some("M_USER_IN_USE") => MatrixClient::log_in(http, &name, PASSWORD, None).await,
        Some("M_LIMIT_EXCEEDED") => {
            bail!("the server limits registrations; turn its rate limits off: {answer}")
        }
        Some(_) => bail!("{name} cannot be registered: {answer}"),
    }
}

/// Synapse's registration by shared secret: HMAC-SHA1 over nonce, name, password and role.
async fn by_shared_secret(
    http: &Http,
    secret: &str,
    name: &str,
) -> Result<crate::http_client::Answer> {
    let path = "/_synapse/admin/v1/register";
    let nonce = text(&http.json(Method::GET, path, None, None).await?.ok()?, "nonce")?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let signed = [nonce.as_str(), name, PASSWORD, "notadmin"].join("\0");
    let mac = hex::encode(hmac::sign(&key, signed.as_bytes()));
    let body = json!({
        "nonce": nonce, "username": name, "password": PASSWORD, "admin": false, "mac": mac,
    });
    http.json(Method::POST, path, None, Some(&body)).await
}
