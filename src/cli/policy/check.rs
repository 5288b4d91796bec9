//! `chancery policy check`.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use decide::policy::{DOCUMENT_BYTES_MAX, Weakening};
use facts::fact::PolicyDocument;
use policies::{Problem, read_document, weakening};
use serde_json::json;

use crate::cli::{Failure, output};

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// The document (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Another document, as if it were in force: what would its locks refuse?
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// Print `{"ok", "problems": [{"line", "column", "key", "message"}], "locked": [message]}`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Check) -> anyhow::Result<ExitCode> {
    let old = command.against.as_deref().map(in_force).transpose()?.unwrap_or_default();
    let (problems, locked) = match read_document(&text_of(&command.file)?) {
        Ok(document) => (Vec::new(), weakening(&old, &document)),
        Err(problems) => (problems, Vec::new()),
    };
    let ok = problems.is_empty() && locked.is_empty();
    if command.json {
        output::json(&as_json(ok, &problems, &locked))?;
    } else if ok {
        output::line("The document is right.")?;
    } else {
        let file = command.file.display();
        for problem in &problems {
            output::line(&format!("{file}:{problem}"))?;
        }
        for line in &locked {
            output::line(&format!("{file}: {line}"))?;
        }
    }
    Ok(ExitCode::from(u8::from(!ok)))
}

fn as_json(ok: bool, problems: &[Problem], locked: &[Weakening]) -> serde_json::Value {
    let problem = |problem: &Problem| {
        json!({
            "line": problem.line,
            "column": problem.column,
            "key": problem.key,
            "message": problem.message,
        })
    };
    json!({
        "ok": ok,
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
        "locked": locked.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// A document that is taken for the one in force; a wrong one cannot be.
fn in_force(path: &Path) -> anyhow::Result<PolicyDocument> {
    read_document(&text_of(path)?).map_err(|problems| {
        let lines: Vec<String> =
            problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect();
        Failure::new(lines.join("\n"), "name a right document after --against").into()
    })
}

/// The text, as far as a document can be right: one byte more than the largest.
pub(super) fn text_of(path: &Path) -> anyhow::Result<String> {
    let failure = |error: io::Error| {
        Failure::new(
            format!("cannot read the policy document {}: {error}", path.display()),
            "name a TOML file in UTF-8 that is there; docs/compliance/policies.md has an example",
        )
    };
    let longest = DOCUMENT_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    File::open(path).map_err(failure)?.take(longest).read_to_end(&mut bytes).map_err(failure)?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        // A cut inside a letter is nobody's fault: the size is what is wrong.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let text = String::from_utf8(bytes);
    Ok(text.map_err(|error| failure(io::Error::new(io::ErrorKind::InvalidData, error)))?)
}
