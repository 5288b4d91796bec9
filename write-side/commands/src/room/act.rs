//! The common course of commands that send one event to a room of ours.
//!
//! Owns the loop: gather what the decision reads, lock the room, decide on its fold, append,
//! let go, wait until it is durable. Whatever moved meanwhile means deciding again, boundedly.
//! Invariants: I2, I3, I14.

use decide::room::{LocalContext, NewEvent, RoomFold, RoomRefusal, decide_new_event, needed_for};
use facts::{LogPosition, StreamId};
use ruma::{OwnedEventId, RoomId};

use super::{RoomCommandRefusal, drafts::room_drafts, fold::RoomActor, inputs::Inputs};
use crate::{ActorGuard, AppendError, CommandError, DECIDE_TRIES_MAX, Fault, ViewWait, WriteSide};

/// What a command on a room gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The event that fulfills the wish: a new one, or the one that did before.
    pub event_id: OwnedEventId,
    /// False where nothing had to be sent.
    pub is_new: bool,
}

/// The error of a command on a room.
pub type RoomError = CommandError<RoomCommandRefusal>;

/// What a command wants of the fold that it finds.
pub(crate) enum Intent<'a> {
    /// Send this event.
    Send(Box<NewEvent>),
    /// Send this event, which does not follow from the fold.
    Given(&'a NewEvent),
    /// Nothing to do: the wish is fulfilled by this event.
    Fulfilled(OwnedEventId),
}

impl From<NewEvent> for Intent<'_> {
    fn from(event: NewEvent) -> Self {
        Self::Send(Box::new(event))
    }
}

impl<'a> From<&'a NewEvent> for Intent<'a> {
    fn from(event: &'a NewEvent) -> Self {
        Self::Given(event)
    }
}

/// What one try gave.
enum Attempt {
    /// The wish is fulfilled once `rests_on` is durable.
    Done { sent: Sent, rests_on: LogPosition },
    /// These PDUs must be loaded first.
    Load {
        event_ids: Vec<OwnedEventId>,
        /// A decision asked for it: its absence is a fault.
        required: bool,
    },
    /// Somebody else appended to the room meanwhile.
    Moved,
}

impl WriteSide {
    /// The stream of a room of ours.
    pub(crate) fn known_room(&self, room: &RoomId) -> Result<StreamId, RoomError> {
        self.room_stream(room)?
            .ok_or_else(|| CommandError::Refusal(RoomCommandRefusal::UnknownRoom(room.to_owned())))
    }

    /// The fold of a room as it is now, durable or not yet. A cheap copy.
    pub async fn room(&self, room: &RoomId) -> Result<RoomFold, RoomError> {
        let stream = self.known_room(room)?;
        let guard = self.actors::<RoomActor>().lock(stream).await?;
        Ok(fold_of(&guard)?.clone())
    }

    /// What decisions about our own events are given.
    pub(crate) fn local_context(&self, first_index: u32) -> LocalContext<'_> {
        let identity = self.identity();
        LocalContext {
            server_name: &identity.server_name,
            key: &identity.key_pair,
            now: self.now(),
            entropy: self.random_bytes(),
            first_index,
            approvals: Some(self.approvals()),
        }
    }

    /// Sends the event that `intent` wants on the fold that it is handed. `intent` may run
    /// several times.
    pub(crate) async fn act<'a>(
        &self,
        room: &RoomId,
        mut intent: impl FnMut(&RoomFold) -> Result<Intent<'a>, RoomCommandRefusal>,
    ) -> Result<Sent, RoomError> {
        let stream = self.known_room(room)?;
        let mut inputs = Inputs::default();
        for _ in 0..DECIDE_TRIES_MAX {
            let guard = self.actors::<RoomActor>().lock(stream).await?;
            let attempt = self.attempt(&guard, &mut intent, &mut inputs)?;
            drop(guard);
            match attempt {
                Attempt::Done { sent, rests_on } => {
                    self.core().settle(rests_on, ViewWait::Bounded).await?;
                    return Ok(sent);
                }
                Attempt::Load { event_ids, required } => {
                    inputs.load(self, room, event_ids.clone()).await?;
                    inputs.check(&event_ids, required)?;
                }
                Attempt::Moved => {}
            }
        }
        Err(CommandError::busy())
    }

    fn attempt<'a>(
        &self,
        guard: &ActorGuard<RoomActor>,
        intent: &mut impl FnMut(&RoomFold) -> Result<Intent<'a>, RoomCommandRefusal>,
        inputs: &mut Inputs,
    ) -> Result<Attempt, RoomError> {
        let fold = fold_of(guard)?;
        let made;
        let event = match intent(fold).map_err(CommandError::Refusal)? {
            Intent::Given(event) => event,
            Intent::Send(event) => {
                made = event;
                &*made
            }
            Intent::Fulfilled(event_id) => {
                return Ok(Attempt::Done {
                    sent: Sent { event_id, is_new: false },
                    rests_on: guard.position(),
                });
            }
        };
        let mut lacking = Vec::new();
        for need in needed_for(fold, event) {
            inputs.take_known(self, &need);
            if inputs.lacks(self.core(), &need)? {
                lacking.push(need.event_id);
            }
        }
        if !lacking.is_empty() {
            return Ok(Attempt::Load { event_ids: lacking, required: false });
        }
        let context = self.local_context(0);
        let decision = match decide_new_event(fold, event, &context, &inputs.known) {
            Ok(decision) => decision,
            Err(RoomRefusal::MissingInput(event_id)) => {
                return Ok(Attempt::Load { event_ids: vec![event_id], required: true });
            }
            Err(refusal) => return Err(CommandError::Refusal(refusal.into())),
        };
        let drafts = room_drafts(self, guard.stream().into(), &decision.facts)?;
        match guard.append(drafts) {
            Err(AppendError::Moved) => Ok(Attempt::Moved),
            Err(error) => Err(error.into()),
            Ok(headers) => Ok(Attempt::Done {
                rests_on: headers.last().map_or(guard.position(), |last| last.position),
                sent: Sent { event_id: decision.event_id, is_new: !headers.is_empty() },
            }),
        }
    }
}

pub(crate) fn fold_of(guard: &ActorGuard<RoomActor>) -> Result<&RoomFold, Fault> {
    guard
        .fold()
        .room()
        .ok_or_else(|| Fault::Unfit("a room's stream is not named by a room id".to_owned()))
}
