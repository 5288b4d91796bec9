//! Stubs of messages whose skeletons are about to be destroyed.
//!
//! Owns their way into the stream of the room, in facts that are small beside a write: whoever
//! sends meanwhile waits for none of them. They are harmless: nobody looks at a stub while its
//! message can be read. A crash between two facts leaves stubs of messages that are still there.
//! Invariants: I3 (all of them are durable when it returns), I10.

use std::{convert::Infallible, time::Duration};

use decide::room::RoomFact;
use facts::{
    StreamId,
    fact::{MessagesStubbed, PduStub},
};

use super::{drafts::room_drafts, fold::RoomActor};
use crate::{CommandError, Decision, WriteSide};

/// Bytes of one fact, about; one that is larger holds a single stub.
const FACT_BYTES: usize = 8 * 1024;
/// Bytes of a stub without its names, at most; its placement is counted apart.
const STUB_BYTES: usize = 32;
/// Bytes of a placement without its changes.
const PLACEMENT_BYTES: usize = 64;
/// Bytes of a change of state, or of a reference, without its names.
const CHANGE_BYTES: usize = 24;

/// Records stubs of messages of one room, ascending by position; durable when it returns. Rests
/// after each fact, for others send in that room. Asks before each whether to go on; false where
/// some are left.
pub async fn stub_messages(
    write_side: &WriteSide,
    room: StreamId,
    stubs: Vec<PduStub>,
    rest: Duration,
    goes_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<bool, CommandError<Infallible>> {
    for stubs in in_facts(stubs) {
        if !goes_on() {
            return Ok(false);
        }
        let fact = MessagesStubbed { stubs }.into();
        let facts = [RoomFact { fact, actor: None, person: None }];
        let drafts = room_drafts(write_side, room.into(), &facts)?;
        let decide = |_: &RoomActor| Ok(Decision { drafts: drafts.clone(), reply: () });
        write_side.actors::<RoomActor>().execute(room, decide).await?;
        tokio::time::sleep(rest).await;
    }
    Ok(true)
}

fn in_facts(stubs: Vec<PduStub>) -> Vec<Vec<PduStub>> {
    let (mut facts, mut bytes) = (Vec::<Vec<PduStub>>::new(), 0);
    for stub in stubs {
        let more = stub_bytes(&stub);
        match facts.last_mut() {
            Some(last) if bytes + more <= FACT_BYTES => {
                last.push(stub);
                bytes += more;
            }
            _ => {
                facts.push(vec![stub]);
                bytes = more;
            }
        }
    }
    facts
}

/// Bytes of a stub in its fact, at most.
pub fn stub_bytes(stub: &PduStub) -> usize {
    use facts::fact::StateBefore::{AfterPrev, Base, Unknown};
    let names = stub.prev_events.iter().chain([&stub.event_id]).map(|id| id.len() + 3);
    let placement = stub.placement.as_ref().map_or(0, |placement| {
        let delta = match &placement.before {
            Base { delta, .. } => delta.as_slice(),
            AfterPrev | Unknown => &[],
        };
        let changes = placement.changes.iter().chain(delta);
        let changes = changes.map(|change| change.0.len() + change.1.len() + CHANGE_BYTES);
        let extremities = placement.extremities.as_ref().map_or(0, Vec::len);
        PLACEMENT_BYTES + changes.sum::<usize>() + extremities * CHANGE_BYTES
    });
    STUB_BYTES + names.sum::<usize>() + placement
}

#[cfg(test)]
mod tests {
    use facts::{
        FactBody as _, LogPosition,
        fact::{Placement, PlacementKind, StateBefore, StateChange, TimelinePlace, Verdict},
    };

    use super::*;

    fn stub(number: u64, changes: usize) -> PduStub {
        let at = LogPosition(u64::MAX / 2 - number);
        let change = StateChange(
            "m.room.member".to_owned(),
            "@somebody:example.org".to_owned(),
            Some(at.into()),
            Some(at.into()),
        );
        let placement = Placement {
            verdict: Verdict::Reject(facts::fact::RejectReason::AuthEventRejected),
            kind: PlacementKind::Live,
            before: StateBefore::Base {
                at: at.into(),
                delta: vec![change.clone(); changes],
                full: false,
            },
            changes: vec![change; changes],
            extremities: Some(vec![at.into(); changes]),
            timeline: Some(TimelinePlace(i64::MIN, i64::MAX)),
        };
        PduStub {
            pdu: LogPosition(u64::MAX / 2 + number),
            event_id: format!("${number:043}"),
            prev_events: vec![format!("${:043}", number + 1); changes + 1],
            depth: u64::MAX,
            placement: Some(placement),
        }
    }

    #[test]
    fn i10_facts_keep_their_bound_and_hold_every_stub_once_in_order() {
        let stubs: Vec<_> = (0..2_000)
            .zip([0, 1, 8].into_iter().cycle())
            .map(|(number, changes)| stub(number, changes))
            .collect();
        let facts = in_facts(stubs.clone());
        assert!(facts.len() > 1);
        for stubs in &facts {
            let bytes = MessagesStubbed { stubs: stubs.clone() }.to_parts()[0].bytes.len();
            assert!(bytes <= FACT_BYTES + 16, "{bytes}");
            assert!(bytes > FACT_BYTES / 2 || Some(stubs) == facts.last(), "{bytes}");
        }
        assert_eq!(facts.concat(), stubs);
        assert_eq!(in_facts(vec![stub(1, 5_000), stub(2, 0)]).len(), 2, "a large one is alone");
    }
}
