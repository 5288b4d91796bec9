//! `chancery export`: what lies in the scope of an approved case, with its proofs.
//!
//! Owns the conversation with the officer and the order of steps. The server sends evidence, which
//! is written here; the form is made here. After any stop the same command goes on where the
//! directory says that it is whole.

mod fetch;
mod sink;
mod stage;

use std::{
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use policies::export::{DirectoryError, ExportDirectory, Format, Manifest, Terms};
use serde_json::{Value, json};

use self::{
    sink::Target,
    stage::{Stage, Wanted, named},
};
use super::{
    Failure, Origin,
    staff::{Access, Client, Consent},
};

/// A form, as it is named on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// JSON lines, complete.
    Jsonl,
    /// A table.
    Csv,
    /// Relativity Short Message Format 2.0.0.
    Rsmf,
    /// Mails with transcripts.
    Eml,
    /// Pages for reading and printing.
    Html,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Number of the case.
    #[arg(long, value_name = "ID")]
    case: u64,
    /// In which form.
    #[arg(long)]
    format: Form,
    /// Where to: an empty or missing directory, or an unfinished export of the same. Or
    /// `s3://bucket/prefix`, by the configuration's section [offsite]: locked there.
    #[arg(long, value_name = "DIR|s3://…")]
    out: String,
    /// For `s3://bucket/prefix`: the directory in which it is made first; removed at the end.
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// End before this position, to make an earlier export again; by default all of the log.
    #[arg(long, value_name = "POSITION")]
    end: Option<u64>,
    /// Positions to ask for at once. Neither the export nor what a stop loses depends on it.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(command: &Export, origin: &Origin) -> anyhow::Result<ExitCode> {
    let format = format(command.format);
    let target = Target::of(&command.out, command.work.as_deref(), origin)?;
    let wanted = Wanted { case: command.case, format, end: command.end };
    let made = match target.stage(&wanted)? {
        Stage::ToMake => None,
        Stage::Made(made) => Some(made.manifest),
        Stage::Put(there) => return tell_put(command, &there, 0),
    };
    let client = command.access.client()?;
    if let Some(made) = made {
        // By a run that was broken off while it was put, or by one without s3://.
        return put_only(command, &client, &target, &made);
    }
    let found = ExportDirectory::resume(&target.dir, command.case, format).map_err(told)?;
    let export = match found {
        Some(export) => go_on(command, export)?,
        None => begin(command, &client, format, &target)?,
    };
    finish(command, &client, export, &target)?;
    Ok(ExitCode::SUCCESS)
}

fn put_only(
    command: &Export,
    client: &Client,
    target: &Target,
    made: &Manifest,
) -> anyhow::Result<ExitCode> {
    let mut words = vec![format!("{} holds {}: it is put.", target.dir.display(), named(made))];
    words.extend(target.words());
    command.consent.ask(&words)?;
    let put = target.put(client)?.unwrap_or(0);
    tell_put(command, made, put)
}

fn tell_put(command: &Export, made: &Manifest, put: u64) -> anyhow::Result<ExitCode> {
    let answer = json!({
        "case": made.terms.case, "format": made.format.name(), "out": command.out, "put": put,
        "first": made.terms.first, "end": made.terms.end,
    });
    command.access.show(&answer, |answer| {
        vec![format!("In {} is complete: {}.", command.out, named(made)), files_put(answer)]
    })?;
    Ok(ExitCode::SUCCESS)
}

fn files_put(answer: &Value) -> String {
    format!("Files that were put now, and are locked: {}.", answer["put"])
}

fn go_on(command: &Export, export: ExportDirectory) -> anyhow::Result<ExportDirectory> {
    let progress = export.progress();
    let (number, next, end) = (progress.export, progress.next, progress.terms.end);
    if let Some(wanted) = command.end.filter(|wanted| *wanted != end) {
        let what = format!("the unfinished export ends before position {end}, not {wanted}");
        return Err(Failure::new(what, "name another directory, or leave --end out").into());
    }
    let mut told = io::stderr().lock();
    writeln!(told, "Going on with export {number} at position {next} of {end}.")?;
    Ok(export)
}

fn begin(
    command: &Export,
    client: &Client,
    format: Format,
    target: &Target,
) -> anyhow::Result<ExportDirectory> {
    let (case, dir) = (command.case, target.dir.display());
    let mut words = vec![
        format!("Exports everything in the scope of case {case} as {} to {dir}.", format.name()),
        "Each page that is read is recorded in the audit trail, with your name.".to_owned(),
        "The texts and media will lie there in clear: whoever has the directory reads them, and \
         what is erased later is not erased there."
            .to_owned(),
    ];
    words.extend(target.words());
    command.consent.ask(&words)?;
    let wish = json!({ "format": format.name(), "end": command.end });
    let begun = client.call("POST", &format!("/cases/{case}/exports"), Some(&wish))?;
    let terms: Terms = serde_json::from_value(begun["terms"].clone())
        .map_err(|_| Failure::new("the server's terms cannot be read", NEWER))?;
    let (Some(number), Some(checkpoint)) = (begun["export"].as_u64(), begun["checkpoint"].as_str())
    else {
        return Err(Failure::new("the server began no export", NEWER).into());
    };
    ExportDirectory::begin(&target.dir, number, terms, format, checkpoint).map_err(told)
}

const NEWER: &str = "see that this program and the server have the same version";

fn finish(
    command: &Export,
    client: &Client,
    mut export: ExportDirectory,
    target: &Target,
) -> anyhow::Result<()> {
    fetch::entries(client, &mut export, command.page, &mut Meter::new("positions"))?;
    export.settle_context().map_err(told)?;
    let server = export.server_name().map_err(told)?;
    let missing = fetch::media(client, &export, &server, &mut Meter::new("media"))?;
    let sealing = export.write_forms(&server, missing).map_err(told)?;
    let progress = export.progress().clone();
    let (case, number) = (command.case, progress.export);
    let path = format!("/cases/{case}/exports/{number}/seal");
    let sealed = client.call("POST", &path, Some(&serde_json::to_value(&sealing)?))?;
    let manifest = sealed["manifest"].as_str();
    let manifest = manifest.ok_or_else(|| Failure::new("the server signed no manifest", NEWER))?;
    export.finish(manifest).map_err(told)?;
    let put = target.put(client)?;
    let answer = json!({
        "case": case, "export": number, "format": progress.format.name(),
        "out": command.out, "put": put, "first": progress.terms.first,
        "end": progress.terms.end, "files": sealing.files, "bytes": sealing.bytes,
        "missing_media": sealing.missing_media,
    });
    command.access.show(&answer, in_words)
}

fn in_words(answer: &Value) -> Vec<String> {
    let dir = answer["out"].as_str().unwrap_or_default();
    let mut lines = vec![format!(
        "Export {} of case {} is complete in {dir}: {} files, {} bytes, positions {} to before {}.",
        answer["export"],
        answer["case"],
        answer["files"],
        answer["bytes"],
        answer["first"],
        answer["end"]
    )];
    let missing = answer["missing_media"].as_array().map_or(0, Vec::len);
    if missing > 0 {
        lines.push(format!(
            "Media that the server no longer has: {missing}; the manifest names them."
        ));
    }
    if !answer["put"].is_null() {
        lines.push(files_put(answer));
    }
    lines.push(format!("Check it anywhere: chancery verify {dir} --key KEY"));
    lines
}

fn format(form: Form) -> Format {
    match form {
        Form::Jsonl => Format::Jsonl,
        Form::Csv => Format::Csv,
        Form::Rsmf => Format::Rsmf,
        Form::Eml => Format::Eml,
        Form::Html => Format::Html,
    }
}

/// A fault of the directory, with what to do.
#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn told(error: DirectoryError) -> anyhow::Error {
    let next = match &error {
        error if error.is_full_disk() => {
            "make room and run the same command again; it goes on where it stopped"
        }
        DirectoryError::NotEmpty | DirectoryError::Other { .. } => {
            "name an empty directory, or the one of this export"
        }
        DirectoryError::Finished => {
            "check it with `chancery verify`, or name another directory for a new one"
        }
        DirectoryError::State => "begin again in an empty directory",
        DirectoryError::TooLarge | DirectoryError::MissingMedia(_) | DirectoryError::Index(_) => {
            "open cases with narrower dates, and export each"
        }
        DirectoryError::Io(cause)
            if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            "name a directory that is there, or one in a directory that is"
        }
        DirectoryError::Busy => "wait until the other command has ended",
        _ => "run the same command again; it goes on where it stopped",
    };
    let mut what = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        what = format!("{what}: {cause}");
        source = cause.source();
    }
    Failure::new(what, next).into()
}

/// Shows on a terminal how far something is.
struct Meter {
    what: &'static str,
    shown: bool,
}

impl Meter {
    fn new(what: &'static str) -> Self {
        Self { what, shown: io::stderr().is_terminal() }
    }

    fn show(&mut self, done: u64, all: u64) {
        if self.shown {
            let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
            // A bar that cannot be drawn stops nothing.
            let _ = write!(io::stderr(), "\r{percent:3} %  {done} of {all} {}", self.what);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.shown {
            let _ = writeln!(io::stderr());
        }
    }
}
