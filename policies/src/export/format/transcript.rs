//! A room's day as text: what people read and programs search.
//!
//! Owns the form. At the head are the room and who was joined to it at the beginning. A heading begins with `[`, the time, and the item's position; what the server
//! tells of an item follows in lines that begin with four blanks and `[`; what people wrote stands
//! in lines that begin with `  | ` alone, so no text and no name passes for anything else.

use std::{collections::HashSet, fmt::Write as _};

use super::{
    FormError, MediaFile, Source,
    later::EditBudget,
    safe::{SERVER_LINE, id, push_lines, quoted},
    said::said,
    slices::Slice,
};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    item::{Item, What},
};

/// The transcript, and the media that it names, each once.
pub(super) fn transcript(
    source: &mut Source<'_>,
    slice: &Slice,
    present: &[String],
) -> Result<(String, Vec<MediaFile>), FormError> {
    let mut text = format!("Room {}\r\n", id(slice.room_id()));
    if let Some(name) = slice.room_name(source.index) {
        let _ = write!(text, "Name {}\r\n", quoted(name));
    }
    for user in present.iter().filter(|_| slice.room.is_some()) {
        let _ = write!(text, "Joined {}\r\n", id(user));
    }
    text.push_str("\r\n");
    let (mut media, mut known) = (Vec::<MediaFile>::new(), HashSet::new());
    let mut budget = EditBudget::of_slice();
    for item in &slice.items {
        of_item(source, item, &mut budget, &mut text)?;
        for file in source.media_of(item) {
            let _ = write!(text, "    [file {}, {}]\r\n", id(&file.id), named(&file));
            if known.insert(file.id.clone()) {
                media.push(file);
            }
        }
    }
    Ok((text, media))
}

/// The name of a file as it was given, and whether it is there.
fn named(file: &MediaFile) -> String {
    let given = file.name.as_deref().map_or_else(|| "without a name".to_owned(), quoted);
    match file.bytes {
        Some(bytes) => format!("{given}, {bytes} bytes, attached as {}", quoted(&file.safe_name())),
        None => format!("{given}, not there"),
    }
}

fn of_item(
    source: &mut Source<'_>,
    item: &Item,
    budget: &mut EditBudget,
    text: &mut String,
) -> Result<(), FormError> {
    let _ = write!(text, "[{}] #{} ", iso(item.recorded_at), item.position);
    match &item.what {
        What::Event(event) => of_event(source, item, event, budget, text)?,
        What::RedactionApplied { target, by, .. } => {
            let _ = write!(text, "deletion of item #{target} by item #{by} takes effect\r\n");
        }
        What::Receipt { user, event_id, thread, private, .. } => {
            let how = receipt_words(thread.as_deref(), *private);
            let _ = write!(text, "{} has read up to {}{how}\r\n", id(user), id(event_id));
        }
        What::Profile { user, field, value } => {
            let _ = write!(text, "{} sets {} in the profile to:\r\n", id(user), quoted(field));
            push_lines(&value.to_string(), text);
        }
        What::Destroyed { of } => {
            let _ = write!(text, "an entry of {} is destroyed\r\n", id(of));
        }
    }
    Ok(())
}

/// What a receipt says beside person and event.
pub(super) fn receipt_words(thread: Option<&str>, private: bool) -> String {
    let thread = match thread {
        None => String::new(),
        Some("main") => " outside of threads".to_owned(),
        Some(root) => format!(" in thread {}", id(root)),
    };
    format!("{thread}{}", if private { " privately" } else { "" })
}

fn of_event(
    source: &mut Source<'_>,
    item: &Item,
    event: &Event,
    budget: &mut EditBudget,
    text: &mut String,
) -> Result<(), FormError> {
    let _ = write!(text, "{}", id(event.sender()));
    if let Some(name) = source.index.display_name(&event.room, event.sender(), item.position) {
        let _ = write!(text, " {}", quoted(name));
    }
    let _ = write!(text, " {}{}:\r\n", id(&event.id), relations(event));
    says(event, text);
    if let Some(verdict) = event.verdict.filter(|verdict| *verdict != "accept") {
        let _ = write!(text, "    [not accepted: {verdict}]\r\n");
    }
    edits(source, event, budget, text)?;
    deletion(source, item.position, text)
}

fn says(event: &Event, text: &mut String) {
    let said = said(event);
    push_lines(&said.text, text);
    for (label, more) in &said.more {
        let _ = write!(text, "{SERVER_LINE}{label}]\r\n");
        push_lines(more, text);
    }
}

/// To what an event refers, in words; each with its id.
pub(super) fn relations(event: &Event) -> String {
    let mut words = match event.relation() {
        Some(Relation::Replaces(target)) => format!(", edit of {}", id(target)),
        Some(Relation::Annotates(target, key)) => {
            format!(", reaction {} to {}", quoted(key), id(target))
        }
        Some(Relation::Thread(root)) => format!(", in thread {}", id(root)),
        None => String::new(),
    };
    if let Some(target) = event.replies_to().filter(|_| !event.replies_as_fallback()) {
        let _ = write!(words, ", reply to {}", id(target));
    }
    if let Some(target) = event.redacts() {
        let _ = write!(words, ", deletion of {}", id(target));
    }
    words
}

fn edits(
    source: &mut Source<'_>,
    event: &Event,
    budget: &mut EditBudget,
    text: &mut String,
) -> Result<(), FormError> {
    source.each_edit(event, |_, later| {
        let (when, edit) = (iso(later.recorded_at), &later.event);
        let (sender, edit_id) = (id(edit.sender()), id(&edit.id));
        let by = format!("{when} by {sender}, {edit_id}");
        if let Some(fault) = later.fault {
            let why = fault.words();
            let _ = write!(text, "    [edit without effect, {why}: {by}]\r\n");
        } else if budget.takes(edit) {
            let _ = write!(text, "    [edited {by}, to:]\r\n");
            says(edit, text);
        } else {
            let _ = write!(text, "    [edited {by}, to what item #{} says]\r\n", later.position);
        }
        Ok(())
    })
}

fn deletion(source: &mut Source<'_>, position: u64, text: &mut String) -> Result<(), FormError> {
    if let Some((deleted_at, by)) = source.redaction(position)? {
        let (when, who, by_id) = (iso(deleted_at), id(by.sender()), id(&by.id));
        let why = by.content_text("reason").map(|why| format!(": {}", quoted(why)));
        let why = why.unwrap_or_default();
        let _ = write!(text, "    [deleted {when} by {who}, {by_id}{why}]\r\n");
    } else if let Some(by) = source.index.redacted_by(position) {
        let _ = write!(text, "    [deleted by item #{by}]\r\n");
    }
    Ok(())
}
