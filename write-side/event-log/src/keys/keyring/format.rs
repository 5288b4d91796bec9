//! The bytes of the keyring file and of its wrapping key.
//!
//! Owns both formats, all integers big-endian. Golden: `tests/golden/keys_v1.txt`.
//!
//! ```text
//! keyring   "CHNKEYRG" format(1) 0(3) log id(16) generation(8) | nonce(12) | AES-256-GCM, the
//!           associated data being what is before the nonce
//! in clear  applied through(8) epochs(4), and each: number(4) opened at(8) length(8) key tree
//! wrap-<g>  "CHNWRAPK" format(1) 0(3) log id(16) generation(8) | key(32) | CRC-32C of all before(4)
//! ```

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use facts::{KeyEpoch, LogId, LogPosition, Timestamp};
use zeroize::Zeroizing;

use crate::{
    keys::{
        KeyRange,
        tree::{EpochTree, TreeFault, leaf_index},
    },
    random::Random,
};

/// A keyring file is at most this large: some 2.6 million isolated destroyed leaves.
pub const KEYRING_BYTES_MAX: usize = 1 << 30;
/// More than a thousand years of epochs of 90 days.
pub(super) const EPOCHS_MAX: usize = 4_096;

const FORMAT: u8 = 1;
const KEYRING_MAGIC: [u8; 8] = *b"CHNKEYRG";
const WRAP_MAGIC: [u8; 8] = *b"CHNWRAPK";
const PREFIX_BYTES: usize = 36;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// Length of a file with a wrapping key.
pub(super) const WRAP_BYTES: usize = PREFIX_BYTES + KEY_BYTES + 4;

/// Why bytes are not a keyring or a wrapping key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// Another length than the content has.
    #[error("the file has a wrong length")]
    Length,
    /// Another kind of file, or zeros.
    #[error("the file does not start as it should")]
    Magic,
    /// Written by a later version.
    #[error("format {0} is not known to this version")]
    UnknownFormat(u8),
    /// The checksum does not fit.
    #[error("the checksum does not fit")]
    Checksum,
    /// It does not open under its wrapping key.
    #[error("the content does not open under its wrapping key")]
    Sealed,
    /// It opens, and its epochs are not in order or too many.
    #[error("the epochs are out of order")]
    Epochs,
    /// It opens, and a key tree in it is malformed.
    #[error("a key tree is malformed")]
    Tree,
    /// The wrapping key is of another log or generation.
    #[error("the file names another log or generation")]
    Misplaced,
}

impl From<TreeFault> for FileFault {
    fn from(_: TreeFault) -> Self {
        Self::Tree
    }
}

/// What both files say in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) log_id: LogId,
    pub(super) generation: u64,
}

impl Prefix {
    fn encode(self, magic: [u8; 8]) -> [u8; PREFIX_BYTES] {
        let mut out = [0; PREFIX_BYTES];
        out[..8].copy_from_slice(&magic);
        out[8] = FORMAT;
        out[12..28].copy_from_slice(&self.log_id.0);
        out[28..].copy_from_slice(&self.generation.to_be_bytes());
        out
    }

    fn decode(bytes: &mut &[u8], magic: [u8; 8]) -> Result<Self, FileFault> {
        if take::<8>(bytes)? != magic {
            return Err(FileFault::Magic);
        }
        match take(bytes)? {
            [FORMAT, 0, 0, 0] => {}
            [format, ..] => return Err(FileFault::UnknownFormat(format)),
        }
        Ok(Self { log_id: LogId(take(bytes)?), generation: u64::from_be_bytes(take(bytes)?) })
    }

    /// Reads the clear prefix of a keyring file.
    pub(super) fn of_keyring(mut bytes: &[u8]) -> Result<Self, FileFault> {
        Self::decode(&mut bytes, KEYRING_MAGIC)
    }
}

/// The key under which one generation of the keyring is sealed.
pub(super) struct WrappingKey(Zeroizing<[u8; KEY_BYTES]>);

impl WrappingKey {
    pub(super) fn fresh(random: &dyn Random) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random.fill(&mut *key);
        Self(key)
    }

    pub(super) fn encode(&self, prefix: Prefix) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(WRAP_BYTES));
        out.extend_from_slice(&prefix.encode(WRAP_MAGIC));
        out.extend_from_slice(&*self.0);
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8], expected: Prefix) -> Result<Self, FileFault> {
        let mut rest = bytes;
        let prefix = Prefix::decode(&mut rest, WRAP_MAGIC)?;
        let key = Zeroizing::new(take(&mut rest)?);
        let checksum = u32::from_be_bytes(take(&mut rest)?);
        if !rest.is_empty() {
            return Err(FileFault::Length);
        }
        if checksum != crc32c::crc32c(&bytes[..WRAP_BYTES - 4]) {
            return Err(FileFault::Checksum);
        }
        if prefix != expected {
            return Err(FileFault::Misplaced);
        }
        Ok(Self(key))
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &*self.0)
            .expect("AES-256-GCM takes every key of 32 bytes");
        LessSafeKey::new(key)
    }
}

/// One key epoch.
pub(super) struct Epoch {
    pub(super) opened_at: Timestamp,
    pub(super) tree: EpochTree,
}

/// What the keyring holds. Epoch n stands at index n - 1.
pub(super) struct Contents {
    pub(super) applied_through: LogPosition,
    pub(super) epochs: Vec<Epoch>,
}

impl Contents {
    /// The content in clear, with an epoch that is about to be opened, if any.
    pub(super) fn encode(&self, opening: Option<&Epoch>) -> Zeroizing<Vec<u8>> {
        let epochs = || self.epochs.iter().chain(opening);
        let trees: usize = epochs().map(|epoch| 20 + epoch.tree.encoded_len()).sum();
        // Room for the tag too: sealing happens in place and must not move the clear bytes.
        let mut out = Zeroizing::new(Vec::with_capacity(12 + trees + TAG_BYTES));
        out.extend_from_slice(&self.applied_through.0.to_be_bytes());
        let count = u32::try_from(epochs().count()).expect("epochs are at most EPOCHS_MAX");
        out.extend_from_slice(&count.to_be_bytes());
        for (number, epoch) in (1u32..).zip(epochs()) {
            out.extend_from_slice(&number.to_be_bytes());
            out.extend_from_slice(&epoch.opened_at.0.to_be_bytes());
            out.extend_from_slice(&(epoch.tree.encoded_len() as u64).to_be_bytes());
            epoch.tree.encode_into(&mut out);
        }
        out
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, FileFault> {
        let applied_through = LogPosition(u64::from_be_bytes(take(&mut bytes)?));
        let count = u32::from_be_bytes(take(&mut bytes)?) as usize;
        if count == 0 || count > EPOCHS_MAX {
            return Err(FileFault::Epochs);
        }
        let mut epochs = Vec::with_capacity(count);
        for number in (1u32..).take(count) {
            if u32::from_be_bytes(take(&mut bytes)?) != number {
                return Err(FileFault::Epochs);
            }
            let opened_at = Timestamp(u64::from_be_bytes(take(&mut bytes)?));
            let length = usize::try_from(u64::from_be_bytes(take(&mut bytes)?));
            let length = length.map_err(|_| FileFault::Length)?;
            let (tree, rest) = bytes.split_at_checked(length).ok_or(FileFault::Length)?;
            bytes = rest;
            let tree = EpochTree::decode(tree)?;
            epochs.push(Epoch { opened_at, tree });
        }
        if !bytes.is_empty() {
            return Err(FileFault::Length);
        }
        Ok(Self { applied_through, epochs })
    }

    /// Destroys a range of leaves in memory.
    pub(super) fn destroy(&mut self, range: &KeyRange) {
        let first = leaf_index(range.tree, range.leaf_first);
        let last = leaf_index(range.tree, range.leaf_last);
        for (number, epoch) in (1u32..).zip(&mut self.epochs) {
            if (range.epoch_first.0..=range.epoch_last.0).contains(&number) {
                epoch.tree.destroy(first, last);
            }
        }
    }

    /// The newest epoch's number and content.
    pub(super) fn newest(&self) -> (KeyEpoch, &Epoch) {
        let epoch = self.epochs.last().expect("a keyring has an epoch");
        let number = u32::try_from(self.epochs.len()).expect("epochs are at most EPOCHS_MAX");
        (KeyEpoch(number), epoch)
    }
}

/// Seals a clear content into the bytes of a keyring file.
pub(super) fn seal(
    prefix: Prefix,
    key: &WrappingKey,
    random: &dyn Random,
    mut clear: Zeroizing<Vec<u8>>,
) -> Vec<u8> {
    let head = prefix.encode(KEYRING_MAGIC);
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce);
    key.cipher()
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(head), &mut *clear)
        .expect("AES-256-GCM seals whatever is below 64 GiB");
    [&head[..], &nonce, &clear].concat()
}

/// Opens the bytes of a keyring file.
pub(super) fn open(
    mut bytes: Zeroizing<Vec<u8>>,
    key: &WrappingKey,
) -> Result<Contents, FileFault> {
    let sealed_from = PREFIX_BYTES + NONCE_LEN;
    if bytes.len() < sealed_from + TAG_BYTES {
        return Err(FileFault::Length);
    }
    let (head, sealed) = bytes.split_at_mut(sealed_from);
    let (head, nonce) = head.split_at(PREFIX_BYTES);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| FileFault::Length)?;
    let clear = key.cipher().open_in_place(nonce, Aad::from(head), sealed);
    clear.map_err(|_| FileFault::Sealed).and_then(|clear| Contents::decode(clear))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], FileFault> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(FileFault::Length)?;
    *rest = tail;
    Ok(*head)
}
