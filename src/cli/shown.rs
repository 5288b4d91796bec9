//! Texts of others on a terminal: names of files, what somebody typed, what a server said.
//!
//! Owns what they may look like there. A terminal obeys control characters and shows others as it
//! is told to, so that a text could pass for something else, or for a line of its own. Such
//! characters are shown by their codes; in JSON they are written as codes, which mean the same.

use std::fmt::Write as _;

/// Whether a character is not shown but obeyed: a control (but for the tab), what some terminals
/// take for the end of a line, or what turns a text around (Unicode Standard Annex 9).
fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A text as one line that says what it says.
pub(super) fn shown(text: &str) -> String {
    with_codes(text, |c, safe| safe.extend(c.escape_default()))
}

/// A text of several lines, the later ones set in, so that none passes for the program's own.
pub(super) fn shown_lines(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n  ")
}

/// JSON text whose strings have no such character; it means the same. None stands outside of
/// strings in what is written here.
pub(super) fn json_shown(json: &str) -> String {
    with_codes(json, |c, safe| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{unit:04x}");
        }
    })
}

fn with_codes(text: &str, mut push: impl FnMut(char, &mut String)) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) {
            push(c, &mut safe);
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_by_its_code() {
        for (text, safe) in [
            ("Grüße, 世界 👩‍👩‍👧\ta", "Grüße, 世界 👩‍👩‍👧\ta"),
            ("\u{1b}[2Jcomplete", r"\u{1b}[2Jcomplete"),
            ("a\r\nb\u{7f}\u{9b}2J\0", r"a\r\nb\u{7f}\u{9b}2J\u{0}"),
            ("x\u{202e}gpj\u{2066}\u{200f}", r"x\u{202e}gpj\u{2066}\u{200f}"),
            ("one\u{2028}two\u{85}", r"one\u{2028}two\u{85}"),
        ] {
            assert_eq!(shown(text), safe, "{text:?}");
        }
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "a\u{9b}": "\u{1b}[2J \u{202e} \u{7f} \n ü \\ \"" });
        let text = json_shown(&value.to_string());
        assert!(!text.chars().any(is_obeyed), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, value);
    }

    #[test]
    fn no_line_of_somebody_else_begins_as_ours() {
        let text = shown_lines("one\nWhat to do: trust me\r\n\u{1b}[2J");
        assert_eq!(text, "one\n  What to do: trust me\n  \\u{1b}[2J");
    }
}
