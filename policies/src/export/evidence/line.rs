//! The JSON of a line of evidence, in borrowed texts.
//!
//! Owns the one reading of a line: exactly the bytes that are written for it, members in their
//! order and without blanks or escapes. JSON lets the same line be written in many ways, and
//! whoever looks at its bytes (what shows nothing is not read) would take some of them for another
//! line than whoever reads it. Texts are base64 and are checked by whoever decodes them.

use memchr::memchr;

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) proof: Option<Vec<&'a [u8]>>,
    pub(super) position: u64,
    pub(super) header: &'a [u8],
    pub(super) parts: Vec<Part<'a>>,
}

/// A part of its entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) hash: &'a [u8],
    /// Key and text.
    pub(super) clear: Option<(&'a [u8], &'a [u8])>,
    pub(super) destroyed: bool,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` where it is not as it is written here.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(line);
        rest.skip(b"{")?;
        let has_proof = rest.skip(b"\"proof\":[").is_some();
        let proof = if has_proof { Some(rest.hashes()?) } else { None };
        rest.skip(b"\"position\":")?;
        let position = rest.number()?;
        rest.skip(b",\"header\":\"")?;
        let header = rest.text()?;
        rest.skip(b",\"parts\":[")?;
        let mut parts = Vec::with_capacity(2);
        loop {
            parts.push(rest.part()?);
            if rest.skip(b"},").is_none() {
                break;
            }
        }
        rest.skip(b"}]}")?;
        rest.0.is_empty().then_some(Self { proof, position, header, parts })
    }
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Takes exactly this, or nothing.
    fn skip(&mut self, what: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(what)?;
        Some(())
    }

    /// A text that has begun, with its closing quote.
    fn text(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = self.0.split_at_checked(memchr(b'"', self.0)?)?;
        self.0 = rest.get(1..)?;
        Some(text)
    }

    /// The hashes of a list that has begun, with its end and the comma behind it.
    fn hashes(&mut self) -> Option<Vec<&'a [u8]>> {
        let mut hashes = Vec::new();
        while self.skip(if hashes.is_empty() { b"\"" } else { b",\"" }).is_some() {
            hashes.push(self.text()?);
        }
        self.skip(b"],")?;
        Some(hashes)
    }

    /// A part, without its closing brace.
    fn part(&mut self) -> Option<Part<'a>> {
        self.skip(b"{\"hash\":\"")?;
        let hash = self.text()?;
        if self.skip(b",\"key\":\"").is_some() {
            let key = self.text()?;
            self.skip(b",\"clear\":\"")?;
            return Some(Part { hash, clear: Some((key, self.text()?)), destroyed: false });
        }
        let destroyed = self.skip(b",\"destroyed\":true").is_some();
        Some(Part { hash, clear: None, destroyed })
    }

    fn number(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        // JSON knows no leading zeros.
        if number.len() > 1 && number.starts_with(b"0") {
            return None;
        }
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written() {
        let line = r#"{"position":18446744073709551615,"header":"","parts":[{"hash":"B","destroyed":true},{"hash":"C","key":"D","clear":"E"}]}"#;
        let read = Line::read(line.as_bytes()).unwrap();
        assert_eq!((read.position, read.proof, read.parts.len()), (u64::MAX, None, 2));
        assert!(read.parts[0].destroyed && read.parts[0].clear.is_none());
        assert_eq!(read.parts[1].clear, Some((&b"D"[..], &b"E"[..])));
        for (proof, hashes) in [("[]", 0), (r#"["A"]"#, 1), (r#"["A","B"]"#, 2)] {
            let line = format!(
                r#"{{"proof":{proof},"position":7,"header":"A","parts":[{{"hash":"B"}}]}}"#
            );
            let read = Line::read(line.as_bytes()).unwrap();
            assert_eq!(read.proof.map(|proof| proof.len()), Some(hashes));
        }
    }

    #[test]
    fn what_is_not_as_it_is_written_is_none() {
        for line in [
            "",
            r#"{"position":07,"header":"A","parts":[{"hash":"B"}]}"#,
            r#"{"position":18446744073709551616,"header":"A","parts":[{"hash":"B"}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"}]} x"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B","clear":1}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"},]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"}],"more":1}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"#,
            // JSON of the same members.
            r#"{"position":7,"header":"A","parts":[]}"#,
            r#"{"header":"A","position":7,"parts":[{"hash":"B"}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"}],"proof":["A"]}"#,
            r#"{"proof":["A",],"position":7,"header":"A","parts":[{"hash":"B"}]}"#,
            r#"{"proof":null,"position":7,"header":"A","parts":[{"hash":"B"}]}"#,
            r#"{"position": 7,"header":"A","parts":[{"hash":"B"}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B","destroyed":false}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B","key":"C","cle\u0061r":"D"}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B","destr\u006fyed":true}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B","clear":"D","key":"C"}]}"#,
        ] {
            assert_eq!(Line::read(line.as_bytes()), None, "{line}");
        }
    }
}
