//! Reading the configuration from its sources.
//!
//! Owns the order (defaults, file, environment), the refusal of unknown keys with the nearest
//! known name, and the place of each problem. All problems are reported, not the first.

use std::path::PathBuf;

use figment::{
    Figment,
    error::Kind,
    providers::{Format as _, Serialized, Toml},
};

use super::{Config, Place, Problem, Table, check::check, extract, tables};

/// Prefix of environment variables that override keys.
const PREFIX: &str = "CHANCERY_";

/// A file that names no server may be meant for one that has another name than the default.
const NAME_REQUIRED: &str = "is required: the part of user ids after the colon, such as \
                             \"example.org\"; it stays as long as the data";

/// Where a configuration comes from, already read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The file's path and text, if one was named.
    pub(crate) file: Option<(PathBuf, String)>,
    /// The environment.
    pub(crate) environment: Vec<(String, String)>,
}

/// An environment variable that overrides a key.
struct Override {
    variable: String,
    section: String,
    key: String,
    value: toml::Value,
}

/// The configuration of these sources, or everything that is wrong with it.
pub(crate) fn load(sources: &Sources) -> Result<Config, Vec<Problem>> {
    let tables = tables();
    let mut problems = Vec::new();
    let file = parse_file(sources, &mut problems);
    unknown_in_file(sources, &file, &tables, &mut problems);
    let overrides = overrides(sources, &tables, &mut problems);
    if !problems.is_empty() {
        // What an unknown key was meant to be decides whether the rest is right.
        return Err(problems);
    }
    let figment = merged(&file, &overrides);
    let (config, errors) = extract(&figment);
    for (section, error) in errors {
        let key = format!("{section}.{}", error.path.join("."));
        problems.push(at(sources, &overrides, &key, &wrong_value(&error.kind)));
    }
    if sources.file.is_some() && !names_server(&file, &overrides) {
        problems.push(at(sources, &overrides, "server.name", NAME_REQUIRED));
    }
    if problems.is_empty() {
        let wrong = check(&config);
        problems
            .extend(wrong.into_iter().map(|(key, message)| at(sources, &overrides, key, &message)));
    }
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

/// What is wrong with a value, and what would be right.
fn wrong_value(kind: &Kind) -> String {
    match kind {
        Kind::UnknownVariant(found, known) => {
            format!("unknown value \"{found}\"; it is one of \"{}\"", known.join("\", \""))
        }
        Kind::Message(text) if text == "invalid socket address syntax" => {
            "must be an address with a port, such as \"127.0.0.1:8008\"".to_owned()
        }
        other => other.to_string(),
    }
}

fn parse_file(sources: &Sources, problems: &mut Vec<Problem>) -> toml::Table {
    let Some((path, text)) = &sources.file else {
        return toml::Table::new();
    };
    text.parse().unwrap_or_else(|error: toml::de::Error| {
        let line = error.span().map(|span| {
            let before = text.as_bytes().iter().take(span.start);
            before.filter(|byte| **byte == b'\n').count() + 1
        });
        problems.push(Problem {
            place: Place::File(path.clone(), line),
            key: String::new(),
            message: error.message().to_owned(),
        });
        toml::Table::new()
    })
}

fn merged(file: &toml::Table, overrides: &[Override]) -> Figment {
    let mut environment = toml::Table::new();
    for one in overrides {
        let section =
            environment.entry(one.section.clone()).or_insert_with(|| toml::Table::new().into());
        if let Some(section) = section.as_table_mut() {
            section.insert(one.key.clone(), one.value.clone());
        }
    }
    Figment::from(Serialized::defaults(Config::default()))
        .merge(Toml::string(&file.to_string()))
        .merge(Serialized::defaults(environment))
}

fn unknown_in_file(
    sources: &Sources,
    file: &toml::Table,
    tables: &[Table],
    problems: &mut Vec<Problem>,
) {
    for (section, value) in file {
        let known = tables.iter().find(|table| table.name == section);
        let keys = value.as_table().into_iter().flat_map(toml::Table::keys);
        let unknown: Vec<(String, String)> = match known {
            None => vec![(section.clone(), unknown_section(section, tables))],
            Some(table) => keys
                .filter_map(|key| Some((format!("{section}.{key}"), unknown_key(key, table)?)))
                .collect(),
        };
        for (key, message) in unknown {
            problems.push(at(sources, &[], &key, &message));
        }
    }
}

fn overrides(sources: &Sources, tables: &[Table], problems: &mut Vec<Problem>) -> Vec<Override> {
    let mut overrides = Vec::new();
    for (variable, text) in &sources.environment {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        // Variables without a section, such as CHANCERY_CONFIG, are the command line's.
        let Some((section, key)) = name.split_once("__") else {
            continue;
        };
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let table = tables.iter().find(|table| table.name == section);
        let unknown = match table {
            None => Some(unknown_section(&section, tables)),
            Some(table) => unknown_key(&key, table),
        };
        if let Some(message) = unknown {
            problems.push(Problem {
                place: Place::Environment(variable.clone()),
                key: format!("{section}.{key}"),
                message,
            });
            continue;
        }
        let default = table.and_then(|table| table.defaults.get(&key));
        let value = environment_value(text, default);
        overrides.push(Override { variable: variable.clone(), section, key, value });
    }
    overrides
}

/// The value of a variable: text where the key holds text, TOML elsewhere, and for lists also
/// plain text with commas.
fn environment_value(text: &str, default: Option<&toml::Value>) -> toml::Value {
    let as_toml = || {
        let document: toml::Table = format!("value = {text}").parse().ok()?;
        document.get("value").cloned()
    };
    let as_text = || toml::Value::String(text.to_owned());
    match default {
        None | Some(toml::Value::String(_)) => as_text(),
        Some(toml::Value::Array(_)) => as_toml().unwrap_or_else(|| {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            toml::Value::Array(parts.map(|part| part.to_owned().into()).collect())
        }),
        Some(_) => as_toml().unwrap_or_else(as_text),
    }
}

fn unknown_section(section: &str, tables: &[Table]) -> String {
    let names = tables.iter().map(|table| table.name);
    format!("unknown section{}", suggestion(section, names))
}

fn unknown_key(key: &str, table: &Table) -> Option<String> {
    let mut names = table.settings.iter().map(|setting| setting.key);
    if names.clone().any(|name| name == key) {
        return None;
    }
    Some(format!("unknown key{}", suggestion(key, &mut names)))
}

/// The nearest known name, if it is near enough to have been meant.
fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    /// Below this two words have little more than their length in common.
    const NEAR: f64 = 0.6;
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map_or(String::new(), |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

fn names_server(file: &toml::Table, overrides: &[Override]) -> bool {
    let in_file = file.get("server").and_then(|server| server.get("name"));
    let overridden = |one: &Override| one.section == "server" && one.key == "name";
    in_file.is_some() || overrides.iter().any(overridden)
}

/// A problem of a key, placed where its value comes from.
fn at(sources: &Sources, overrides: &[Override], key: &str, message: &str) -> Problem {
    let (section, name) = key.split_once('.').unwrap_or((key, ""));
    let overridden = overrides.iter().find(|one| one.section == section && one.key == name);
    let place = match (overridden, &sources.file) {
        (Some(one), _) => Place::Environment(one.variable.clone()),
        (None, Some((path, text))) => Place::File(path.clone(), line_of(text, section, name)),
        (None, None) => Place::Nowhere,
    };
    Problem { place, key: key.to_owned(), message: message.to_owned() }
}

/// The line of a key, or of the section's header where `key` is empty or not in the file.
fn line_of(text: &str, section: &str, key: &str) -> Option<usize> {
    let mut header = None;
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            let name = line.trim_start_matches('[').split(']').next();
            inside = name.is_some_and(|name| name.trim() == section);
            if inside {
                header = header.or(Some(number + 1));
            }
        } else if inside && !key.is_empty() {
            let name = line.split('=').next().unwrap_or_default();
            if name.trim().trim_matches('"') == key {
                return Some(number + 1);
            }
        }
    }
    header
}
