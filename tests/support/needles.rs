//! Many byte strings, looked for at once in files and in opened entries of a log.
//!
//! Owns the search alone: it reads every file of a directory as it is on disk. What it cannot see
//! is a string that a store compressed away; whoever plants strings makes each of them random, so
//! that a block's first copy of one stands there in full.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use anyhow::Result;

/// Bytes of a needle by which it is looked up; every needle has at least so many.
const HEAD: usize = 8;

/// What is looked for, each with a name for whoever reads a failure.
#[derive(Default)]
pub(crate) struct Needles {
    all: Vec<(String, Vec<u8>)>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
    /// First two bytes of which some needle begins with.
    begins: Vec<bool>,
}

/// Names of what was found, by where.
pub(crate) type Found = BTreeMap<String, BTreeSet<String>>;

impl Needles {
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) {
        let (head, _) = bytes.split_first_chunk::<HEAD>().expect("a needle of eight bytes");
        self.begins.resize(1 << 16, false);
        self.begins[usize::from(u16::from_be_bytes([head[0], head[1]]))] = true;
        let places = self.by_head.entry(*head).or_default();
        if !places.iter().any(|&known| self.all[known].1 == bytes) {
            places.push(self.all.len());
            self.all.push((name.to_owned(), bytes.to_vec()));
        }
    }

    /// A digest in the forms in which it could stand somewhere.
    pub(crate) fn add_digest(&mut self, name: &str, digest: &[u8]) {
        use base64::{Engine as _, engine::general_purpose};
        self.add(name, digest);
        self.add(name, hex::encode(digest).as_bytes());
        self.add(name, general_purpose::STANDARD_NO_PAD.encode(digest).as_bytes());
        self.add(name, general_purpose::URL_SAFE_NO_PAD.encode(digest).as_bytes());
    }

    /// Names of the needles in `hay`.
    pub(crate) fn within(&self, hay: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for at in 0..hay.len().saturating_sub(HEAD - 1) {
            let two = usize::from(hay[at]) << 8 | usize::from(hay[at + 1]);
            if self.begins.get(two) != Some(&true) {
                continue;
            }
            let rest = &hay[at..];
            let Some((head, _)) = rest.split_first_chunk::<HEAD>() else { continue };
            for &index in self.by_head.get(head).into_iter().flatten() {
                let (name, bytes) = &self.all[index];
                if rest.starts_with(bytes) {
                    found.insert(name.clone());
                }
            }
        }
        found
    }

    /// Looks into every file below a directory.
    pub(crate) fn in_files(&self, dir: &Path) -> Result<Found> {
        let mut found = Found::new();
        self.look_into(dir, &mut found)?;
        Ok(found)
    }

    fn look_into(&self, dir: &Path, found: &mut Found) -> Result<()> {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                self.look_into(&path, found)?;
            } else if path.is_file() {
                let within = self.within(&std::fs::read(&path)?);
                if !within.is_empty() {
                    found.insert(path.display().to_string(), within);
                }
            }
        }
        Ok(())
    }
}
