//! `chancery policy show`.

use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{
    Failure, output,
    staff::{Access, list, moment_text, text},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Write the document into this new file instead of printing it.
    #[arg(value_name = "FILE", conflicts_with = "history")]
    file: Option<PathBuf>,
    /// List every version that was ever applied, with its digest.
    #[arg(long)]
    history: bool,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Show) -> anyhow::Result<()> {
    if command.history {
        return history(&command.access);
    }
    let answer = command.access.get("/policies")?;
    let Some(path) = &command.file else {
        return command.access.show(&answer, |answer| {
            let Some(document) = answer["document"].as_str() else {
                return vec!["# No policy is in force: everything is kept.".to_owned()];
            };
            // Comments, so that the output is a document again.
            let head = format!(
                "# version {}, sha256 {}, by {}",
                text(answer, "version"),
                text(answer, "sha256"),
                text(answer, "by"),
            );
            let lines = document.trim_end().lines().map(str::to_owned);
            [vec![head], lines.collect()].concat()
        });
    };
    let Some(document) = answer["document"].as_str() else {
        return Err(Failure::new("no policy is in force", "apply one first").into());
    };
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(document.as_bytes()));
    written.map_err(|error| {
        let what = format!("cannot write {}: {error}", path.display());
        Failure::new(what, "name a file that is not there yet")
    })?;
    command.access.show(&answer, |answer| {
        vec![format!("version {} is in {}", text(answer, "version"), path.display())]
    })
}

fn history(access: &Access) -> anyhow::Result<()> {
    let (mut from, mut versions) = (0, Vec::new());
    loop {
        let page = access.get(&format!("/policies/history?from={from}"))?;
        versions.extend(list(&page, "versions").iter().cloned());
        let next = page["next"].as_u64().unwrap_or(from);
        if page["done"] == true || next <= from {
            break;
        }
        from = next;
    }
    if access.is_json() {
        return output::json(&json!({ "versions": versions }));
    }
    versions.iter().try_for_each(|version| output::line(&line(version)))
}

fn line(version: &Value) -> String {
    format!(
        "version {}  {}  {}  sha256 {}  {}",
        text(version, "version"),
        moment_text(&version["at"]),
        text(version, "by"),
        text(version, "sha256"),
        text(version, "reason"),
    )
}
