//! One line of evidence: an entry of the log as an export shows it.
//!
//! Owns the line's form (JSON, documented in `docs/compliance/export.md`) and what can be checked
//! of a line by itself: that each text is the one to which the header commits. The entry's digest
//! is computed, never stated. Invariant: I6.

mod line;

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use event_log::{Digest, DisclosedPart, Disclosure, Shown, commits_to, entry_digest};
use facts::{EntryHeader, Fact, FactError, HEADER_FIXED_BYTES, HEADER_PART_BYTES, PARTS_MAX};

use self::line::{Line, Part};

/// A line is at most this long: two parts of 512 KiB in base64, and the rest.
pub const LINE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// A tree of 2^64 leaves needs no longer proof.
const PROOF_HASHES_MAX: usize = 64;

/// A line that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceLine {
    /// The entry.
    pub entry: Disclosure,
    /// Its way to the root, for an entry outside of the stretch.
    pub proof: Option<Vec<Digest>>,
}

/// What is left of an entry that is shown: its fact, at least in part, or nothing usable where its
/// keys are destroyed.
#[derive(Debug)]
pub(super) struct Left(pub(super) Option<Fact>);

/// Why a line is not evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Not exactly as it is written: the documented JSON, members in order, no blanks, no escapes.
    #[error("the line does not have the documented form")]
    Form,
    /// The header is none, or of another position than the line says.
    #[error("the entry's header is not well-formed")]
    Header,
    /// A text is not the one to which the header commits.
    #[error("part {0} is not what the entry's header commits to: it was altered")]
    Commitment(usize),
}

impl EvidenceLine {
    /// Reads a line, without its newline: exactly what [`Self::write`] gives, and no other JSON of
    /// the same members.
    pub fn parse(line: &[u8]) -> Result<Self, LineFault> {
        let line = Line::read(line).ok_or(LineFault::Form)?;
        let header = header(line.header).ok_or(LineFault::Header)?;
        if header.position.0 != line.position || header.parts.len() != line.parts.len() {
            return Err(LineFault::Header);
        }
        let parts = line.parts.iter().map(shown).collect::<Option<_>>();
        let proof = match line.proof {
            Some(hashes) if hashes.len() > PROOF_HASHES_MAX => return Err(LineFault::Form),
            Some(hashes) => Some(hashes.into_iter().map(hash).collect::<Option<_>>()),
            None => None,
        };
        let proof = proof.map(|hashes| hashes.ok_or(LineFault::Form)).transpose()?;
        Ok(Self { entry: Disclosure { header, parts: parts.ok_or(LineFault::Form)? }, proof })
    }

    /// Writes the line, with its newline.
    pub fn write(entry: &Disclosure, proof: Option<&[Digest]>, out: &mut String) {
        out.push('{');
        if let Some(hashes) = proof {
            out.push_str("\"proof\":[");
            for (i, hash) in hashes.iter().enumerate() {
                out.push_str(if i == 0 { "\"" } else { ",\"" });
                STANDARD.encode_string(hash, out);
                out.push('"');
            }
            out.push_str("],");
        }
        // Writing to a string cannot fail.
        let _ = write!(out, "\"position\":{},\"header\":\"", entry.header.position.0);
        STANDARD.encode_string(entry.header.encode(), out);
        out.push_str("\",\"parts\":[");
        for (i, part) in entry.parts.iter().enumerate() {
            out.push_str(if i == 0 { "{\"hash\":\"" } else { ",{\"hash\":\"" });
            STANDARD.encode_string(part.hash, out);
            out.push('"');
            match &part.shown {
                Shown::Withheld => {}
                Shown::Destroyed => out.push_str(",\"destroyed\":true"),
                Shown::Clear { bytes, key } => {
                    out.push_str(",\"key\":\"");
                    STANDARD.encode_string(key, out);
                    out.push_str("\",\"clear\":\"");
                    STANDARD.encode_string(bytes, out);
                    out.push('"');
                }
            }
            out.push('}');
        }
        out.push_str("]}\n");
    }

    /// The entry's digest: the leaf of the ledger.
    pub fn digest(&self) -> Digest {
        let hashes: Vec<Digest> = self.entry.parts.iter().map(|part| part.hash).collect();
        entry_digest(&self.entry.header.encode(), &hashes)
    }

    /// Whether each text is the one to which the header commits.
    pub fn check_texts(&self) -> Result<(), LineFault> {
        let described = &self.entry.header.parts;
        for (number, (part, described)) in self.entry.parts.iter().zip(described).enumerate() {
            if let Shown::Clear { bytes, key } = &part.shown
                && !commits_to(key, bytes, &described.commitment)
            {
                return Err(LineFault::Commitment(number + 1));
            }
        }
        Ok(())
    }

    /// Whether nothing of the entry is shown, though nothing of it is said to be destroyed.
    pub fn is_withheld(&self) -> bool {
        self.entry.parts.iter().all(|part| part.shown == Shown::Withheld)
    }

    /// Whether each part is shown, or said to be destroyed.
    pub fn is_whole(&self) -> bool {
        self.entry.parts.iter().all(|part| part.shown != Shown::Withheld)
    }

    /// Whether a part is said to be destroyed.
    pub fn is_destroyed(&self) -> bool {
        self.entry.parts.iter().any(|part| part.shown == Shown::Destroyed)
    }

    /// What is left of an entry that is shown; `None` for one that is withheld or cannot be read.
    pub(super) fn left(&self) -> Option<Left> {
        if self.is_withheld() { None } else { self.fact().ok().map(Left) }
    }

    /// The fact; `None` where nothing usable is shown.
    pub fn fact(&self) -> Result<Option<Fact>, FactError> {
        let header = &self.entry.header;
        Fact::from_parts(header.fact_type, header.fact_version, &self.entry.clear())
    }
}

/// The header; `None` where the bytes are not exactly one.
fn header(text: &[u8]) -> Option<EntryHeader> {
    const BYTES_MAX: usize = HEADER_FIXED_BYTES + PARTS_MAX * HEADER_PART_BYTES;
    // Base64 may be decoded into two bytes less than its estimate.
    let mut buffer = [0; BYTES_MAX + 3];
    let length = STANDARD.decode_slice(text, &mut buffer).ok()?;
    let header = EntryHeader::decode(buffer.get(..length)?).ok()?;
    // Every byte that a header is read from is one that it is written with.
    (header.encoded_len() == length).then_some(header)
}

fn shown(part: &Part<'_>) -> Option<DisclosedPart> {
    let shown = match (part.clear, part.destroyed) {
        (None, false) => Shown::Withheld,
        (None, true) => Shown::Destroyed,
        (Some((key, clear)), _) => {
            Shown::Clear { bytes: STANDARD.decode(clear).ok()?.into(), key: hash(key)? }
        }
    };
    Some(DisclosedPart { hash: hash(part.hash)?, shown })
}

fn hash(text: &[u8]) -> Option<Digest> {
    let mut digest = [0; 32];
    // Base64 of 32 bytes may be decoded into no fewer than 33 by its estimate.
    let mut buffer = [0; 36];
    let length = STANDARD.decode_slice(text, &mut buffer).ok()?;
    (length == digest.len()).then(|| digest.copy_from_slice(&buffer[..32]))?;
    Some(digest)
}
