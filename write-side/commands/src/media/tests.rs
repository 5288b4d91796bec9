//! Blobs: whole, in ranges, tampered with, cut short, too large.

use std::path::PathBuf;

use event_log::SeededRandom;

use super::{BlobFault, BlobStore, StoredBlob};

const CHUNK: usize = 64 * 1024;

async fn stored(dir: &tempfile::TempDir, clear: &[u8]) -> (BlobStore, StoredBlob, PathBuf) {
    let store = BlobStore::open(dir.path().join("media")).await.unwrap();
    let random = SeededRandom::new(clear.len() as u64);
    let mut writer = store.begin(&random, 1 << 30).await.unwrap();
    for piece in clear.chunks(10_000) {
        writer.write(piece).await.unwrap();
    }
    let blob = writer.finish().await.unwrap();
    let path = dir.path().join("media").join(&blob.name[..2]).join(&blob.name);
    (store, blob, path)
}

async fn read(
    store: &BlobStore,
    blob: &StoredBlob,
    range: std::ops::Range<u64>,
) -> Result<Vec<u8>, BlobFault> {
    let mut reader = store.read(&blob.name, &blob.key, blob.bytes, range).await?;
    let mut out = Vec::new();
    while let Some(piece) = reader.next().await? {
        out.extend_from_slice(&piece);
    }
    Ok(out)
}

fn clear(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[tokio::test]
async fn blobs_of_any_size_come_back_whole_and_in_ranges() {
    for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17] {
        let dir = tempfile::tempdir().unwrap();
        let clear = clear(len);
        let (store, blob, _) = stored(&dir, &clear).await;
        assert_eq!(blob.bytes, len as u64);
        assert_eq!(read(&store, &blob, 0..u64::MAX).await.unwrap(), clear);
        for (from, to) in [(0, 1), (5, CHUNK + 5), (CHUNK, 2 * CHUNK), (CHUNK - 1, CHUNK)] {
            let (from, to) = (from.min(len), to.min(len));
            let part = read(&store, &blob, from as u64..to as u64).await.unwrap();
            assert_eq!(part, clear[from..to], "{len} {from} {to}");
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_is_found_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (store, blob, path) = stored(&dir, &clear(2 * CHUNK + 100)).await;
    let good = std::fs::read(&path).unwrap();
    for at in [0, 8, 5_000, 8 + CHUNK, 8 + CHUNK + 16, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let read = read(&store, &blob, 0..u64::MAX).await;
        assert!(matches!(read, Err(BlobFault::Damaged)), "byte {at}");
    }
}

#[tokio::test]
async fn moved_and_missing_chunks_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let (store, blob, path) = stored(&dir, &clear(3 * CHUNK)).await;
    let good = std::fs::read(&path).unwrap();
    let sealed = CHUNK + 16;

    let mut swapped = good.clone();
    swapped[8..8 + sealed].copy_from_slice(&good[8 + sealed..8 + 2 * sealed]);
    swapped[8 + sealed..8 + 2 * sealed].copy_from_slice(&good[8..8 + sealed]);
    std::fs::write(&path, &swapped).unwrap();
    assert!(matches!(read(&store, &blob, 0..u64::MAX).await, Err(BlobFault::Damaged)));

    // Cut at a chunk's end, with a fact that claims the shorter length: not sealed as the last.
    std::fs::write(&path, &good[..8 + 2 * sealed]).unwrap();
    let shorter = StoredBlob { bytes: 2 * CHUNK as u64, ..blob };
    assert!(matches!(read(&store, &shorter, 0..u64::MAX).await, Err(BlobFault::Damaged)));
}

#[tokio::test]
async fn a_wrong_key_opens_nothing_and_no_clear_byte_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let clear = b"the quick brown fox jumps over the lazy dog".repeat(3_000);
    let (store, blob, path) = stored(&dir, &clear).await;
    let on_disk = std::fs::read(&path).unwrap();
    assert!(!on_disk.windows(9).any(|window| window == b"brown fox"));
    let other = StoredBlob { key: [1; 32], ..blob };
    assert!(matches!(read(&store, &other, 0..10).await, Err(BlobFault::Damaged)));
}

#[tokio::test]
async fn what_is_too_large_or_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path().join("media")).await.unwrap();
    let random = SeededRandom::new(1);
    let mut writer = store.begin(&random, 10).await.unwrap();
    writer.write(&[0; 10]).await.unwrap();
    assert!(matches!(writer.write(&[0]).await, Err(BlobFault::TooLarge)));
    drop(writer);
    let left = std::fs::read_dir(dir.path().join("media").join("new")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn names_that_are_not_ours_reach_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, blob, _) = stored(&dir, b"x").await;
    for name in ["../../etc/passwd", "", "zz", "é"] {
        let read = store.read(name, &blob.key, 1, 0..1).await;
        assert!(matches!(read, Err(BlobFault::Missing)), "{name}");
    }
    store.remove(&blob.name).await.unwrap();
    store.remove(&blob.name).await.unwrap();
    assert!(matches!(read(&store, &blob, 0..1).await, Err(BlobFault::Missing)));
}
