//! Sealing a batch: from planned entries to frozen bytes. Runs outside of every lock.

use std::sync::Arc;

use facts::{EntryHeader, Fact, LogId, PARTS_MAX};

use crate::{
    Digest, Entry, PartKeys, PartPlace, Random,
    assign::PlannedEntry,
    entry::PartContent,
    frame::write_sealed_frame,
    seal::{NONCE_BYTES, entry_digest, part_hash},
};

/// Frames and what the write needs to know of each entry.
pub(crate) struct SealedEntries {
    pub(crate) frames: Vec<u8>,
    pub(crate) entries: Vec<SealedEntry>,
}

/// An entry whose bytes are frozen, with its parts as they were before.
#[derive(Debug)]
pub(crate) struct SealedEntry {
    /// Where its frame begins in the frames of its batch.
    pub(crate) offset: u32,
    /// The entry in clear.
    pub(crate) entry: Entry,
}

/// Seals entries in order. `facts` are what they decode to, as far as that is known.
pub(crate) fn seal_entries(
    log_id: LogId,
    planned: Vec<PlannedEntry>,
    facts: &[Option<Arc<Fact>>],
    bytes: usize,
    random: &dyn Random,
) -> SealedEntries {
    let mut sealed = SealedEntries {
        frames: Vec::with_capacity(bytes),
        entries: Vec::with_capacity(planned.len()),
    };
    let facts = facts.iter().cloned().chain(std::iter::repeat(None));
    for (entry, known) in planned.into_iter().zip(facts) {
        let offset = u32::try_from(sealed.frames.len()).expect("a batch is at most 8 MiB");
        let (header, digest, parts) = seal_entry(log_id, entry, random, &mut sealed.frames);
        let entry = Entry { header, digest, parts, known, stub: None };
        sealed.entries.push(SealedEntry { offset, entry });
    }
    sealed
}

/// Appends the frame of an entry; answers what is known of it beside its bytes.
fn seal_entry(
    log_id: LogId,
    entry: PlannedEntry,
    random: &dyn Random,
    frames: &mut Vec<u8>,
) -> (EntryHeader, Digest, Vec<PartContent>) {
    let PlannedEntry { mut header, parts } = entry;
    let mut keys = Vec::with_capacity(parts.len());
    for (number, (described, part)) in (1..).zip(header.parts.iter_mut().zip(&parts)) {
        let place = PartPlace {
            log_id,
            incarnation: header.incarnation,
            position: header.position,
            part: number,
        };
        let part_keys = PartKeys::derive(&part.stream_leaf, part.person_leaf.as_ref(), &place);
        described.commitment = part_keys.commit(&part.clear);
        keys.push(part_keys);
    }
    let encoded = header.encode();
    // All at once: each call of the generator costs as much as sealing a short part.
    let mut nonces = [[0; NONCE_BYTES]; PARTS_MAX];
    random.fill(nonces[..parts.len().min(PARTS_MAX)].as_flattened_mut());
    let mut hashes = [[0; 32]; PARTS_MAX];
    write_sealed_frame(frames, &encoded, |out| {
        let sealing = keys.iter().zip(&parts).zip(nonces);
        for (((keys, part), nonce), hash) in sealing.zip(&mut hashes) {
            let start = out.len();
            keys.seal(&encoded, nonce, &part.clear, out);
            *hash = part_hash(&out[start..]);
        }
    });
    let digest = entry_digest(&encoded, &hashes[..keys.len()]);
    let clear = parts.into_iter().map(|part| PartContent::Clear(part.clear.into())).collect();
    (header, digest, clear)
}
