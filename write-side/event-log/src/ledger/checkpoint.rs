//! Checkpoints (C2SP `tlog-checkpoint`): origin, size, root.
//!
//! Owns the text that is signed, and the origin, which names server, log and incarnation: a log
//! that goes on from an older copy is another one to everybody who watches it.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use facts::{Incarnation, LogId};

use crate::Digest;

/// Lines after the third are opaque and at most this many.
const EXTENSIONS_MAX: usize = 16;
/// Between the server name and the rest of an origin.
const MARK: &str = "/chancery/";

/// Which log a checkpoint is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The server.
    pub server_name: String,
    /// Identity of the log.
    pub log_id: LogId,
    /// Its incarnation.
    pub incarnation: Incarnation,
}

impl Origin {
    /// Reads an origin line of a log of Chancery's.
    pub fn parse(line: &str) -> Option<Self> {
        let (server_name, rest) = line.split_once(MARK)?;
        let (id, incarnation) = rest.split_once('/')?;
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if id.len() != 32 || !id.bytes().all(lower_hex) {
            return None;
        }
        let log_id = LogId(u128::from_str_radix(id, 16).ok()?.to_be_bytes());
        let origin = Self {
            server_name: server_name.to_owned(),
            log_id,
            incarnation: Incarnation(incarnation.parse().ok()?),
        };
        (origin.to_string() == line).then_some(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{MARK}{}/{}", self.server_name, self.log_id, self.incarnation.0)
    }
}

/// The head of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The origin line.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
    /// Further lines, which ours do not have.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads the text of a note. Any log's; whether the origin is ours is another question.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next()?.to_owned();
        let size = lines.next()?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let extensions: Vec<_> = lines.take(EXTENSIONS_MAX + 1).map(str::to_owned).collect();
        let checkpoint = Self { origin, size: size.parse().ok()?, root, extensions };
        let whole = !checkpoint.origin.is_empty()
            && checkpoint.extensions.len() <= EXTENSIONS_MAX
            && checkpoint.extensions.iter().all(|line| !line.is_empty())
            && checkpoint.size.to_string() == size;
        whole.then_some(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let text = "example.com/behind-the-sofa\n20852163\n\
                    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(text).unwrap();
        assert_eq!((checkpoint.size, checkpoint.text().as_str()), (20_852_163, text));
        for wrong in [
            "example.com\n020\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "example.com\n+20\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "\n20\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "example.com\n20\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
            "example.com\n20\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
            "example.com\n20\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
            "example.com\n20\n",
        ] {
            assert_eq!(Checkpoint::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_origin_names_server_log_and_incarnation() {
        let origin = Origin {
            server_name: "[::1]:8448".to_owned(),
            log_id: LogId([0x0a; 16]),
            incarnation: Incarnation(3),
        };
        let line = origin.to_string();
        assert_eq!(line, "[::1]:8448/chancery/0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a/3");
        assert_eq!(Origin::parse(&line), Some(origin));
        for wrong in [line.replace("/3", "/03"), line.replace("0a", "0A"), line.replace("/3", "")] {
            assert_eq!(Origin::parse(&wrong), None, "{wrong}");
        }
    }
}
