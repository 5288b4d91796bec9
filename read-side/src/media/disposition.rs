//! Which content browsers may show, and under which name it is saved.
//!
//! Owns the list of "Serving inline content" (client-server API): everything else is an
//! attachment, so that no upload runs as a page of this origin.

use http::HeaderValue;
use ruma::http_headers::{ContentDisposition, ContentDispositionType};

/// Content types that cannot carry a script.
const INLINE: [&str; 26] = [
    "text/css",
    "text/plain",
    "text/csv",
    "application/json",
    "application/ld+json",
    "image/jpeg",
    "image/gif",
    "image/png",
    "image/apng",
    "image/webp",
    "image/avif",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
    "audio/mp4",
    "audio/webm",
    "audio/aac",
    "audio/mpeg",
    "audio/ogg",
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-pn-wav",
    "audio/flac",
    "audio/x-flac",
];

/// The `Content-Disposition` of content.
pub(super) fn disposition(content_type: &str, file_name: Option<&str>) -> HeaderValue {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let inline = INLINE.iter().any(|safe| safe.eq_ignore_ascii_case(essence));
    let (kind, plain) = if inline {
        (ContentDispositionType::Inline, HeaderValue::from_static("inline"))
    } else {
        (ContentDispositionType::Attachment, HeaderValue::from_static("attachment"))
    };
    let full = ContentDisposition::new(kind).with_filename(file_name.map(str::to_owned));
    HeaderValue::try_from(full.to_string()).unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_run_is_shown_inline() {
        for (content_type, name, expected) in [
            ("image/png", Some("cat.png"), "inline; filename=cat.png"),
            ("IMAGE/PNG; x=y", None, "inline"),
            ("text/html", Some("a.html"), "attachment; filename=a.html"),
            ("image/svg+xml", None, "attachment"),
            ("", None, "attachment"),
        ] {
            assert_eq!(disposition(content_type, name), expected, "{content_type}");
        }
    }

    #[test]
    fn names_cannot_break_out_of_the_header() {
        for name in ["a\"; x=\"b", "a\r\nSet-Cookie: b", "über.png", "\u{202e}gnp.exe"] {
            let header = disposition("image/png", Some(name));
            let text = header.to_str().expect("visible ASCII");
            let parsed = ContentDisposition::try_from(text.as_bytes()).expect("well-formed");
            assert_eq!(parsed.disposition_type, ContentDispositionType::Inline, "{text}");
        }
    }
}
