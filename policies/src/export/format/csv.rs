//! A table (RFC 4180): one item a row, in order of the log.
//!
//! Owns the columns, and the guard against texts that a spreadsheet would run as a formula: such a
//! cell begins with an apostrophe. Exact texts are in the evidence.

use super::{FormError, Source};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    item::{Item, What},
    output::Output,
};

const FILE: &str = "export.csv";
const COLUMNS: [&str; 17] = [
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
        line.push_str(&quoted(cell));
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

/// A text that people wrote.
fn guarded(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky { format!("'{text}") } else { text.to_owned() }
}

fn cells(source: &mut Source<'_>, item: &Item) -> Result<[String; 17], FormError> {
    let mut cells: [String; 17] = std::array::from_fn(|_| String::new());
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
            cells[10] = guarded(value.as_str().unwrap_or_default());
            cells[16] = guarded(&value.to_string());
        }
        What::Receipt { user, room, event_id, .. } => {
            "receipt".clone_into(&mut cells[2]);
            cells[3].clone_from(room);
            cells[7].clone_from(user);
            "reads".clone_into(&mut cells[11]);
            cells[12].clone_from(event_id);
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
    cells: &mut [String; 17],
) -> Result<(), FormError> {
    let (index, at) = (source.index, item.position);
    "event".clone_into(&mut cells[2]);
    cells[3].clone_from(&event.room);
    cells[4] = guarded(index.room_name(&event.room, at).unwrap_or_default());
    cells[5].clone_from(&event.id);
    event.event_type().clone_into(&mut cells[6]);
    event.sender().clone_into(&mut cells[7]);
    cells[8] = guarded(index.display_name(&event.room, event.sender(), at).unwrap_or_default());
    cells[9] = guarded(event.state_key().unwrap_or_default());
    cells[10] = if event.content_destroyed {
        "(destroyed)".to_owned()
    } else {
        guarded(event.body().or(event.content_text("membership")).unwrap_or_default())
    };
    let (relation, target) = match event.relation() {
        Some(Relation::Replaces(target)) => ("replaces".to_owned(), target),
        Some(Relation::Annotates(target, key)) => (format!("reacts {key}"), target),
        Some(Relation::Thread(root)) => ("thread".to_owned(), root),
        None => match event.replies_to() {
            Some(target) => ("replies".to_owned(), target),
            None => (String::new(), ""),
        },
    };
    cells[11] = relation;
    target.clone_into(&mut cells[12]);
    let edits = source.edits(&event.id)?;
    cells[13] = edits.iter().map(|(_, edit)| edit.id.as_str()).collect::<Vec<_>>().join(" ");
    cells[14] = source.redaction(at)?.map(|(_, event)| event.id.clone()).unwrap_or_default();
    let media: Vec<_> = source.media(event).into_iter().map(|file| file.path).collect();
    cells[15] = media.join(" ");
    cells[16] = event.content().map(|_| event.content_json().to_owned()).unwrap_or_default();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_do_not_run() {
        assert_eq!(quoted("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(guarded("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(guarded("fine = yes"), "fine = yes");
    }
}
