//! One item of a page.
//!
//! Owns what is shown of it: who, when, what it says, its media, and what became of it.

use std::fmt::Write as _;

use super::escape::escaped;
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    format::{
        FormError, MediaFile, Source,
        later::{EditBudget, Later},
        safe::{inline, quoted},
        said::said,
        transcript::{receipt_words, relations},
    },
    item::{Item, What},
    media_names::essence,
};

/// Images that browsers show and that carry no script.
const IMAGES: [&str; 6] =
    ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/apng"];

/// An item.
pub(super) fn article(
    source: &mut Source<'_>,
    item: &Item,
    budget: &mut EditBudget,
) -> Result<String, FormError> {
    let mut text = String::new();
    let is_redacted = source.index.redacted_by(item.position).is_some();
    let class = if is_redacted { " class=\"redacted\"" } else { "" };
    let _ = writeln!(text, "<article id=\"p{}\"{class}>", item.position);
    match &item.what {
        What::Event(event) => of_event(source, item, event, budget, &mut text)?,
        what => {
            let _ = writeln!(
                text,
                "<div class=\"state\">{} {}</div>",
                iso(item.recorded_at),
                sentence(what)
            );
        }
    }
    for file in source.media_of(item) {
        medium(&file, &mut text);
    }
    let digest = hex::encode(item.digest);
    let _ = writeln!(text, "<footer>{} · {digest}</footer>\n</article>", item.position);
    Ok(text)
}

/// What is no event, in words.
fn sentence(what: &What) -> String {
    match what {
        What::Event(_) => String::new(),
        What::RedactionApplied { target, by, .. } => format!(
            "deletion of <a href=\"#p{target}\">item {target}</a> by <a href=\"#p{by}\">item \
             {by}</a> takes effect"
        ),
        What::Receipt { user, event_id, thread, private, .. } => {
            let how = receipt_words(thread.as_deref(), *private);
            format!("{} has read up to {}{}", escaped(user), escaped(event_id), escaped(&how))
        }
        What::Profile { user, field, value } => format!(
            "{} sets {} to {}",
            escaped(user),
            escaped(&inline(field)),
            escaped(&value.to_string())
        ),
        What::Destroyed { of } => format!("An entry of {} is destroyed.", escaped(of)),
    }
}

fn of_event(
    source: &mut Source<'_>,
    item: &Item,
    event: &Event,
    budget: &mut EditBudget,
    text: &mut String,
) -> Result<(), FormError> {
    heading(source, item, event, text);
    says(event, text);
    source.each_edit(event, |source, edit| edited(source, &edit, budget, text))?;
    source.each_reaction(event, |source, reaction| reacted(source, &reaction, budget, text))?;
    let deletion = deletion(source, item.position, None)?;
    if !deletion.is_empty() {
        let _ = writeln!(text, "<div class=\"edit\">{deletion}</div>");
    }
    Ok(())
}

fn heading(source: &Source<'_>, item: &Item, event: &Event, text: &mut String) {
    let name = source.index.display_name(&event.room, event.sender(), item.position);
    let name = name.map(|name| format!(" <b><bdi>{}</bdi></b>", escaped(&quoted(name))));
    let (sender, when) = (escaped(event.sender()), iso(item.recorded_at));
    let _ = writeln!(
        text,
        "<header>{sender}{} <time>{when}</time> <span class=\"state\">{}{}</span></header>",
        name.unwrap_or_default(),
        escaped(&inline(&event.id)),
        escaped(&relations(event))
    );
    if let Some(verdict) = event.verdict.filter(|verdict| *verdict != "accept") {
        let _ = writeln!(text, "<div class=\"state\">Not accepted: {verdict}.</div>");
    }
}

fn says(event: &Event, text: &mut String) {
    if event.event_type() == "m.room.encrypted" && !event.content_destroyed {
        text.push_str("<div class=\"state\">End-to-end encrypted, as it is stored:</div>\n");
    }
    text.push_str(&told(event));
}

/// What an event says: each text with a rule beside it, labels without.
fn told(event: &Event) -> String {
    let said = said(event);
    let mut text = format!("<div class=\"body\">{}</div>\n", escaped(&said.text));
    for (label, more) in &said.more {
        let _ = writeln!(
            text,
            "<div class=\"state\">{label}: <div class=\"body\">{}</div></div>",
            escaped(more)
        );
    }
    text
}

fn edited(
    source: &mut Source<'_>,
    later: &Later,
    budget: &mut EditBudget,
    text: &mut String,
) -> Result<(), FormError> {
    let (when, edit) = (iso(later.recorded_at), &later.event);
    let (by, id) = (escaped(edit.sender()), escaped(&inline(&edit.id)));
    let (what, new) = match later.fault {
        None => {
            let there = || format!("<div class=\"body\">{}</div>", what_item_says(later.position));
            let new = budget.takes(edit).then(|| told(edit));
            (format!("Edited {when} by {by} ({id})"), new.unwrap_or_else(there))
        }
        Some(fault) => {
            let deleted = deletion(source, later.position, Some(budget))?;
            let why = fault.words();
            (format!("Edit without effect, {why}: {when} by {by} ({id}) {deleted}"), String::new())
        }
    };
    let _ = writeln!(text, "<div class=\"edit\">{what} {new}</div>");
    Ok(())
}

/// In the place of a text that stands with its own item alone.
fn what_item_says(position: u64) -> String {
    format!("(what <a href=\"#p{position}\">item {position}</a> says)")
}

fn reacted(
    source: &mut Source<'_>,
    later: &Later,
    budget: &mut EditBudget,
    text: &mut String,
) -> Result<(), FormError> {
    let Some(Relation::Annotates(_, key)) = later.event.relation() else { return Ok(()) };
    let told = budget.takes_bytes(key.len());
    let key = if told {
        format!("<bdi>{}</bdi>", escaped(&inline(key)))
    } else {
        what_item_says(later.position)
    };
    let by = escaped(later.event.sender());
    let what = match later.fault {
        None => format!("Reaction {key} by {by}"),
        Some(fault) => {
            let deleted = deletion(source, later.position, Some(budget))?;
            let why = fault.words();
            format!("Reaction without effect, {why}: {key} by {by} {deleted}")
        }
    };
    let _ = writeln!(text, "<div class=\"edit\">{what}</div>");
    Ok(())
}

/// Who deleted an item, when and why; empty where nobody did. Without a budget for an item of the
/// page, whose deletion is told once.
fn deletion(
    source: &mut Source<'_>,
    position: u64,
    budget: Option<&mut EditBudget>,
) -> Result<String, FormError> {
    let deleted_by = source.index.redacted_by(position);
    if let Some((deleted_at, by)) = source.redaction(position)? {
        let (when, who) = (iso(deleted_at), escaped(by.sender()));
        let why = match by.content_text("reason") {
            Some(why) if budget.is_none_or(|budget| budget.takes_bytes(why.len())) => {
                escaped(&quoted(why))
            }
            Some(_) => format!("as item {} says", deleted_by.unwrap_or_default()),
            None => "no reason given".to_owned(),
        };
        return Ok(format!("Deleted {when} by {who}: {why}"));
    }
    Ok(deleted_by.map(|by| format!("Deleted by item {by}")).unwrap_or_default())
}

fn medium(file: &MediaFile, text: &mut String) {
    let name = file.name.as_deref().map_or_else(|| file.id.clone(), inline);
    let name = escaped(&name);
    let Some(bytes) = file.bytes else {
        let _ = writeln!(text, "<div class=\"state\">Media <bdi>{name}</bdi> is not there.</div>");
        return;
    };
    let given = file.content_type.as_deref().unwrap_or_default();
    let (kind, path) = (essence(given), &file.path);
    if IMAGES.contains(&kind.as_str()) {
        let _ = writeln!(text, "<div><img src=\"../../{path}\" alt=\"{name}\"></div>");
    }
    for element in ["audio", "video"] {
        if kind.strip_prefix(element).is_some_and(|rest| rest.starts_with('/')) {
            let _ = writeln!(
                text,
                "<div><{element} src=\"../../{path}\" controls preload=\"none\"></{element}></div>"
            );
        }
    }
    let _ = writeln!(
        text,
        "<div>File <bdi>{name}</bdi> ({}, {bytes} bytes): <code>{path}</code></div>",
        escaped(&inline(given))
    );
}
