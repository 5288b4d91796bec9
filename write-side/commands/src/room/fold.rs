//! How the fold of a room is kept.
//!
//! Owns its rows: `s ‖ type and key` for each place of the current state, `i ‖ position` for each
//! state event of the auth index, and one row with the rest. What changed since the last save is found by comparing with the fold as it was then
//! (persistent maps share structure, so this walks only what differs).

use decide::room::{FoldRest, IndexedEvent, RoomFold, StateEntry, StateKey};
use facts::{EntryHeader, Fact, LogPosition, StreamId, fact::StreamKind};
use ruma::RoomId;

use crate::{
    Fold, FoldRow, Unfit,
    fold::{decode, encode},
};

const REST: &[u8] = b"r";
const INDEX: u8 = b'i';
const STATE: u8 = b's';

/// A room, as its actor holds it.
#[derive(Debug)]
pub(crate) struct RoomActor {
    /// The fold; `None` for a stream whose name is no room id, which is never opened by us.
    fold: Option<RoomFold>,
    saved: Option<RoomFold>,
}

impl RoomActor {
    /// The fold.
    pub(crate) fn room(&self) -> Option<&RoomFold> {
        self.fold.as_ref()
    }
}

impl Fold for RoomActor {
    const KIND: StreamKind = StreamKind::Room;

    fn opened(stream: StreamId, name: &str) -> Self {
        Self { fold: RoomId::parse(name).ok().map(|room| RoomFold::new(stream, room)), saved: None }
    }

    fn evolve(&mut self, header: &EntryHeader, fact: Option<&Fact>) -> Result<(), Unfit> {
        let Some(fold) = &mut self.fold else {
            return Ok(());
        };
        match fact {
            // The first entry is what made the fold.
            _ if header.position.0 == header.stream.0 => {}
            Some(fact) => fold.evolve(header.position, header.batch, fact),
            None => fold.skip(),
        }
        if fold.revision() == header.revision {
            Ok(())
        } else {
            Err(Unfit("the room's fold has missed an entry".to_owned()))
        }
    }

    fn save(&mut self) -> Vec<FoldRow> {
        let Some(fold) = &self.fold else {
            return Vec::new();
        };
        let delta = match &self.saved {
            Some(saved) => fold.delta_from(saved),
            None => fold.delta_from(&RoomFold::new(fold.stream(), fold.room_id().to_owned())),
        };
        let state =
            delta.state.iter().map(|(key, entry)| (state_row(key), entry.as_ref().map(encode)));
        let index =
            delta.index.iter().map(|(position, event)| (index_row(*position), Some(encode(event))));
        let rest = (REST.to_vec(), Some(encode(&fold.rest())));
        let rows = state.chain(index).chain([rest]).collect();
        self.saved = Some(fold.clone());
        rows
    }

    fn load(_stream: StreamId, _name: &str, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Self, Unfit> {
        let mut rest: Option<FoldRest> = None;
        let mut state = Vec::new();
        let mut index = Vec::new();
        for (key, value) in rows {
            match key.split_first() {
                Some((&INDEX, position)) => {
                    let position = position.try_into().map_err(|_| bad_key())?;
                    let position = LogPosition(u64::from_be_bytes(position));
                    index.push((position, decode::<IndexedEvent>(&value)?));
                }
                Some((&STATE, key)) => {
                    let key = state_key_of(key).ok_or_else(bad_key)?;
                    state.push((key, decode::<StateEntry>(&value)?));
                }
                _ => rest = Some(decode(&value)?),
            }
        }
        let fold = rest.map(|rest| RoomFold::from_rows(rest, state, index));
        Ok(Self { saved: fold.clone(), fold })
    }
}

fn bad_key() -> Unfit {
    Unfit("a row of a room has a bad key".to_owned())
}

fn index_row(position: LogPosition) -> Vec<u8> {
    let mut row = vec![INDEX];
    row.extend_from_slice(&position.0.to_be_bytes());
    row
}

/// The length of the type, the type, the state key.
fn state_row((event_type, state_key): &StateKey) -> Vec<u8> {
    let length = u32::try_from(event_type.len()).unwrap_or(u32::MAX);
    let mut row = vec![STATE];
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(event_type.as_bytes());
    row.extend_from_slice(state_key.as_bytes());
    row
}

fn state_key_of(row: &[u8]) -> Option<StateKey> {
    let (length, rest) = row.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (event_type, state_key) = rest.split_at_checked(length)?;
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(ToOwned::to_owned);
    Some((text(event_type)?, text(state_key)?))
}
