//! How the fold of a room is kept.
//!
//! Owns its rows: `i ‖ position` for each state event of the auth index, and one row with the
//! rest. What changed since the last save is found by comparing with the fold as it was then
//! (persistent maps share structure, so this walks only what differs).

use decide::room::{IndexedEvent, RoomFold};
use facts::{EntryHeader, Fact, LogPosition, StreamId, fact::StreamKind};
use ruma::RoomId;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Fold, FoldRow, Unfit};

const REST: &[u8] = b"r";
const INDEX: u8 = b'i';

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
        Self {
            fold: RoomId::parse(name)
                .ok()
                .map(|room| RoomFold::new(stream, room)),
            saved: None,
        }
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
        let changed: Vec<(LogPosition, IndexedEvent)> = match &self.saved {
            Some(saved) => fold.delta_from(saved).index,
            None => fold
                .index()
                .iter()
                .map(|(position, event)| (*position, event.clone()))
                .collect(),
        };
        let mut rows: Vec<FoldRow> = changed
            .iter()
            .map(|(position, event)| (index_key(*position), Some(encode(event))))
            .collect();
        rows.push((REST.to_vec(), Some(encode(&fold.without_rows()))));
        self.saved = Some(fold.clone());
        rows
    }

    fn load(
        _stream: StreamId,
        _name: &str,
        rows: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, Unfit> {
        let mut rest: Option<RoomFold> = None;
        let mut index = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            match key.split_first() {
                Some((&INDEX, position)) => {
                    let position = position
                        .try_into()
                        .map_err(|_| Unfit("a row of a room has a bad key".to_owned()))?;
                    let position = LogPosition(u64::from_be_bytes(position));
                    index.push((position, decode::<IndexedEvent>(&value)?));
                }
                _ => rest = Some(decode(&value)?),
            }
        }
        let fold = rest.map(|rest| rest.with_index(index));
        Ok(Self {
            saved: fold.clone(),
            fold,
        })
    }
}

fn index_key(position: LogPosition) -> Vec<u8> {
    let mut key = vec![INDEX];
    key.extend_from_slice(&position.0.to_be_bytes());
    key
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(value, &mut bytes).expect("writing CBOR to memory cannot fail");
    bytes
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unfit> {
    ciborium::from_reader(bytes).map_err(|error| Unfit(error.to_string()))
}
