//! Known answers of suite 1: key trees, part keys, commitments, sealed parts, digests and the
//! keyring file.
//!
//! `golden/keys_v1.txt` was computed by `golden/keys_v1.py`, which shares no code with this crate
//! (Python's hashlib and hmac, and AES-GCM of the `cryptography` package). It never changes:
//! whatever was sealed once must open for as long as records are kept.

#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use event_log::{
    keys::{KeyRange, Keyring, LeafKey},
    random::SeededRandom,
    seal::{PartKeys, PartPlace, entry_digest, part_hash},
};
use facts::{EntryHeader, HEADER_FIXED_BYTES, Incarnation, KeyEpoch, LogId, LogPosition, TreeId};

struct Golden(HashMap<&'static str, Vec<u8>>);

impl Golden {
    fn read() -> Self {
        let lines = include_str!("golden/keys_v1.txt").lines();
        Self(
            lines
                .map(|line| line.split_once(" = ").unwrap())
                .map(|(name, value)| (name, hex::decode(value).unwrap()))
                .collect(),
        )
    }

    fn bytes(&self, name: &str) -> &[u8] {
        self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn key(&self, name: &str) -> [u8; 32] {
        self.bytes(name).try_into().unwrap()
    }

    fn place_keyring(&self, dir: &Path) {
        fs::write(dir.join("keyring"), self.bytes("keyring.file")).unwrap();
        fs::write(dir.join("wrap-9"), self.bytes("keyring.wrap-9")).unwrap();
    }
}

fn log_id() -> LogId {
    LogId(std::array::from_fn(|i| 0xA0 + u8::try_from(i).expect("16 bytes")))
}

fn open(dir: &Path) -> Keyring {
    Keyring::open(dir, log_id(), Arc::new(SeededRandom::new(1))).unwrap()
}

fn leaf(keyring: &Keyring, epoch: u32, tree: u32, leaf: u32) -> Option<[u8; 32]> {
    let key = keyring.leaf(KeyEpoch(epoch), TreeId(tree), leaf);
    key.map(|key| *key.bytes())
}

#[test]
fn a_stored_keyring_opens_and_derives_its_leaves() {
    let golden = Golden::read();
    let dir = tempfile::tempdir().unwrap();
    golden.place_keyring(dir.path());
    let keyring = open(dir.path());
    assert_eq!(keyring.generation(), 9);
    assert_eq!(keyring.applied_through(), LogPosition(77));
    assert_eq!(keyring.epoch_for_sealing(), KeyEpoch(2));

    let trees = [(0, 0), (1, 0), (8, 19_000), (u32::MAX, u32::MAX)];
    for (tree, number) in trees {
        let expected = golden.key(&format!("leaf.{tree}.{number}"));
        assert_eq!(leaf(&keyring, 1, tree, number), Some(expected));
    }
    assert_eq!(leaf(&keyring, 1, 7, 5), None, "destroyed when it was stored");
    assert_eq!(leaf(&keyring, 2, 7, 5), Some(golden.key("keyring.epoch.2.leaf.7.5")));
}

#[test]
fn parts_seal_to_the_known_bytes_and_open_again() {
    let golden = Golden::read();
    let header = golden.bytes("header");
    let decoded = EntryHeader::decode(header).unwrap();
    assert_eq!(decoded.encode(), header);

    // Part 1 is under (tree 6, leaf 5) and no person; its stream leaf comes from the keyring.
    let dir = tempfile::tempdir().unwrap();
    golden.place_keyring(dir.path());
    let keyring = open(dir.path());
    let stream_1 = keyring.leaf(KeyEpoch(1), TreeId(6), 5).unwrap();
    let stream_2 = LeafKey::from_bytes(golden.key("leaf.7.5"));
    let person_2 = keyring.leaf(KeyEpoch(1), TreeId(8), 19_000).unwrap();

    let mut hashes = Vec::new();
    for (part, stream, person) in [(1, stream_1, None), (2, stream_2, Some(person_2))] {
        let of = |field: &str| golden.bytes(&format!("part.{part}.{field}"));
        let place = PartPlace {
            log_id: log_id(),
            incarnation: Incarnation(3),
            position: decoded.position,
            part,
        };
        let keys = PartKeys::derive(&stream, person.as_ref(), &place);
        let description = &decoded.parts[usize::from(part) - 1];
        assert_eq!(&keys.commitment_key()[..], of("k_com"));
        assert_eq!(keys.commit(of("clear")), description.commitment);
        assert_eq!(&description.commitment[..], of("commitment"));
        assert_eq!(description.length as usize, of("clear").len());

        let mut sealed = Vec::new();
        let nonce = of("nonce").try_into().unwrap();
        keys.seal(header, nonce, of("clear"), &mut sealed);
        assert_eq!(sealed, of("sealed"));
        let mut clear = Vec::new();
        keys.open(header, &description.commitment, &sealed, &mut clear).unwrap();
        assert_eq!(clear, of("clear"));
        hashes.push(part_hash(&sealed));
        assert_eq!(&hashes[hashes.len() - 1][..], of("hash"));
    }
    assert_eq!(entry_digest(header, &hashes), golden.key("entry.digest"));
    assert_eq!(
        entry_digest(&header[..HEADER_FIXED_BYTES], &[]),
        golden.key("entry.digest.of.no.parts")
    );
}

/// A stored keyring is rewritten under a new key and stays as long and as readable as it was.
#[test]
fn destroying_again_changes_no_key_that_is_left() {
    let golden = Golden::read();
    let dir = tempfile::tempdir().unwrap();
    golden.place_keyring(dir.path());
    let keyring = open(dir.path());
    let range = KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(1),
        tree: 7,
        leaf_first: 5,
        leaf_last: 5,
    };
    keyring.destroy(&[range], LogPosition(78)).unwrap();
    drop(keyring);
    let written = fs::read(dir.path().join("keyring")).unwrap();
    assert_eq!(written.len(), golden.bytes("keyring.file").len());
    let keyring = open(dir.path());
    assert_eq!(leaf(&keyring, 1, 0, 0), Some(golden.key("leaf.0.0")));
    assert_eq!(leaf(&keyring, 1, 7, 5), None);
}
