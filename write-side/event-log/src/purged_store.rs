//! Emptying a fjall database of values that were replaced or removed.
//!
//! Owns the one way to do it, for folds and views: a destruction is reported as done there only
//! after this (LOG section 6, DESIGN section 6). Deleting in such a store only hides a value: it
//! stays in older tables until they are merged, and in the journal until that is exchanged.

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

/// Name of the keyspace that fills the journal.
const FILLER: &str = "filler";
/// Bytes of one value that fills it.
const FILLER_BYTES: usize = 4 * 1024 * 1024;
/// The journal is exchanged when it has more than 64 MB.
const FILLER_VALUES: u64 = 17;
/// Values between two flushes, so that they are never all in memory.
const VALUES_A_FLUSH: u64 = 4;

/// Merges the tables of all these keyspaces and begins a new journal. Blocks for as long as the
/// disk takes to rewrite the database once, and 70 MB more. Reads and writes go on.
///
/// A crash anywhere in it leaves a whole database, of which some is not purged yet.
pub fn purge_store(database: &Database, keyspaces: &[&Keyspace]) -> Result<(), fjall::Error> {
    // The journal is exchanged when something is flushed and it is large; there is no other way
    // to ask for that. Everything before it is then in tables, and the old file is removed.
    let filler = database.keyspace(FILLER, KeyspaceCreateOptions::default)?;
    for number in 0..FILLER_VALUES {
        filler.insert(FILLER, incompressible(number))?;
        if number % VALUES_A_FLUSH == VALUES_A_FLUSH - 1 {
            filler.rotate_memtable_and_wait()?;
        }
    }
    filler.rotate_memtable_and_wait()?;
    for keyspace in keyspaces {
        keyspace.rotate_memtable_and_wait()?;
    }
    // Written after the exchange, so that the last of these flushes finds the old journal unused.
    filler.remove(FILLER)?;
    filler.rotate_memtable_and_wait()?;
    for keyspace in keyspaces.iter().copied().chain([&filler]) {
        keyspace.major_compact()?;
    }
    // Tables that were merged go when the next flush finds that no reader has them.
    filler.insert(FILLER, "")?;
    filler.rotate_memtable_and_wait()?;
    Ok(())
}

/// Bytes that the journal's compression does not shorten (`SplitMix64`; nothing secret).
fn incompressible(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(FILLER_BYTES);
    while bytes.len() < FILLER_BYTES {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    const SECRET: &[u8] = b"canary that was removed";

    fn holds_secret(dir: &Path) -> bool {
        fs::read_dir(dir).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return holds_secret(&path);
            }
            fs::read(&path).unwrap().windows(SECRET.len()).any(|bytes| bytes == SECRET)
        })
    }

    #[test]
    fn a_removed_value_is_in_no_file_of_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::builder(dir.path()).open().unwrap();
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default).unwrap();
        let (one, other, idle) = (keyspace("one"), keyspace("other"), keyspace("idle"));
        idle.insert("stays", "here").unwrap();
        one.insert("kept", "kept").unwrap();
        one.insert("removed", SECRET).unwrap();
        one.rotate_memtable_and_wait().unwrap();
        other.insert("replaced", SECRET).unwrap();
        database.persist(fjall::PersistMode::SyncAll).unwrap();
        one.remove("removed").unwrap();
        other.insert("replaced", "by something else").unwrap();
        assert!(holds_secret(dir.path()), "removing it does not take it out of the files");

        for _ in 0..2 {
            purge_store(&database, &[&one, &other, &idle]).unwrap();
            assert!(!holds_secret(dir.path()), "it is still in a file");
            assert_eq!(one.get("kept").unwrap().unwrap(), "kept");
            assert_eq!(idle.get("stays").unwrap().unwrap(), "here");
        }
        drop((one, other, idle));
        drop(database);
        assert!(!holds_secret(dir.path()));
    }
}
