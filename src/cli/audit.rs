//! `chancery audit`: who logged in, what was done to accounts and to the server, who decided and
//! read what. For officers and auditors, as themselves; each look is recorded too.

mod export;
mod list;

use std::{fmt::Write as _, process::ExitCode};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::staff::{Access, Moment, list as items};

/// Entries asked for at once; the server's maximum.
const PAGE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// List entries of the audit trail, oldest first.
    List(list::List),
    /// Write entries of the audit trail to a file, one JSON object a line.
    Export(export::Export),
}

pub(super) fn run(command: &Audit) -> anyhow::Result<ExitCode> {
    match command {
        Audit::List(list) => list::run(list),
        Audit::Export(export) => export::run(export),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Which entries.
#[derive(Debug, Args)]
struct Filter {
    /// One kind, such as `login_recorded`; a wrong one is answered with all there are.
    #[arg(long)]
    kind: Option<String>,
    /// Entries that name this user id, as the one who acts or otherwise.
    #[arg(long, value_name = "USER_ID")]
    user: Option<String>,
    /// Recorded on this day (UTC) or later.
    #[arg(long, value_name = "DATE")]
    from: Option<Moment>,
}

impl Filter {
    /// Hands over every entry, page by page, up to what is there with the first page.
    fn each(
        &self,
        access: &Access,
        mut take: impl FnMut(&Value) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (mut from, mut last) = (0, String::new());
        loop {
            let page = access.get(&[self.path(from), last.clone()].concat())?;
            if last.is_empty() {
                last = format!("&last={}", page["last"]);
            }
            for entry in items(&page, "entries") {
                take(entry)?;
            }
            let next = page["next"].as_u64().unwrap_or(from);
            if page["done"] == true || next <= from {
                return Ok(());
            }
            from = next;
        }
    }

    fn path(&self, from: u64) -> String {
        let mut path = format!("/audit?from={from}&limit={PAGE}");
        if let Some(since) = self.from {
            path.push_str(&["&since=", &since.0.to_string()].concat());
        }
        for (name, value) in [("kind", &self.kind), ("user", &self.user)] {
            if let Some(value) = value {
                path.push_str(&["&", name, "=", &encoded(value)].concat());
            }
        }
        path
    }
}

/// Text as the value of a query's member.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_encoded() {
        let user = Some("@ä&b=+:example.org".to_owned());
        let filter = Filter { kind: None, user, from: Some(Moment(5)) };
        let path = "/audit?from=7&limit=1000&since=5&user=%40%C3%A4%26b%3D%2B%3Aexample.org";
        assert_eq!(filter.path(7), path);
    }
}
