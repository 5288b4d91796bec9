//! Pages for reading and printing: one for each room and day, and an index.
//!
//! Owns the pages. Every text is escaped; there is no script, and a content security policy that
//! forbids any; media are shown from the export's own folder, and nothing is loaded from anywhere
//! else. Uploads are never linked to: a browser that follows a link to a file of somebody's runs
//! what is in it, whatever type it was said to have. What people wrote has a rule beside it, so that
//! no text looks like a heading.

mod article;
mod escape;

use std::fmt::Write as _;

use self::{article::article, escape::escaped};
use super::{
    FormError, Source, later::EditBudget, present::Present, safe::inline, slices::each_slice,
};
use crate::export::output::Output;

const STYLE: &str = "body{font:14px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
article{border-top:1px solid #ccc;padding:.5em 0;break-inside:avoid}\
header{color:#555}.body{white-space:pre-wrap;overflow-wrap:anywhere;\
border-left:3px solid #bbd;padding-left:.6em}\
.redacted{background:#fee}.edit{margin-left:2em;color:#444}.state{color:#666}\
img,video{max-width:100%;max-height:30em}footer{color:#777;font-size:11px}";

/// What the folder of media is.
const OF_MEDIA: &str = "<p class=\"state\">Uploads are in <code>media</code>. What is neither a \
picture nor a sound nor a video has a name that ends in <code>.bin</code>, so that no browser runs \
it; its type and the name that was given stand with the item.</p>\n";

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    let mut index = page_head("Export");
    index.push_str("<h1>Export</h1>\n<ul>\n");
    let rooms = Present::new(source.index);
    each_slice(source, |source, slice| {
        let path = format!("{}/{}.html", slice.folder, slice.name);
        let name = inline(slice.title(source.index));
        let _ = writeln!(
            index,
            "<li><a href=\"{path}\"><bdi>{}</bdi> (<bdi>{}</bdi>), {}</a>: {} items</li>",
            escaped(&name),
            escaped(slice.room_id()),
            slice.name,
            slice.items.len()
        );
        out.begin(&format!("html/{path}"))?;
        let title = format!("{name}, {}", slice.name);
        out.write_all(page_head(&title).as_bytes())?;
        out.write_all(format!("<h1>{}</h1>\n", escaped(&title)).as_bytes())?;
        if slice.room.is_some() {
            out.write_all(joined(&rooms.of(slice)).as_bytes())?;
        }
        let mut budget = EditBudget::of_slice();
        for item in &slice.items {
            let text = article(source, item, &mut budget)?;
            out.write_all(text.as_bytes())?;
        }
        out.write_all(b"</body></html>\n")?;
        Ok(out.end()?)
    })?;
    index.push_str("</ul>\n");
    index.push_str(OF_MEDIA);
    index.push_str("</body></html>\n");
    out.begin("html/index.html")?;
    out.write_all(index.as_bytes())?;
    Ok(out.end()?)
}

/// Who was in the room when the page begins.
fn joined(people: &[String]) -> String {
    let names: Vec<_> = people.iter().map(|user| format!("<bdi>{}</bdi>", escaped(user))).collect();
    format!("<p class=\"state\">Joined at the beginning: {}</p>\n", names.join(", "))
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
