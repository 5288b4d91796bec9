//! Resolving a room of 30,000 state events with 20 forward extremities.
//!
//! All states share 29,000 events; on each branch 50 more: a third of them change what other
//! branches change too, a third remove members, a third concern the branch alone; some branches
//! change the power levels. Finding the conflict on the index is part of what is measured; the
//! PDUs that resolution reads are loaded beforehand, as they are for a decision.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/branched_room.rs"]
mod branched_room;
#[path = "support/verdict.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod verdict;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use decide::resolution::resolve_states;
use ruma::RoomVersionId;

use crate::{branched_room::BranchedRoom, verdict::Samples};

fn resolution(c: &mut Criterion) {
    let mut group = c.benchmark_group("resolution");
    group.sample_size(10);
    for version in [RoomVersionId::V11, RoomVersionId::V12] {
        let room = BranchedRoom::new(&version);
        assert_eq!(room.index.len(), 30_000);
        let resolve = || resolve_states(&room.states, &room.index, &room.rules, &room.pdus);
        let resolved = resolve().expect("all is loaded");
        assert_eq!(resolved.len(), room.keys, "every place of the room is filled");
        let mut samples = Samples::default();
        group.bench_function(format!("30,000 state events, 20 tips, version {version}"), |b| {
            b.iter_custom(|times| {
                samples.time(times, || {
                    black_box(resolve().expect("all is loaded"));
                })
            });
        });
        if let Some(seconds) = samples.median() {
            verdict::line(&format!(
                "resolution of 30,000 state events with 20 extremities, room version {version}: \
                 measured {:.0} ms ({:.0} ms of processor time), no budget",
                seconds * 1e3,
                samples.cpu() * 1e3
            ));
        }
    }
    group.finish();
}

criterion_group!(benches, resolution);
criterion_main!(benches);
