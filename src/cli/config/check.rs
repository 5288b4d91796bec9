//! `chancery config check`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::{
    cli::{Origin, output},
    config::{Place, Problem, load},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// Print `{"ok", "problems": [{"key", "file", "line", "variable", "message"}]}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Check, origin: &Origin) -> anyhow::Result<ExitCode> {
    let problems = load(&origin.sources()?).err().unwrap_or_default();
    let ok = problems.is_empty();
    if command.json {
        let problems: Vec<_> = problems.iter().map(as_json).collect();
        output::json(&json!({ "ok": ok, "problems": problems }))?;
    } else if ok {
        output::line("The configuration is right.")?;
    } else {
        for problem in &problems {
            output::line(&problem.to_string())?;
        }
    }
    Ok(ExitCode::from(u8::from(!ok)))
}

fn as_json(problem: &Problem) -> serde_json::Value {
    let (file, line, variable) = match &problem.place {
        Place::File(path, line) => (Some(path.display().to_string()), *line, None),
        Place::Environment(name) => (None, None, Some(name.as_str())),
        Place::Nowhere => (None, None, None),
    };
    json!({
        "key": problem.key,
        "file": file,
        "line": line,
        "variable": variable,
        "message": problem.message,
    })
}
