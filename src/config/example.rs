//! The commented example that `chancery config example` prints.
//!
//! Owns nothing but the layout: every word and value comes from the sections' tables.

use std::fmt::Write as _;

use super::{Setting, tables};

/// A complete file in which every key is commented out, with its documentation and default.
pub(crate) fn example() -> String {
    let mut text = String::from(
        "# Configuration of Chancery. Every key stands here with its default; keys without one\n\
         # show an example, marked so. In a file only server.name is required.\n\
         # An environment variable overrides a key: CHANCERY_SERVER__NAME for server.name.\n",
    );
    for table in tables() {
        text.push('\n');
        comment(&mut text, table.about);
        push(&mut text, format_args!("[{}]", table.name));
        for setting in table.settings {
            comment(&mut text, setting.about);
            let default = table.defaults.get(setting.key);
            push(&mut text, format_args!("{}", key_line(setting, default)));
        }
    }
    text
}

fn key_line(setting: &Setting, default: Option<&toml::Value>) -> String {
    match (default, setting.sample) {
        (Some(value), _) => format!("#{} = {value}", setting.key),
        (None, Some(sample)) => format!("#{} = {sample}  # an example; no default", setting.key),
        (None, None) => format!("#{} =  # no default", setting.key),
    }
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        push(text, format_args!("# {}", line.trim()));
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}
