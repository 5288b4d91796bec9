//! Pages for reading and printing: one for each room and day, and an index.
//!
//! Owns the pages. Every text is escaped; there is no script, and a content security policy that
//! forbids any; media are shown from the export's own folder, and nothing is loaded from anywhere
//! else.

use std::fmt::Write as _;

use super::{
    FormError, MediaFile, Source,
    slices::{Slice, each_slice},
};
use crate::export::{
    calendar::iso,
    event::{Event, Relation},
    item::{Item, What},
    output::Output,
};

const STYLE: &str = "body{font:14px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
article{border-top:1px solid #ccc;padding:.5em 0;break-inside:avoid}\
header{color:#555}.body{white-space:pre-wrap;overflow-wrap:anywhere}\
.redacted{background:#fee}.edit{margin-left:2em;color:#444}.state{color:#666}\
img{max-width:100%;max-height:30em}footer{color:#777;font-size:11px}";

/// Images that browsers show and that carry no script.
const IMAGES: [&str; 6] =
    ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/apng"];

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    let mut index = page_head("Export");
    index.push_str("<h1>Export</h1>\n<ul>\n");
    each_slice(source, |source, slice| {
        let path = format!("html/{}/{}.html", slice.folder, slice.name);
        let name = source.index.room_name(&slice.room, slice.last()).unwrap_or(&slice.room);
        let _ = writeln!(
            index,
            "<li><a href=\"{}/{}.html\">{} ({}), {}</a>: {} items</li>",
            slice.folder,
            slice.name,
            escaped(name),
            escaped(&slice.room),
            slice.name,
            slice.items.len()
        );
        out.begin(&path)?;
        let title = format!("{name}, {}", slice.name);
        out.write_all(page_head(&title).as_bytes())?;
        out.write_all(format!("<h1>{}</h1>\n", escaped(&title)).as_bytes())?;
        for item in &slice.items {
            let text = article(source, slice, item)?;
            out.write_all(text.as_bytes())?;
        }
        out.write_all(b"</body></html>\n")?;
        Ok(out.end()?)
    })?;
    index.push_str("</ul>\n");
    out.begin("html/index.html")?;
    out.write_all(index.as_bytes())?;
    for place in source.index.apart.clone() {
        if let Some(item) = source.item(place)? {
            out.write_all(apart(&item).as_bytes())?;
        }
    }
    out.write_all(b"</body></html>\n")?;
    Ok(out.end()?)
}

fn page_head(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         img-src 'self' file:; media-src 'self' file:; style-src 'unsafe-inline'\">\n\
         <title>{}</title><style>{STYLE}</style></head><body>\n",
        escaped(title)
    )
}

fn article(source: &mut Source<'_>, slice: &Slice, item: &Item) -> Result<String, FormError> {
    let mut text = String::new();
    let redaction = source.redaction(item.position)?;
    let is_redacted = source.index.redacted_by(item.position).is_some();
    let class = if is_redacted { " class=\"redacted\"" } else { "" };
    let _ = writeln!(text, "<article{class} id=\"p{}\">", item.position);
    match &item.what {
        What::Event(event) => {
            heading(source, slice, item, event, &mut text);
            says(source, event, &mut text);
            for (edited_at, edit) in source.edits(&event.id)? {
                let _ = writeln!(
                    text,
                    "<div class=\"edit\">Edited {} by {}: <div class=\"body\">{}</div></div>",
                    iso(edited_at),
                    escaped(edit.sender()),
                    escaped(edit.body().unwrap_or("(content destroyed)"))
                );
            }
            for (_, reaction) in source.reactions(&event.id)? {
                if let Some(Relation::Annotates(_, key)) = reaction.relation() {
                    let (key, by) = (escaped(key), escaped(reaction.sender()));
                    let _ = writeln!(text, "<div class=\"edit\">Reaction {key} by {by}</div>");
                }
            }
            if let Some((deleted_at, by)) = redaction {
                let (when, who) = (iso(deleted_at), escaped(by.sender()));
                let why = escaped(by.content_text("reason").unwrap_or("no reason given"));
                let _ = writeln!(text, "<div class=\"edit\">Deleted {when} by {who}: {why}</div>");
            } else if is_redacted {
                text.push_str("<div class=\"edit\">Deleted</div>\n");
            }
        }
        What::RedactionApplied { target, .. } => {
            let _ = writeln!(
                text,
                "<div class=\"state\">{} deletion of <a href=\"#p{target}\">item {target}</a> \
                 takes effect</div>",
                iso(item.recorded_at)
            );
        }
        What::Receipt { user, event_id, private, .. } => {
            let how = if *private { " (privately)" } else { "" };
            let (user, event_id) = (escaped(user), escaped(event_id));
            let when = iso(item.recorded_at);
            let _ = writeln!(
                text,
                "<div class=\"state\">{when} {user} has read up to {event_id}{how}</div>"
            );
        }
        What::Profile { .. } | What::Destroyed { .. } => text.push_str(&apart(item)),
    }
    let digest = hex::encode(item.digest);
    let _ = writeln!(text, "<footer>{} · {digest}</footer>\n</article>", item.position);
    Ok(text)
}

fn heading(source: &Source<'_>, slice: &Slice, item: &Item, event: &Event, text: &mut String) {
    let name = source.index.display_name(&slice.room, event.sender(), item.position);
    let name = name.map(|name| format!("<b>{}</b> ", escaped(name))).unwrap_or_default();
    let (sender, when) = (escaped(event.sender()), iso(item.recorded_at));
    let _ = write!(text, "<header>{name}{sender} <time>{when}</time>");
    let relation = match event.relation() {
        Some(Relation::Replaces(target)) => Some(("edits", target)),
        Some(Relation::Annotates(target, _)) => Some(("reacts to", target)),
        Some(Relation::Thread(root)) => Some(("in the thread of", root)),
        None => event.replies_to().map(|target| ("replies to", target)),
    };
    if let Some((how, target)) = relation {
        let _ = write!(text, " {how} {}", escaped(target));
    }
    let _ = writeln!(text, " <span class=\"state\">{}</span></header>", escaped(&event.id));
}

fn says(source: &Source<'_>, event: &Event, text: &mut String) {
    if event.content_destroyed {
        text.push_str("<div class=\"state\">The content of this event is destroyed.</div>\n");
        return;
    }
    match (event.event_type(), event.body()) {
        ("m.room.encrypted", _) => {
            let _ = writeln!(
                text,
                "<div class=\"state\">End-to-end encrypted ({}), as it is stored: </div>\
                 <div class=\"body\">{}</div>",
                escaped(event.content_text("algorithm").unwrap_or("unknown")),
                escaped(event.content_text("ciphertext").unwrap_or_default())
            );
        }
        ("m.room.message" | "m.sticker", Some(body)) => {
            let _ = writeln!(text, "<div class=\"body\">{}</div>", escaped(body));
        }
        (kind, _) => {
            let key = event.state_key().unwrap_or_default();
            let content = event.content_json();
            let (kind, key, content) = (escaped(kind), escaped(key), escaped(content));
            let _ = writeln!(text, "<div class=\"state body\">{kind} {key} {content}</div>");
        }
    }
    for file in source.media(event) {
        medium(&file, text);
    }
}

fn medium(file: &MediaFile, text: &mut String) {
    let name = escaped(file.name.as_deref().unwrap_or(&file.id));
    let Some(bytes) = file.bytes else {
        let _ = writeln!(text, "<div class=\"state\">Media {name} is not there.</div>");
        return;
    };
    let kind = file.content_type.as_deref().unwrap_or_default();
    let path = format!("../../{}", file.path);
    if IMAGES.contains(&kind) {
        let _ = writeln!(text, "<div><img src=\"{path}\" alt=\"{name}\"></div>");
    }
    let _ = writeln!(
        text,
        "<div><a href=\"{path}\" download=\"{name}\">{name}</a> ({}, {bytes} bytes)</div>",
        escaped(kind)
    );
}

fn apart(item: &Item) -> String {
    let when = iso(item.recorded_at);
    match &item.what {
        What::Profile { user, field, value } => format!(
            "<p>{when} {} sets {} to {}</p>\n",
            escaped(user),
            escaped(field),
            escaped(&value.to_string())
        ),
        What::Destroyed { of } => {
            format!("<p>{when} An entry of {} is destroyed.</p>\n", escaped(of))
        }
        _ => String::new(),
    }
}

/// A text inside of an element or an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Turning texts around would show another text than what was written.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(escaped, "[U+{:04X}]", u32::from(character));
            }
            '\0'..='\u{8}' | '\u{b}'..='\u{1f}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escaped("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
        assert_eq!(escaped("a\u{202e}b\0"), "a[U+202E]b\u{fffd}");
    }
}
