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
    source.each_reaction(event, |source, reaction| reacted(source, &reaction, text))?;
    let deletion = deletion(source, item.position)?;
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
    let said = said(event);
    let _ = writeln!(text, "<div class=\"body\">{}</div>", escaped(&said.text));
    for (label, more) in &said.more {
        let _ = writeln!(
            text,
            "<div class=\"state\">{label}: <div class=\"body\">{}</div></div>",
            escaped(more)
        );
    }
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
            let place = later.position;
            let there = || format!("(what <a href=\"#p{place}\">item {place}</a> says)");
            let new = budget.takes(edit).then(|| escaped(&said(edit).whole()));
            (format!("Edited {when} by {by} ({id})"), new.unwrap_or_else(there))
        }
        Some(fault) => {
            let deleted = deletion(source, later.position)?;
            let why = fault.words();
            (format!("Edit without effect, {why}: {when} by {by} ({id}) {deleted}"), String::new())
        }
    };
    let _ = writeln!(text, "<div class=\"edit\">{what} <div class=\"body\">{new}</div></div>");
    Ok(())
}

fn reacted(source: &mut Source<'_>, later: &Later, text: &mut String) -> Result<(), FormError> {
    let Some(Relation::Annotates(_, key)) = later.event.relation() else { return Ok(()) };
    let (key, by) = (escaped(&inline(key)), escaped(later.event.sender()));
    let what = match later.fault {
        None => format!("Reaction <bdi>{key}</bdi> by {by}"),
        Some(fault) => {
            let (why, deleted) = (fault.words(), deletion(source, later.position)?);
            format!("Reaction without effect, {why}: <bdi>{key}</bdi> by {by} {deleted}")
        }
    };
    let _ = writeln!(text, "<div class=\"edit\">{what}</div>");
    Ok(())
}

/// Who deleted an item, when and why; empty where nobody did.
fn deletion(source: &mut Source<'_>, position: u64) -> Result<String, FormError> {
    if let Some((deleted_at, by)) = source.redaction(position)? {
        let (when, who) = (iso(deleted_at), escaped(by.sender()));
        let why = by.content_text("reason").map(quoted);
        let why = escaped(why.as_deref().unwrap_or("no reason given"));
        return Ok(format!("Deleted {when} by {who}: {why}"));
    }
    let by = source.index.redacted_by(position);
    Ok(by.map(|by| format!("Deleted by item {by}")).unwrap_or_default())
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
