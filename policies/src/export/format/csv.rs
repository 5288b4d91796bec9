//! A table (RFC 4180): one item a row, in order of the log.
//!
//! Owns the columns, and the guard against texts that a spreadsheet would run as a formula, whatever
//! their column is. A program that takes semicolons or tabs for what parts cells sees cells where
//! there are none, and no quotation marks around them. So a text gets an apostrophe wherever a cell
//! could begin for anybody, where a formula or an apostrophe stands there: whoever takes one away
//! at each of these places has the exact text.

use std::borrow::Cow;

use super::{
    FormError, Source,
    later::{Later, NoEffect},
};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    item::{Item, What},
    output::Output,
};

pub(super) const FILE: &str = "export.csv";
const COUNT: usize = 27;
const COLUMNS: [&str; COUNT] = [
    "position",
    "recorded_at",
    "kind",
    "room_id",
    "room_name",
    "event_id",
    "type",
    "sender",
    "sender_name",
    "state_key",
    "body",
    "relation",
    "related_event",
    "edited_by",
    "redacted_by",
    "media",
    "content",
    "thread",
    "private",
    "edits_without_effect",
    "verdict",
    "sender_time",
    "redacted_at",
    "redacted_by_user",
    "redacted_reason",
    "reactions",
    "reactions_without_effect",
];

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    out.begin(FILE)?;
    row(out, &COLUMNS.map(str::to_owned))?;
    source.each(|source, item| {
        let cells = cells(source, &item)?;
        Ok(row(out, &cells)?)
    })?;
    Ok(out.end()?)
}

fn row(out: &mut dyn Output, cells: &[String]) -> std::io::Result<()> {
    let mut line = String::new();
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            line.push(',');
        }
        line.push_str(&quoted(&guarded(cell)));
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes())
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// What parts cells or rows for some program.
const PARTS: [char; 4] = [';', '\t', '\r', '\n'];

/// A cell of which no spreadsheet runs anything.
fn guarded(cell: &str) -> Cow<'_, str> {
    let begins = std::iter::once(0).chain(cell.match_indices(PARTS).map(|(at, _)| at + 1));
    let risky: Vec<usize> = begins.filter(|at| is_risky(&cell[*at..], *at == 0)).collect();
    if risky.is_empty() {
        return Cow::Borrowed(cell);
    }
    let (mut guarded, mut done) = (String::with_capacity(cell.len() + risky.len()), 0);
    for at in risky {
        guarded.push_str(&cell[done..at]);
        guarded.push('\'');
        done = at;
    }
    guarded.push_str(&cell[done..]);
    Cow::Owned(guarded)
}

/// Whether what stands where a cell may begin must not begin one. Some programs skip what blank
/// there is before a formula, some take wide forms of its signs, and quotation marks are those of a
/// cell where it was none before.
fn is_risky(text: &str, is_whole: bool) -> bool {
    let skipped = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\u{feff}');
    text.starts_with('\'')
        || (is_whole && text.starts_with(['\t', '\r', '\n']))
        || text
            .trim_start_matches(skipped)
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

fn cells(source: &mut Source<'_>, item: &Item) -> Result<[String; COUNT], FormError> {
    let mut cells: [String; COUNT] = std::array::from_fn(|_| String::new());
    cells[0] = item.position.to_string();
    cells[1] = iso(item.recorded_at);
    match &item.what {
        What::Event(event) => of_event(source, item, event, &mut cells)?,
        What::RedactionApplied { room, target, by } => {
            "redaction_applied".clone_into(&mut cells[2]);
            cells[3].clone_from(room);
            "redacts_position".clone_into(&mut cells[11]);
            cells[12] = target.to_string();
            cells[14] = by.to_string();
        }
        What::Profile { user, field, value } => {
            "profile".clone_into(&mut cells[2]);
            cells[7].clone_from(user);
            cells[9].clone_from(field);
            value.as_str().unwrap_or_default().clone_into(&mut cells[10]);
            let media: Vec<_> = source.media_of(item).into_iter().map(|file| file.path).collect();
            cells[15] = media.join(" ");
            cells[16] = value.to_string();
        }
        What::Receipt { user, room, event_id, thread, private, .. } => {
            "receipt".clone_into(&mut cells[2]);
            cells[3].clone_from(room);
            cells[7].clone_from(user);
            "reads".clone_into(&mut cells[11]);
            cells[12].clone_from(event_id);
            cells[17] = thread.clone().unwrap_or_default();
            cells[18] = private.to_string();
        }
        What::Destroyed { of } => {
            "destroyed".clone_into(&mut cells[2]);
            cells[3].clone_from(of);
        }
    }
    Ok(cells)
}

fn of_event(
    source: &mut Source<'_>,
    item: &Item,
    event: &Event,
    cells: &mut [String; COUNT],
) -> Result<(), FormError> {
    let (index, at) = (source.index, item.position);
    "event".clone_into(&mut cells[2]);
    cells[3].clone_from(&event.room);
    index.room_name(&event.room, at).unwrap_or_default().clone_into(&mut cells[4]);
    cells[5].clone_from(&event.id);
    event.event_type().clone_into(&mut cells[6]);
    event.sender().clone_into(&mut cells[7]);
    let name = index.display_name(&event.room, event.sender(), at);
    name.unwrap_or_default().clone_into(&mut cells[8]);
    event.state_key().unwrap_or_default().clone_into(&mut cells[9]);
    let body = event.body().or(event.content_text("membership")).unwrap_or_default();
    let body = if event.content_destroyed { "(destroyed)" } else { body };
    body.clone_into(&mut cells[10]);
    (cells[11], cells[12]) = relation(event);
    cells[17] = match event.relation() {
        Some(Relation::Thread(root)) => root.to_owned(),
        _ => String::new(),
    };
    (cells[13], cells[19]) = edits(source, event)?;
    (cells[25], cells[26]) = reactions(source, event)?;
    event.verdict.unwrap_or_default().clone_into(&mut cells[20]);
    cells[21] = event.claimed_at().map(iso).unwrap_or_default();
    if let Some((redacted_at, by)) = source.redaction(at)? {
        cells[14].clone_from(&by.id);
        cells[22] = iso(redacted_at);
        by.sender().clone_into(&mut cells[23]);
        by.content_text("reason").unwrap_or_default().clone_into(&mut cells[24]);
    }
    let media: Vec<_> = source.media(event).into_iter().map(|file| file.path).collect();
    cells[15] = media.join(" ");
    cells[16] = event.content().map(|_| event.content_json().to_owned()).unwrap_or_default();
    Ok(())
}

/// How an event refers to another, and to which.
fn relation(event: &Event) -> (String, String) {
    let (relation, target) = match event.relation() {
        Some(Relation::Replaces(target)) => ("replaces".to_owned(), Some(target)),
        Some(Relation::Annotates(target, key)) => (format!("reacts {key}"), Some(target)),
        Some(Relation::Thread(root)) => ("thread".to_owned(), Some(root)),
        None => match (event.replies_to(), event.redacts()) {
            (Some(target), _) => ("replies".to_owned(), Some(target)),
            (None, Some(target)) => ("redacts".to_owned(), Some(target)),
            (None, None) => (String::new(), None),
        },
    };
    (relation, target.unwrap_or_default().to_owned())
}

/// Ids of edits: those that replace the text, and those that do not, with the reason.
fn edits(source: &mut Source<'_>, event: &Event) -> Result<(String, String), FormError> {
    let mut ids = Ids::default();
    source.each_edit(event, |_, edit| {
        ids.add(&edit);
        Ok(())
    })?;
    Ok(ids.cells())
}

/// The same of reactions.
fn reactions(source: &mut Source<'_>, event: &Event) -> Result<(String, String), FormError> {
    let mut ids = Ids::default();
    source.each_reaction(event, |_, reaction| {
        ids.add(&reaction);
        Ok(())
    })?;
    Ok(ids.cells())
}

/// Ids of what refers to an event.
#[derive(Default)]
struct Ids {
    valid: Vec<String>,
    others: Vec<String>,
}

impl Ids {
    fn add(&mut self, later: &Later) {
        match later.fault.map(NoEffect::name) {
            None => self.valid.push(later.event.id.clone()),
            Some(why) => self.others.push(format!("{} ({why})", later.event.id)),
        }
    }

    fn cells(&self) -> (String, String) {
        (self.valid.join(" "), self.others.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_do_not_run() {
        assert_eq!(quoted("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        assert_eq!(quoted("plain"), "plain");
        for risky in
            ["=HYPERLINK(1)", "@SUM(1)", "+1", "-1", " \u{a0}=1", "\t", "'=1", "＝1", "\"=1"]
        {
            assert_eq!(guarded(risky), format!("'{risky}"));
        }
        for (risky, safe) in [
            ("\n=1+1", "'\n'=1+1"),
            ("hello;=HYPERLINK(1)", "hello;'=HYPERLINK(1)"),
            ("a; \"=1;b\t@x;c\r\n-1", "a;' \"=1;b\t'@x;c\r'\n'-1"),
            ("a;'=1;;＝1", "a;''=1;;'＝1"),
            ("{\"body\":\"x;+1\"}", "{\"body\":\"x;'+1\"}"),
        ] {
            assert_eq!(guarded(risky), safe);
            let cells = safe.split_inclusive(PARTS);
            let undone: String =
                cells.map(|cell| cell.strip_prefix('\'').unwrap_or(cell)).collect();
            assert_eq!(undone, risky);
        }
        for fine in [
            "",
            "fine = yes",
            "$abc",
            "!room:x",
            "a; b; c",
            "it's; not",
            "a\nb",
            "{\"a\":1}",
            "2026-11-30",
        ] {
            assert_eq!(guarded(fine), fine);
        }
    }
}
