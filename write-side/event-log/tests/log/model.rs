//! Random appends against a map, over restarts.

use std::collections::BTreeMap;

use facts::{LogPosition, RecordClass, StreamId, StreamRef};
use proptest::prelude::*;

use crate::world::{World, batch, draft, part};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(u8, Vec<u8>)>),
    Reopen { drop_index: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let text = prop::collection::vec(any::<u8>(), 0..200);
    let drafts = prop::collection::vec((0..5_u8, text), 1..6);
    prop_oneof![
        8 => drafts.prop_map(Step::Append),
        1 => any::<bool>().prop_map(|drop_index| Step::Reopen { drop_index }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_appended_is_read_after_any_restarts(
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let world = World::small_segments();
        let mut log = Some(world.open());
        let mut model: BTreeMap<LogPosition, (StreamId, u64, Vec<u8>)> = BTreeMap::new();
        let mut streams: BTreeMap<u8, (StreamId, u64)> = BTreeMap::new();
        let mut next = 1;
        for step in steps {
            match step {
                Step::Append(entries) => {
                    let mut opened: BTreeMap<u8, u32> = BTreeMap::new();
                    let mut drafts = Vec::new();
                    for (k, (name, text)) in (0_u32..).zip(&entries) {
                        let stream = match (streams.get(name), opened.get(name)) {
                            (Some((stream, _)), _) => StreamRef::Existing(*stream),
                            (None, Some(opener)) => StreamRef::OpenedBy(*opener),
                            (None, None) => {
                                opened.insert(*name, k);
                                StreamRef::OpenedBy(k)
                            }
                        };
                        drafts.push(draft(stream, vec![part(RecordClass::Account, Some(stream), text)]));
                    }
                    let log = log.as_ref().unwrap();
                    let appended = log.append(batch(drafts)).unwrap();
                    prop_assert_eq!(appended.first, LogPosition(next));
                    appended.durable.wait().unwrap();
                    for (name, text) in entries {
                        let state = streams
                            .entry(name)
                            .and_modify(|(_, revision)| *revision += 1)
                            .or_insert((StreamId(next), 0));
                        model.insert(LogPosition(next), (state.0, state.1, text));
                        next += 1;
                    }
                }
                Step::Reopen { drop_index } => {
                    log.take();
                    if drop_index {
                        std::fs::remove_dir_all(world.options().index_dir()).unwrap();
                    }
                    log = Some(world.open());
                }
            }
        }
        let log = log.unwrap();
        prop_assert_eq!(log.head(), LogPosition(next - 1));
        let mut read = BTreeMap::new();
        let mut from = LogPosition(1);
        while from <= log.head() {
            for entry in log.read_range(from, 7, 3_000).unwrap() {
                let text = entry.parts[0].clear().unwrap().to_vec();
                read.insert(entry.header.position, (entry.header.stream, entry.header.revision.0, text));
                from = entry.header.position.next();
            }
        }
        prop_assert_eq!(read, model);
        drop(log);
        let report = event_log::verify(&world.segments(), None).unwrap();
        prop_assert!(report.ok, "{:?}", report);
    }
}
