//! The runtime, with a view that only counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use facts::{
    Fact, LogPosition, StreamId,
    fact::{StreamKind, StreamOpened},
};

use super::{Checkpoint, FollowFault, Follower, FollowerState, View, ViewsDir, rebuild};
use crate::{
    source::{EntrySource, SourceEntry, memory::MemoryLog},
    store::{Batch, Key, Rows, StoreSnapshot},
};

const BOUND: Duration = Duration::from_secs(20);

/// Counts opened streams in one row; fails at a name.
struct Counting {
    schema: u32,
    applied: Arc<AtomicU64>,
}

impl Counting {
    fn new(schema: u32) -> Self {
        Self { schema, applied: Arc::default() }
    }
}

impl View for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn schema(&self) -> u32 {
        self.schema
    }

    fn reads_schema(&self, older: u32) -> bool {
        older == 1
    }

    fn apply(&mut self, batch: &mut Batch, entry: &SourceEntry) -> Result<(), FollowFault> {
        self.applied.fetch_add(1, Ordering::Relaxed);
        if let Some(Fact::StreamOpened(opened)) = entry.fact.as_deref() {
            assert!(opened.name != "panic", "asked to");
            let key = Key::new(1);
            let count = batch.get_u64(&key)?.unwrap_or(0);
            batch.put_u64(key, count + 1);
        }
        Ok(())
    }

    fn committed(&mut self, _checkpoint: &Checkpoint) {}

    fn discarded(&mut self) {}
}

fn open_streams(log: &MemoryLog, names: &[&str]) -> LogPosition {
    let mut last = LogPosition(0);
    for name in names {
        let opened = StreamOpened { kind: StreamKind::Room, name: (*name).to_owned() };
        last = log.append(vec![(StreamId(0).into(), opened.into())])[0];
    }
    last
}

fn count(rows: &StoreSnapshot) -> Option<u64> {
    rows.get_u64(&Key::new(1)).expect("reads")
}

struct Case {
    dir: tempfile::TempDir,
    log: Arc<MemoryLog>,
}

impl Case {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), log: Arc::new(MemoryLog::new(1)) }
    }

    fn views(&self) -> ViewsDir {
        ViewsDir::of(self.dir.path())
    }

    fn open(&self, view: Counting) -> Follower<Counting> {
        Follower::open(view, &self.views(), self.log.clone()).expect("opens")
    }

    fn source(&self) -> Arc<dyn EntrySource> {
        self.log.clone()
    }
}

#[tokio::test]
async fn i15_waiting_ends_when_the_view_has_passed() {
    let case = Case::new();
    let follower = case.open(Counting::new(1));
    let (progress, serving) = (follower.progress(), follower.serving());
    let handle = follower.spawn().expect("starts");
    let last = open_streams(&case.log, &["a", "b"]);
    assert!(progress.wait_for(last, BOUND).await);
    assert_eq!(progress.lag(case.log.head()), 0);
    assert!(!progress.wait_for(last.next(), Duration::ZERO).await, "bounded");
    let last = open_streams(&case.log, &["c"]);
    assert!(progress.wait_for(last, BOUND).await);
    handle.stop();
    assert_eq!(progress.state(), FollowerState::Stopped);
    let store = serving.store().expect("serves");
    assert_eq!(count(&store.snapshot()), Some(3));
}

#[tokio::test]
async fn a_snapshot_does_not_move() {
    let case = Case::new();
    open_streams(&case.log, &["a"]);
    let mut follower = case.open(Counting::new(1));
    follower.catch_up(|| false).expect("follows");
    follower.take_over();
    let before = follower.serving().store().expect("serves").snapshot();
    open_streams(&case.log, &["b"]);
    follower.catch_up(|| false).expect("follows");
    let after = follower.serving().store().expect("serves").snapshot();
    assert_eq!((count(&before), count(&after)), (Some(1), Some(2)));
    let checkpoint = Checkpoint::read(&before).expect("reads").expect("is there");
    assert_eq!(checkpoint.position, LogPosition(1), "of the same instant");
}

#[test]
fn i5_going_on_applies_nothing_twice() {
    let case = Case::new();
    open_streams(&case.log, &["a", "b"]);
    case.open(Counting::new(1)).catch_up(|| false).expect("follows");
    open_streams(&case.log, &["c"]);
    let view = Counting::new(1);
    let applied = view.applied.clone();
    let mut follower = case.open(view);
    follower.catch_up(|| false).expect("follows");
    assert_eq!(applied.load(Ordering::Relaxed), 1);
    follower.take_over();
    let store = follower.serving().store().expect("serves");
    assert_eq!(count(&store.snapshot()), Some(3));
}

#[test]
fn i1_a_view_of_another_log_is_dropped() {
    let case = Case::new();
    open_streams(&case.log, &["a", "b"]);
    case.open(Counting::new(1)).catch_up(|| false).expect("follows");
    let other = Arc::new(MemoryLog::new(2));
    open_streams(&other, &["x"]);
    let mut follower =
        Follower::open(Counting::new(1), &case.views(), other.clone()).expect("opens");
    assert!(follower.serving().store().is_none(), "nothing of the old log is shown");
    follower.catch_up(|| false).expect("follows");
    follower.take_over();
    let store = follower.serving().store().expect("serves");
    assert_eq!(count(&store.snapshot()), Some(1));
}

#[test]
fn an_older_schema_serves_until_the_new_view_has_caught_up() {
    let case = Case::new();
    open_streams(&case.log, &["a"]);
    case.open(Counting::new(1)).catch_up(|| false).expect("follows");
    open_streams(&case.log, &["b"]);
    let mut follower = case.open(Counting::new(2));
    let serving = follower.serving();
    let old = serving.store().expect("the old one serves");
    assert_eq!(count(&old.snapshot()), Some(1));
    drop(old);
    follower.catch_up(|| false).expect("follows");
    follower.take_over();
    let new = serving.store().expect("the new one serves");
    assert_eq!(count(&new.snapshot()), Some(2));
    assert!(!case.dir.path().join("views/counting-v1").exists());
    assert!(case.dir.path().join("views/counting-v2").exists());
}

#[test]
fn rebuilding_drops_and_builds() {
    let case = Case::new();
    open_streams(&case.log, &["a", "b"]);
    case.open(Counting::new(1)).catch_up(|| false).expect("follows");
    let view = Counting::new(1);
    let applied = view.applied.clone();
    assert_eq!(rebuild(view, &case.views(), &case.source()).expect("rebuilds"), 3);
    assert_eq!(applied.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_panic_stops_that_follower_and_is_reported() {
    let case = Case::new();
    open_streams(&case.log, &["a"]);
    let mut follower = case.open(Counting::new(1));
    follower.catch_up(|| false).expect("follows");
    let (progress, serving) = (follower.progress(), follower.serving());
    let handle = follower.spawn().expect("starts");
    let bad = open_streams(&case.log, &["panic"]);
    assert!(!progress.wait_for(bad, BOUND).await, "gives up at once");
    assert!(matches!(progress.state(), FollowerState::Failed(_)));
    let store = serving.store().expect("what was there is still readable");
    assert_eq!(count(&store.snapshot()), Some(1));
    handle.stop();
}
