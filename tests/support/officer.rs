//! Somebody at a command line, with a token file.

use std::{path::PathBuf, process::Output};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::harness::{matrix_client::MatrixClient, server::Server};

/// An officer of a running server.
pub(crate) struct Officer<'a> {
    server: &'a Server,
    url: String,
    token_file: PathBuf,
}

impl<'a> Officer<'a> {
    /// Writes the token file.
    pub(crate) fn new(server: &'a Server, client: &MatrixClient) -> Result<Self> {
        let name = client.user_id.trim_start_matches('@').replace(':', "_");
        let token_file = server.data_dir().join(format!("../{name}.token"));
        std::fs::write(&token_file, format!("{}\n", client.access_token))?;
        Ok(Self { server, url: server.http().base().to_owned(), token_file })
    }

    /// Runs a command.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let file = self.token_file.to_str().context("a plain name")?;
        let mut all = arguments.to_vec();
        all.extend(["--server", &self.url, "--token-file", file]);
        self.server.command(&all).await
    }

    /// A command that goes well; its answer.
    pub(crate) async fn does(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.run(&all).await?;
        ensure!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// A command that is refused, with exit code 1 and words.
    pub(crate) async fn may_not(&self, arguments: &[&str], words: &str) -> Result<()> {
        let output = self.run(arguments).await?;
        let said = stderr(&output);
        ensure!(output.status.code() == Some(1), "{arguments:?}: {} {said}", output.status);
        ensure!(said.contains(words) && said.contains("What to do"), "{arguments:?}: {said}");
        ensure!(output.stdout.is_empty(), "a refusal prints no result");
        Ok(())
    }
}

/// What a command said beside its result.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
