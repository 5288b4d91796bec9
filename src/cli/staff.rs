//! What commands of officers share: they speak to a server over HTTP, as the person whose access
//! token they are given.
//!
//! Owns where the server and the token come from, and how answers are shown. Never opens a data
//! directory or the operator's socket.

mod client;
mod consent;
mod moment;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

pub(super) use self::{
    client::Client,
    consent::Consent,
    moment::{Moment, moment_text},
};
use super::{Failure, output};

/// Where to ask, and as whom.
#[derive(Debug, Args)]
pub(super) struct Access {
    /// Address of the server, such as `https://matrix.example.org`
    #[arg(long, value_name = "URL", env = "CHANCERY_SERVER_URL")]
    server: String,
    /// File with your own access token.
    #[arg(long, value_name = "FILE", env = "CHANCERY_TOKEN_FILE")]
    token_file: PathBuf,
    /// Print the server's answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Access {
    /// Asks for something below the prefix of the staff's routes.
    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.client()?.call("GET", path, None)
    }

    /// Does something there.
    pub(super) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.client()?.call("POST", path, Some(body))
    }

    /// Prints an answer: as it is for scripts, else as `lines` says.
    pub(super) fn show(
        &self,
        answer: &Value,
        lines: impl FnOnce(&Value) -> Vec<String>,
    ) -> anyhow::Result<()> {
        if self.json {
            return output::json(answer);
        }
        output::lines(&lines(answer))
    }

    /// True where a script reads the answers.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A client for many requests.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let path = &self.token_file;
        let token = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(
                format!("cannot read the access token from {}: {error}", path.display()),
                "name a file with your own access token in it, and nothing else",
            )
        })?;
        Client::new(&self.server, token.trim()).context("no client could be made")
    }
}

/// A member of an answer as text.
pub(super) fn text(value: &Value, key: &str) -> String {
    match &value[key] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

/// A list in an answer.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Strings of a list, joined.
pub(super) fn joined(value: &Value, key: &str) -> String {
    let names: Vec<&str> = list(value, key).iter().filter_map(Value::as_str).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}
