//! Texts of people in places where they could pass for something else.
//!
//! Owns what a foreign text may look like inside of a line, as lines of its own, and as the name
//! of a file. What is changed is shown as changed; exact texts are in the evidence.

use std::fmt::Write as _;

/// Before each line of a foreign text: nothing else in a transcript begins so.
const TEXT_LINE: &str = "  | ";
/// Before what the server tells of an item.
pub(super) const SERVER_LINE: &str = "    [";
/// Bytes of a file's name, at most: file systems take 255, and its encoding in a mail's header
/// stays within a line.
const FILE_NAME_BYTES_MAX: usize = 120;
/// Bytes of its ending that are kept where it is cut.
const ENDING_BYTES_MAX: usize = 16;

/// Whether a character turns texts around, so that another text would be shown than what was
/// written (Unicode Standard Annex 9, explicit formatting).
pub(super) fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Marks of direction: of use in texts, and of none in names but to deceive.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
}

/// What some viewer takes for the end of a line (Unicode Standard, section 5.8).
fn ends_line(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A text inside of a line: no control character, no line break, nothing that turns it around.
pub(super) fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if turns(c) || is_mark(c) {
            push_code(&mut safe, c);
        } else if c.is_control() || ends_line(c) {
            safe.push('\u{fffd}');
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The same in quotation marks, so that one sees where it begins and ends.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", inline(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// An identifier as it is, where it has the characters of one; quoted where it has not.
pub(super) fn id(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'[' | b']' | b'|');
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { quoted(text) }
}

/// A text as lines of its own.
pub(super) fn push_lines(text: &str, out: &mut String) {
    out.push_str(TEXT_LINE);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if ends_line(c) {
            if c == '\r' && characters.peek() == Some(&'\n') {
                characters.next();
            }
            out.push_str("\r\n");
            out.push_str(TEXT_LINE);
        } else if turns(c) {
            push_code(out, c);
        } else if c.is_control() && c != '\t' {
            out.push('\u{fffd}');
        } else {
            out.push(c);
        }
    }
    out.push_str("\r\n");
}

/// A text with lines of its own among those of a form: as it is, but for lines that would pass for
/// the form's own.
pub(super) fn guarded_lines(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive(ends_line) {
        if line.starts_with(SERVER_LINE) || line.starts_with(TEXT_LINE) {
            safe.push_str(TEXT_LINE);
        }
        safe.push_str(line);
    }
    safe
}

fn push_code(out: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = write!(out, "[U+{:04X}]", u32::from(c));
}

/// A name under which a file can be saved anywhere (RFC 2183 section 2.3): no path, no hidden
/// file, no character or name that a system gives a meaning. `other` where nothing is left.
pub(super) fn file_name(name: Option<&str>, other: &str) -> String {
    let name = name.unwrap_or_default();
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept =
        last.chars().filter(|c| !(c.is_control() || ends_line(*c) || turns(*c) || is_mark(*c)));
    let reserved = |c| matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    let kept: String = kept.map(|c| if reserved(c) { '_' } else { c }).collect();
    let outer = |c: char| c == '.' || c.is_whitespace();
    let kept = shortened(kept.trim_start_matches(outer).trim_end_matches(outer));
    if kept.is_empty() {
        other.to_owned()
    } else if is_device(&kept) {
        format!("_{kept}")
    } else {
        kept
    }
}

/// Whether a system takes the name for a device, whatever its ending is (Windows, "Naming Files").
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || numbered.is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9']))
}

/// Cut between characters, with its ending.
fn shortened(name: &str) -> String {
    if name.len() <= FILE_NAME_BYTES_MAX {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |at| &name[at..]);
    let ending = if ending.len() <= ENDING_BYTES_MAX { ending } else { "" };
    let mut end = FILE_NAME_BYTES_MAX - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_lines() {
        assert_eq!(
            inline("Bob\r\n[x]\u{202e}\u{200f}\u{7}"),
            "Bob\u{fffd}\u{fffd}[x][U+202E][U+200F]\u{fffd}"
        );
        assert_eq!(quoted("a\" \\"), "\"a\\\" \\\\\"");
        assert_eq!(id("$abc-_:1"), "$abc-_:1");
        for odd in ["", "$a b", "$a]", "$a\"", "$ä"] {
            assert!(id(odd).starts_with('"'), "{odd}");
        }
        let mut out = String::new();
        push_lines("a\r\nb\rc\nd\u{85}e\u{2028}f\u{2029}g\u{b}h\u{c}i\tj\u{0}\u{202e}", &mut out);
        assert_eq!(out.matches("\r\n").count(), 9);
        assert!(out.split_terminator("\r\n").all(|line| line.starts_with("  | ")), "{out}");
        assert!(out.ends_with("i\tj\u{fffd}[U+202E]\r\n"), "{out}");
        let left: Vec<_> = out.replace("\r\n", "").chars().filter(|c| ends_line(*c)).collect();
        assert!(left.is_empty());
    }

    #[test]
    fn no_line_of_a_text_passes_for_one_of_the_form() {
        for fine in ["", "a\n[b]\r\n  c", "  - |", "   [x]", "a    [b]"] {
            assert_eq!(guarded_lines(fine), fine);
        }
        assert_eq!(guarded_lines("    [x]"), "  |     [x]");
        assert_eq!(
            guarded_lines("a\r\n    [x]\u{2028}  | b\n"),
            "a\r\n  |     [x]\u{2028}  |   | b\n"
        );
    }

    #[test]
    fn a_file_is_saved_where_one_saves_it() {
        for (name, safe) in [
            ("cat.png", "cat.png"),
            ("grüße aus 東京.txt", "grüße aus 東京.txt"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\win.ini", "win.ini"),
            ("C:evil.txt", "C_evil.txt"),
            (".", "id"),
            ("..", "id"),
            ("", "id"),
            ("a/", "id"),
            (" . ", "id"),
            (".bashrc", "bashrc"),
            ("a\r\nX-Evil: 1.txt", "aX-Evil_ 1.txt"),
            ("a\"; filename=\"b.exe", "a_; filename=_b.exe"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("nul.txt", "_nul.txt"),
            ("COM1", "_COM1"),
            ("com.txt", "com.txt"),
            ("x.exe. . ", "x.exe"),
        ] {
            assert_eq!(file_name(Some(name), "id"), safe, "{name:?}");
        }
        assert_eq!(file_name(None, "id"), "id");
        let long = file_name(Some(&format!("{}.txt", "ü".repeat(600))), "id");
        assert!(long.len() <= FILE_NAME_BYTES_MAX && long.ends_with("ü.txt"), "{long}");
        let long = file_name(Some(&format!("a.{}", "b".repeat(600))), "id");
        assert_eq!(long.len(), FILE_NAME_BYTES_MAX);
    }
}
