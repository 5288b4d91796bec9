//! Names of media files in an export.
//!
//! Owns that no browser runs an upload that somebody opens from `media/` by hand. A browser takes a
//! file of the disk for what its ending says, and where it knows none, for what its bytes look
//! like: an upload without an ending that begins like a page is run as one. So every file has an
//! ending: that of a picture, sound or video for the types below, which are shown and never run,
//! whatever the bytes are; `.bin` for all other types, which is saved and not opened.

/// Media types that are shown and carry no script, and their endings.
const SHOWN: [(&str, &str); 18] = [
    ("audio/aac", "aac"),
    ("audio/flac", "flac"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/wav", "wav"),
    ("audio/webm", "weba"),
    ("audio/x-wav", "wav"),
    ("image/apng", "png"),
    ("image/avif", "avif"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/webp", "webp"),
    ("video/mp4", "mp4"),
    ("video/ogg", "ogv"),
    ("video/quicktime", "mov"),
    ("video/webm", "webm"),
];
const OTHER: &str = "bin";

/// The name of a medium's file, by the type that was given at the upload.
pub(super) fn file_of(id: &str, content_type: Option<&str>) -> String {
    let kind = essence(content_type.unwrap_or_default());
    let ending = SHOWN.iter().find(|(shown, _)| *shown == kind).map_or(OTHER, |(_, ending)| ending);
    format!("{id}.{ending}")
}

/// Beside it while it is fetched.
pub(super) fn part_of(id: &str) -> String {
    format!("{id}{PART}")
}

/// Ends the name of a file that is not whole; no browser runs that either.
pub(super) const PART: &str = ".part.bin";

/// A media type without its parameters (RFC 9110, section 8.3.1).
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_could_run_has_an_ending_that_it_saves() {
        for kind in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/xml",
            "application/pdf",
            "text/plain",
            "multipart/related",
            "application/javascript",
            "image/svg",
            "image/pngx",
            "video/",
            "x",
            "",
            "text/html; a=image/png",
            "image/png,x",
        ] {
            assert_eq!(file_of("a", Some(kind)), "a.bin", "{kind}");
        }
        assert_eq!(file_of("a", None), "a.bin");
        assert_eq!(part_of("a"), "a.part.bin");
    }

    #[test]
    fn pictures_sounds_and_videos_have_their_endings() {
        for (kind, file) in [
            ("image/png", "a.png"),
            ("IMAGE/JPEG ; q=1", "a.jpg"),
            ("audio/ogg; codecs=opus", "a.ogg"),
            ("video/mp4", "a.mp4"),
        ] {
            assert_eq!(file_of("a", Some(kind)), file);
        }
        // None of these is an ending that any browser takes for a page or a drawing.
        let run = [
            "html", "htm", "xhtml", "xht", "shtml", "svg", "svgz", "xml", "xsl", "pdf", "mht",
            "mhtml", "js",
        ];
        assert!(SHOWN.iter().all(|(_, ending)| !run.contains(ending)));
    }
}
