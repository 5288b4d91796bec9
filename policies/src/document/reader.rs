//! Reading values out of TOML whose places are known.
//!
//! Owns what a wrong type, an unknown key and a malformed value are told as. Goes on after a
//! problem, so that one does not hide the next.

use std::collections::BTreeSet;

use facts::fact::{Period, RecordKind};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    nearest::suggestion,
    problem::{Found, PROBLEMS_MAX},
};

/// A table with its path.
pub(super) struct Table<'a, 'i> {
    entries: &'a DeTable<'i>,
    path: String,
    start: usize,
}

impl<'a, 'i> Table<'a, 'i> {
    pub(super) fn root(table: &'a DeTable<'i>) -> Self {
        Self { entries: table, path: String::new(), start: 0 }
    }

    /// Names in the table with where they begin.
    pub(super) fn names(&self) -> Vec<(String, usize)> {
        let names = self.entries.keys();
        names.map(|name| (name.get_ref().to_string(), name.span().start)).collect()
    }

    /// Where a key begins.
    pub(super) fn start_of(&self, key: &str) -> Option<usize> {
        let mut names = self.entries.keys();
        names.find(|name| name.get_ref() == key).map(|name| name.span().start)
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.entries.get(key)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// Collects problems.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Found>,
}

impl Reader {
    pub(super) fn problem(&mut self, at: usize, key: String, message: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Found { at, key, message });
        }
    }

    pub(super) fn refuse_unknown(&mut self, table: &Table<'_, '_>, known: &[&str], what: &str) {
        for (name, start) in table.names() {
            if !known.contains(&name.as_str()) {
                let nearest = suggestion(&name, known.iter().copied());
                self.problem(start, table.path_of(&name), format!("unknown {what}{nearest}"));
            }
        }
    }

    pub(super) fn table<'a, 'i>(
        &mut self,
        table: &Table<'a, 'i>,
        key: &str,
    ) -> Option<Table<'a, 'i>> {
        let value = table.value(key)?;
        let Some(inner) = value.get_ref().as_table() else {
            self.wrong_type(table, key, value, "a table");
            return None;
        };
        let start = table.start_of(key).unwrap_or(value.span().start);
        Some(Table { entries: inner, path: table.path_of(key), start })
    }

    pub(super) fn boolean(&mut self, table: &Table<'_, '_>, key: &str) -> Option<bool> {
        let value = table.value(key)?;
        let read = value.get_ref().as_bool();
        if read.is_none() {
            self.wrong_type(table, key, value, "`true` or `false`");
        }
        read
    }

    pub(super) fn string(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        let value = table.value(key)?;
        let read = value.get_ref().as_str();
        if read.is_none() {
            self.wrong_type(table, key, value, "a string");
        }
        read.map(str::to_owned)
    }

    pub(super) fn period(
        &mut self,
        table: &Table<'_, '_>,
        key: &str,
        required: bool,
    ) -> Option<Period> {
        let Some(value) = table.value(key) else {
            if required {
                let message = format!("`{key}` is missing");
                self.problem(table.start, table.path.clone(), message);
            }
            return None;
        };
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(table, key, value, "a period such as \"90d\" or \"7y\"");
            return None;
        };
        match text.parse() {
            Ok(period) => Some(period),
            Err(error) => {
                let error: facts::fact::PeriodError = error;
                self.problem(value.span().start, table.path_of(key), error.to_string());
                None
            }
        }
    }

    pub(super) fn names(&mut self, table: &Table<'_, '_>, key: &str) -> BTreeSet<String> {
        let names = self.strings(table, key);
        if names.is_empty() && table.value(key).is_some_and(|list| is_empty(list.get_ref())) {
            let at = table.start_of(key).unwrap_or(table.start);
            let message = "names nobody; leave it out for all of them".to_owned();
            self.problem(at, table.path_of(key), message);
        }
        names.into_iter().map(|(name, _)| name).collect()
    }

    pub(super) fn kinds(&mut self, table: &Table<'_, '_>, key: &str) -> BTreeSet<RecordKind> {
        let mut kinds = BTreeSet::new();
        for (name, at) in self.strings(table, key) {
            if let Some(kind) = RecordKind::ALL.into_iter().find(|kind| kind.name() == name) {
                kinds.insert(kind);
                continue;
            }
            let known = RecordKind::ALL.map(RecordKind::name);
            let nearest = suggestion(&name, known);
            let known = known.join("\", \"");
            let message =
                format!("unknown kind of records \"{name}\"{nearest} (known: \"{known}\")");
            self.problem(at, table.path_of(key), message);
        }
        kinds
    }

    fn strings(&mut self, table: &Table<'_, '_>, key: &str) -> Vec<(String, usize)> {
        let Some(value) = table.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type(table, key, value, "a list of strings");
            return Vec::new();
        };
        let mut read = Vec::new();
        for one in list {
            match one.get_ref().as_str() {
                Some(text) => read.push((text.to_owned(), one.span().start)),
                None => self.wrong_type(table, key, one, "a string"),
            }
        }
        read
    }

    fn wrong_type(
        &mut self,
        table: &Table<'_, '_>,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
    ) {
        let message =
            format!("must be {wanted}, and is of the type {}", value.get_ref().type_str());
        self.problem(value.span().start, table.path_of(key), message);
    }
}

fn is_empty(value: &DeValue<'_>) -> bool {
    value.as_array().is_some_and(|list| list.iter().next().is_none())
}
