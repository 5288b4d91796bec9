//! The JSON of a line of evidence, in borrowed texts.
//!
//! Owns two readings of the documented form: the short one takes exactly what this program writes,
//! and finds the ends of texts only; whatever it does not take goes to the JSON reader, which
//! decides. Texts are base64 and are checked by whoever decodes them.

use memchr::memchr;
use serde::Deserialize;

/// A line.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(borrow, default)]
    pub(super) proof: Option<Vec<&'a [u8]>>,
    pub(super) position: u64,
    pub(super) header: &'a [u8],
    #[serde(borrow)]
    pub(super) parts: Vec<Part<'a>>,
}

/// A part of its entry.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part<'a> {
    pub(super) hash: &'a [u8],
    pub(super) key: Option<&'a [u8]>,
    pub(super) clear: Option<&'a [u8]>,
    #[serde(default)]
    pub(super) destroyed: bool,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` where it is not the documented JSON.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        Self::as_written(line).or_else(|| serde_json::from_slice(line).ok())
    }

    /// A line without a proof, as it is written here.
    fn as_written(line: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(line);
        rest.skip(b"{\"position\":")?;
        let position = rest.number()?;
        rest.skip(b",\"header\":\"")?;
        let header = rest.text()?;
        rest.skip(b",\"parts\":[")?;
        let mut parts = Vec::with_capacity(2);
        loop {
            rest.skip(b"{\"hash\":\"")?;
            let hash = rest.text()?;
            let mut part = Part { hash, key: None, clear: None, destroyed: false };
            if rest.skip(b",\"key\":\"").is_some() {
                part.key = Some(rest.text()?);
                rest.skip(b",\"clear\":\"")?;
                part.clear = Some(rest.text()?);
            } else {
                part.destroyed = rest.skip(b",\"destroyed\":true").is_some();
            }
            parts.push(part);
            if rest.skip(b"},").is_none() {
                break;
            }
        }
        rest.skip(b"}]}")?;
        rest.0.is_empty().then_some(Self { proof: None, position, header, parts })
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
    fn both_readings_say_the_same() {
        for (line, short) in [
            (r#"{"position":0,"header":"AA==","parts":[{"hash":"BB=="}]}"#, true),
            (
                r#"{"position":18446744073709551615,"header":"","parts":[{"hash":"B","destroyed":true},{"hash":"C","key":"D","clear":"E"}]}"#,
                true,
            ),
            (r#"{"position":7,"header":"A","parts":[]}"#, false),
            (r#"{"header":"A","position":7,"parts":[{"hash":"B"}]}"#, false),
            (r#"{"proof":["A"],"position":7,"header":"A","parts":[{"hash":"B"}]}"#, false),
        ] {
            let by_json: Line<'_> = serde_json::from_slice(line.as_bytes()).unwrap();
            assert_eq!(Line::read(line.as_bytes()), Some(by_json));
            assert_eq!(Line::as_written(line.as_bytes()).is_some(), short, "{line}");
        }
    }

    #[test]
    fn what_is_not_the_form_is_none() {
        for line in [
            "",
            r#"{"position":07,"header":"A","parts":[{"hash":"B"}]}"#,
            r#"{"position":18446744073709551616,"header":"A","parts":[{"hash":"B"}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"}]} x"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B","clear":1}]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"},]}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"}],"more":1}"#,
            r#"{"position":7,"header":"A","parts":[{"hash":"B"#,
        ] {
            assert_eq!(Line::read(line.as_bytes()), None, "{line}");
        }
    }
}
