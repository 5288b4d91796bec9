//! PDUs of other servers: storing and placing them, in order.
//!
//! Owns loading what their checks read, and the outcome of each. A PDU that cannot be placed now
//! is stored all the same, so that the transaction that brought it can be answered; placing it
//! again later is idempotent. Verdicts are `decide`'s. A crash between two appends leaves a prefix
//! of the PDUs, each whole; the rest comes again or is placed by a later run. A message that was
//! destroyed here and is sent once more is answered as it was placed, and not taken in again.
//! Invariants: I3, I7, I10, I14.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use decide::{
    pdu::Pdu,
    room::{
        ForeignBatch, Needed, PlaceAs, PlaceFault, ReceivedPdu, RoomFold, RoomState,
        needed_for_placing,
    },
};
use facts::{LogPosition, StreamId, fact::Verdict};
use ruma::{OwnedEventId, RoomId, room_version_rules::RoomVersionRules};

use super::{
    act::{RoomError, fold_of},
    drafts::room_drafts,
    fold::RoomActor,
    inputs::Inputs,
    merge_extremities::merge_extremities,
    placing_pool::{PLACING, is_light},
};
use crate::{
    ActorGuard, AppendError, CommandError, Core, DECIDE_TRIES_MAX, Fault, ViewWait, WriteSide,
};

/// PDUs placed by one append, at most.
const PLACED_AT_ONCE_MAX: usize = 200;
/// PDUs of one command, at most; more are refused as busy.
pub const RECEIVED_AT_ONCE_MAX: usize = 100_000;

/// A PDU of another server, checked by [`decide::room::decide_store`], and how to place it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The PDU.
    pub pdu: ReceivedPdu,
    /// How to place it.
    pub how: PlaceAs,
}

/// What became of one PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PduOutcome {
    /// It is stored and placed, now or before.
    Placed(Verdict),
    /// It is stored; placing it needs what the fault names.
    Waiting(PlaceFault),
}

/// What one locked run gave.
enum Run {
    /// These are decided and appended; the last entry, if one was needed.
    Appended(Vec<PduOutcome>, Option<LogPosition>),
    Load(Vec<OwnedEventId>),
    /// The state after these must be told.
    TellStates(Vec<OwnedEventId>),
    Moved,
}

/// What was gathered for a command, over all its runs.
#[derive(Default)]
struct Gathered {
    inputs: Inputs,
    states: Vec<(OwnedEventId, RoomState)>,
    states_tried: HashSet<OwnedEventId>,
    /// What became of those of which only stubs are left.
    destroyed: HashMap<OwnedEventId, Verdict>,
}

/// Stores and places PDUs of a room in order; gives the outcome of each, in the same order.
///
/// `rules` are those of the room's version. The room's stream must exist: a room that is joined
/// by federation is opened by [`WriteSide::ensure_stream`] first. Where the room has too many
/// forward extremities afterwards, they are merged.
pub async fn receive_pdus(
    write_side: &WriteSide,
    room: &RoomId,
    rules: &RoomVersionRules,
    pdus: &[Incoming],
) -> Result<Vec<PduOutcome>, RoomError> {
    if pdus.len() > RECEIVED_AT_ONCE_MAX {
        return Err(CommandError::busy());
    }
    let stream = write_side.known_room(room)?;
    let mut gathered = Gathered::default();
    let own: Vec<_> = pdus.iter().map(|incoming| incoming.pdu.pdu.owned_event_id()).collect();
    gathered.inputs.load(write_side, room, own.clone()).await?;
    gathered.find_destroyed(write_side, own).await?;
    let mut outcomes = Vec::with_capacity(pdus.len());
    let mut rests_on = None;
    while outcomes.len() < pdus.len() {
        let rest = &pdus[outcomes.len()..];
        let chunk: Arc<[Incoming]> = rest[..rest.len().min(PLACED_AT_ONCE_MAX)].into();
        let placed = place_some(write_side, stream, rules, &chunk, &mut gathered).await?;
        for incoming in &chunk[..placed.outcomes.len()] {
            gathered.inputs.forget(incoming.pdu.pdu.event_id());
        }
        outcomes.extend(placed.outcomes);
        // What was placed before may not be durable yet either.
        rests_on = placed.last.or(rests_on).or(Some(placed.position));
    }
    if let Some(rests_on) = rests_on {
        write_side.core().settle(rests_on, ViewWait::Bounded).await?;
    }
    merge_after(write_side, room).await;
    Ok(outcomes)
}

/// The PDUs are in whatever becomes of this; the next ones bring it about again.
async fn merge_after(write_side: &WriteSide, room: &RoomId) {
    if let Err(error) = merge_extremities(write_side, room).await {
        tracing::info!(?error, %room, "extremities were not merged");
    }
}

/// What one append placed.
struct PlacedSome {
    /// Of the first ones.
    outcomes: Vec<PduOutcome>,
    /// The last entry, if one was needed.
    last: Option<LogPosition>,
    /// The room's last entry before.
    position: LogPosition,
}

/// Places at least one of `chunk`, gathering what it lacks.
async fn place_some(
    write_side: &WriteSide,
    stream: StreamId,
    rules: &RoomVersionRules,
    chunk: &Arc<[Incoming]>,
    gathered: &mut Gathered,
) -> Result<PlacedSome, RoomError> {
    for _ in 0..=DECIDE_TRIES_MAX {
        let guard = write_side.actors::<RoomActor>().lock(stream).await?;
        let (position, fold) = (guard.position(), fold_of(&guard)?.clone());
        let run = if is_light(&fold, chunk) {
            let run = run(write_side, &guard, rules, chunk, gathered);
            drop(guard);
            run?
        } else {
            run_off_the_runtime(write_side, guard, rules, chunk, gathered).await?
        };
        match run {
            Run::Appended(outcomes, last) => return Ok(PlacedSome { outcomes, last, position }),
            Run::Load(event_ids) => {
                gathered.inputs.load(write_side, fold.room_id(), event_ids).await?;
            }
            Run::TellStates(event_ids) => gathered.tell(write_side, &fold, event_ids).await?,
            Run::Moved => {}
        }
    }
    Err(CommandError::busy())
}

/// The same where states may have to be resolved: no thread of the runtime is kept by that.
async fn run_off_the_runtime(
    write_side: &WriteSide,
    guard: ActorGuard<RoomActor>,
    rules: &RoomVersionRules,
    chunk: &Arc<[Incoming]>,
    gathered: &mut Gathered,
) -> Result<Run, RoomError> {
    let (write_side, rules, chunk) = (write_side.clone(), rules.clone(), Arc::clone(chunk));
    let lent = std::mem::take(gathered);
    let work = move || {
        let run = run(&write_side, &guard, &rules, &chunk, &lent);
        drop(guard);
        (run, lent)
    };
    let (run, lent) = PLACING.run(work).await?;
    *gathered = lent;
    run
}

/// Decides as many PDUs as what is gathered allows, and appends them as one.
fn run(
    write_side: &WriteSide,
    guard: &ActorGuard<RoomActor>,
    rules: &RoomVersionRules,
    pdus: &[Incoming],
    gathered: &Gathered,
) -> Result<Run, RoomError> {
    let core = write_side.core();
    let fold = fold_of(guard)?;
    let mut batch = ForeignBatch::new(fold, rules.clone(), &gathered.inputs.known, 0);
    for (event_id, state) in &gathered.states {
        batch.tell_state_after(event_id.clone(), state.clone());
    }
    let mut outcomes = Vec::new();
    let mut decided = HashSet::new();
    for incoming in pdus {
        let pdu = &incoming.pdu.pdu;
        if let Some(verdict) = gathered.destroyed.get(pdu.event_id()) {
            outcomes.push(PduOutcome::Placed(*verdict));
            continue;
        }
        let lacking = lacking(core, batch.fold(), rules, pdu, gathered, &decided)?;
        let outcome = if lacking.is_empty() {
            place(&mut batch, incoming, gathered, &decided)?
        } else {
            Step::Lacks(Run::Load(lacking))
        };
        match outcome {
            Step::Outcome(outcome) => outcomes.push(outcome),
            // What is decided already is appended first; the rest is tried again after it.
            Step::Lacks(_) if !outcomes.is_empty() => break,
            Step::Lacks(run) => return Ok(run),
        }
        decided.insert(pdu.owned_event_id());
    }
    let drafts = room_drafts(write_side, guard.stream().into(), &batch.finish())?;
    match guard.append(drafts) {
        Err(AppendError::Moved) => Ok(Run::Moved),
        Err(error) => Err(error.into()),
        Ok(headers) => Ok(Run::Appended(outcomes, headers.last().map(|last| last.position))),
    }
}

enum Step {
    Outcome(PduOutcome),
    Lacks(Run),
}

/// What must be loaded before `pdu` is placed: what its checks read, and itself, for it may be
/// stored already.
fn lacking(
    core: &Core,
    fold: &RoomFold,
    rules: &RoomVersionRules,
    pdu: &Pdu,
    gathered: &Gathered,
    decided: &HashSet<OwnedEventId>,
) -> Result<Vec<OwnedEventId>, Fault> {
    let own = Needed { event_id: pdu.owned_event_id(), position: None, optional: true };
    let mut lacking = Vec::new();
    for need in needed_for_placing(fold, rules, pdu).into_iter().chain([own]) {
        if !decided.contains(&need.event_id) && gathered.inputs.lacks(core, &need)? {
            lacking.push(need.event_id);
        }
    }
    Ok(lacking)
}

fn place(
    batch: &mut ForeignBatch<'_>,
    incoming: &Incoming,
    gathered: &Gathered,
    decided: &HashSet<OwnedEventId>,
) -> Result<Step, Fault> {
    let fault = match batch.store_and_place(incoming.pdu.clone(), incoming.how.clone()) {
        Ok(verdict) => return Ok(Step::Outcome(PduOutcome::Placed(verdict))),
        Err(fault) => fault,
    };
    let untried = |ids: &[OwnedEventId]| -> Vec<OwnedEventId> {
        ids.iter()
            .filter(|id| !decided.contains(*id) && !gathered.inputs.was_tried(id))
            .cloned()
            .collect()
    };
    match &fault {
        PlaceFault::MissingInputs(ids) | PlaceFault::MissingAuthEvents(ids) => {
            let untried = untried(ids);
            if !untried.is_empty() {
                return Ok(Step::Lacks(Run::Load(untried)));
            }
        }
        PlaceFault::MissingPrevEvents(ids) => {
            let untold: Vec<_> =
                ids.iter().filter(|id| !gathered.states_tried.contains(*id)).cloned().collect();
            if !untold.is_empty() {
                return Ok(Step::Lacks(Run::TellStates(untold)));
            }
        }
        _ => {}
    }
    // It stays, unplaced: the sender is answered, and placing it may be tried again.
    batch.store(incoming.pdu.clone()).map_err(|unstorable| Fault::Unfit(unstorable.to_string()))?;
    Ok(Step::Outcome(PduOutcome::Waiting(fault)))
}

impl Gathered {
    /// Finds those that are stored and cannot be read any more.
    async fn find_destroyed(
        &mut self,
        write_side: &WriteSide,
        own: Vec<OwnedEventId>,
    ) -> Result<(), Fault> {
        for event_id in own {
            if self.inputs.known.contains(&event_id) {
                continue;
            }
            let Some(position) = write_side.core().event_position(event_id.as_str())? else {
                continue;
            };
            if let Some(verdict) = write_side.verdict_of_stub(position).await? {
                self.destroyed.insert(event_id, verdict);
            }
        }
        Ok(())
    }

    async fn tell(
        &mut self,
        write_side: &WriteSide,
        fold: &RoomFold,
        event_ids: Vec<OwnedEventId>,
    ) -> Result<(), RoomError> {
        for event_id in event_ids {
            if let Some(state) = write_side.state_after(fold, &event_id).await? {
                self.states.push((event_id.clone(), state));
            }
            self.states_tried.insert(event_id);
        }
        Ok(())
    }
}
