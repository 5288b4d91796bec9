//! Mails (RFC 5322, 2045 to 2047): headers, parts, base64 in lines.
//!
//! Owns the little that transcripts and RSMF need, written as a stream: an attachment may be
//! larger than memory. Line ends are CRLF.

use std::io::{self, Write};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Bytes that fill a line of 76 characters in base64.
const LINE_BYTES: usize = 57;
/// Characters of a line with an encoded word (RFC 2047, section 2), at most.
const WORD_LINE: usize = 76;
/// Characters of an encoded word beside its text: `=?utf-8?B?` and `?=`.
const WORD_FRAME: usize = 12;

/// Writes a header; what is not plain ASCII goes into encoded words.
pub(super) fn header(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    let plain = value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if plain && name.len() + value.len() + 2 <= 900 && !value.contains("=?") {
        return write!(out, "{name}: {value}\r\n");
    }
    write!(out, "{name}:")?;
    for word in words(name, value) {
        write!(out, " =?utf-8?B?{}?=\r\n", STANDARD.encode(word))?;
    }
    if value.is_empty() { out.write_all(b"\r\n") } else { Ok(()) }
}

/// Pieces of a text for encoded words, cut between characters. The first one shares its line with
/// the header's name.
fn words<'a>(name: &str, text: &'a str) -> Vec<&'a str> {
    let (mut words, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let before = if words.is_empty() { name.len() + 2 } else { 1 };
        // Four characters hold three bytes; one character of a text takes up to four.
        let bytes = WORD_LINE.saturating_sub(before + WORD_FRAME) / 4 * 3;
        let mut end = rest.len().min(bytes.max(4));
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, left) = rest.split_at(end);
        words.push(word);
        rest = left;
    }
    words
}

/// A parameter of a header (RFC 2231 where it is not plain).
pub(super) fn parameter(name: &str, value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !value.is_empty() && value.bytes().all(plain) {
        return format!("{name}=\"{value}\"");
    }
    let mut encoded = format!("{name}*=utf-8''");
    for byte in value.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

/// Encodes what is written in lines of base64.
pub(super) struct Base64Lines<'a> {
    out: &'a mut dyn Write,
    held: Vec<u8>,
}

impl<'a> Base64Lines<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, held: Vec::with_capacity(LINE_BYTES) }
    }

    /// Writes the last line.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.held.is_empty() { Ok(()) } else { self.line() }
    }

    fn line(&mut self) -> io::Result<()> {
        let mut line = STANDARD.encode(&self.held);
        line.push_str("\r\n");
        self.held.clear();
        self.out.write_all(line.as_bytes())
    }
}

impl Write for Base64Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = rest.len().min(LINE_BYTES - self.held.len());
            self.held.extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            if self.held.len() == LINE_BYTES {
                self.line()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a text part in base64.
pub(super) fn text_part(
    out: &mut dyn Write,
    boundary: &str,
    kind: &str,
    text: &str,
) -> io::Result<()> {
    write!(out, "--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\n")?;
    write!(out, "Content-Transfer-Encoding: base64\r\n\r\n")?;
    let mut lines = Base64Lines::new(out);
    lines.write_all(text.as_bytes())?;
    lines.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_breaks_out_of_a_header() {
        let mut out = Vec::new();
        header(&mut out, "Subject", "a\r\nBcc: evil@example.org").unwrap();
        header(&mut out, "Subject", "grüße aus 東京, und noch viel mehr Text als in ein Wort geht")
            .unwrap();
        header(&mut out, "X-RSMF-EventCollectionID", &"🦊".repeat(40)).unwrap();
        header(&mut out, "Subject", &format!("{}ä", "x".repeat(200))).unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in text.split("\r\n") {
            assert!(line.len() <= 76 && line.is_ascii() && !line.starts_with("Bcc"), "{line}");
        }
        assert_eq!(parameter("filename", "a\"; x.png"), "filename*=utf-8''a%22%3B%20x.png");
    }

    #[test]
    fn base64_comes_in_lines_that_decode() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let mut out = Vec::new();
        let mut lines = Base64Lines::new(&mut out);
        for piece in bytes.chunks(7) {
            lines.write_all(piece).unwrap();
        }
        lines.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.len() <= 76));
        let joined: String = text.lines().collect();
        assert_eq!(STANDARD.decode(joined).unwrap(), bytes);
    }
}
