//! `<data_dir>/ledger/state`: up to where the tree's files are on the medium, and the keys so far.
//!
//! Owns a small text that is deletable: without it the tree is made anew. It is replaced after the
//! files were synced, so whatever it states survived; what came after is read from the log again.

use std::{fmt::Write as _, fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use facts::LogPosition;

use super::{
    replace_file::replace_file,
    stated_key::{KEYS_MAX, StatedKey, parse_line},
};
use crate::Digest;

const FILE: &str = "state";
const FIRST_LINE: &str = "chancery-ledger 1";
const MODE: u32 = 0o644;
/// The file is at most this large: [`KEYS_MAX`] lines with long names.
const FILE_BYTES_MAX: u64 = KEYS_MAX as u64 * 1024;

/// What is known of the tree's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Origin of the log.
    pub(crate) origin: String,
    /// Leaves that are on the medium.
    pub(crate) size: u64,
    /// Root over them.
    pub(crate) root: Digest,
    /// Keys that these entries state.
    pub(crate) keys: Vec<StatedKey>,
}

impl State {
    /// Reads the state; `None` where there is none that checks.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let path = dir.join(FILE);
        if fs::metadata(&path).ok()?.len() > FILE_BYTES_MAX {
            return None;
        }
        Self::parse(&fs::read_to_string(path).ok()?)
    }

    /// Replaces the state; the files of the levels must have been synced.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        replace_file(&dir.join(FILE), self.to_text().as_bytes(), MODE)
    }

    /// Forgets the state: from here on a start makes the tree anew.
    pub(crate) fn remove(dir: &Path) -> io::Result<()> {
        match fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn to_text(&self) -> String {
        let root = STANDARD.encode(self.root);
        let mut text =
            format!("{FIRST_LINE}\norigin {}\nsize {}\nroot {root}\n", self.origin, self.size);
        for key in &self.keys {
            push(&mut text, format_args!("key {} {key}\n", key.position.0));
        }
        let crc = crc32c::crc32c(text.as_bytes());
        push(&mut text, format_args!("crc {crc:08x}\n"));
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let at = text.rfind("crc ")?;
        let (covered, crc) = text.split_at(at);
        if crc != format!("crc {:08x}\n", crc32c::crc32c(covered.as_bytes())) {
            return None;
        }
        let mut lines = covered.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let origin = lines.next()?.strip_prefix("origin ")?.to_owned();
        let size = lines.next()?.strip_prefix("size ")?.parse().ok()?;
        let root = STANDARD.decode(lines.next()?.strip_prefix("root ")?).ok()?.try_into().ok()?;
        let keys = lines.take(KEYS_MAX).map(key_line).collect::<Option<_>>()?;
        Some(Self { origin, size, root, keys })
    }
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("writing to a string cannot fail");
}

fn key_line(line: &str) -> Option<StatedKey> {
    let (position, line) = line.strip_prefix("key ")?.split_once(' ')?;
    let (key, endorsement) = parse_line(line).ok()?;
    Some(StatedKey { position: LogPosition(position.parse().ok()?), key, endorsement })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{note::NoteSigner, stated_key::Endorsement};

    #[test]
    fn a_state_comes_back_and_no_altered_one() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(State::read(dir.path()), None);
        let (old, new) = (signer(1), signer(2));
        let keys = vec![
            StatedKey { position: LogPosition(1), key: old.verifier(), endorsement: None },
            StatedKey {
                position: LogPosition(9),
                key: new.verifier(),
                endorsement: Some(Endorsement::of(&old, &new.verifier())),
            },
        ];
        let origin = "example.org/chancery/00/1".to_owned();
        let state = State { origin, size: 12, root: [3; 32], keys };
        state.write(dir.path()).unwrap();
        assert_eq!(State::read(dir.path()), Some(state.clone()));
        let bytes = fs::read(dir.path().join(FILE)).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            fs::write(dir.path().join(FILE), altered).unwrap();
            assert_eq!(State::read(dir.path()), None, "byte {at}");
        }
    }

    fn signer(seed: u8) -> NoteSigner {
        NoteSigner::new("example.org/log", &[seed; 32]).unwrap()
    }
}
