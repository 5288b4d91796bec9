//! Files of media that nothing names go, and no other.

use std::{fs, sync::Arc, sync::atomic::Ordering};

use facts::LogPosition;
use policies::destruction::{Sweep, SweepFault};

use crate::{
    destroying::{apply, receipt, run, upload},
    world::World,
};

/// As a crash between a file and its fact leaves it.
async fn forgotten(world: &World) -> String {
    let mut writer = world.blobs.begin(world.ws.random(), 1_000).await.unwrap();
    writer.write(b"half an upload").await.unwrap();
    writer.finish().await.unwrap().name
}

async fn sweep(world: &World) -> Sweep {
    Sweep::begin(Arc::clone(&world.failing) as _, Arc::clone(&world.blobs)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_fact_names_goes_once_it_was_there_for_a_round() {
    let world = World::new().await;
    let (_, named) = upload(&world, "dan").await;
    let lost = forgotten(&world).await;
    let stranger = world.media_path(&lost).with_file_name("readme");
    fs::write(&stranger, "not ours").unwrap();
    let mut sweep = sweep(&world).await;
    let under_way = forgotten(&world).await;

    world.failing.unreadable.store(true, Ordering::SeqCst);
    assert!(matches!(sweep.round(|| false).await, Err(SweepFault::Log(_))));
    assert!(world.media_path(&lost).exists(), "what the log names is not known");
    world.failing.unreadable.store(false, Ordering::SeqCst);

    let later = forgotten(&world).await;
    assert_eq!(
        sweep.round(|| false).await.unwrap(),
        2,
        "what was there after the round that failed"
    );
    assert!(!world.media_path(&lost).exists() && !world.media_path(&under_way).exists());
    assert!(world.media_path(&later).exists(), "it may be an upload under way");
    assert_eq!(sweep.round(|| false).await.unwrap(), 1);
    assert!(!world.media_path(&later).exists());
    assert!(world.media_path(&named).exists() && stranger.exists());
    assert_eq!(sweep.round(|| false).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_key_is_destroyed_goes() {
    let world = World::new().await;
    let (_, file) = upload(&world, "dan").await;
    let (_, held) = upload(&world, "ben").await;
    let hold = serde_json::json!({ "matter": "m", "parts": [{ "users": ["@ben:example.org"] }],
        "reason": "x" });
    world.post("ann", "/holds", &hold).await.ok();
    apply(&world, "[policy.brief]\nrecords = [\"media\"]\nkeep_at_most = \"1d\"\n").await;
    world.pass_days(2);
    let path = world.media_path(&file);
    let bytes = fs::read(&path).unwrap();
    let done = receipt(&world, &run(&world).await);
    assert_eq!((done.destroyed.len(), done.restricted), (1, 1));
    assert!(!path.exists() && done.orders.unwrap().0 > LogPosition(0));
    // As if the crash had come before the removal.
    fs::write(&path, bytes).unwrap();
    assert_eq!(sweep(&world).await.round(|| false).await.unwrap(), 1);
    assert!(!path.exists() && world.media_path(&held).exists());
}
