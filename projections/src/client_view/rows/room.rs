//! The row of a room: counters and the last movements. Hot, so fixed binary.

/// A room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoomRow {
    /// Position of the create event; 0 where it is not known.
    pub(crate) create: u64,
    /// Joined members.
    pub(crate) joined: u32,
    /// Invited members.
    pub(crate) invited: u32,
    /// Joined members of this server.
    pub(crate) local_joined: u32,
    /// Placement position of the last live event.
    pub(crate) last_live: u64,
    /// Last position at which the room had anything new: events, state, receipts, device lists.
    pub(crate) last_moved: u64,
    /// Positions of the forward extremities.
    pub(crate) extremities: Vec<u64>,
}

impl RoomRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(36 + 8 * self.extremities.len());
        out.extend_from_slice(&self.create.to_be_bytes());
        out.extend_from_slice(&self.joined.to_be_bytes());
        out.extend_from_slice(&self.invited.to_be_bytes());
        out.extend_from_slice(&self.local_joined.to_be_bytes());
        out.extend_from_slice(&self.last_live.to_be_bytes());
        out.extend_from_slice(&self.last_moved.to_be_bytes());
        for extremity in &self.extremities {
            out.extend_from_slice(&extremity.to_be_bytes());
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (create, rest) = bytes.split_first_chunk::<8>()?;
        let (joined, rest) = rest.split_first_chunk::<4>()?;
        let (invited, rest) = rest.split_first_chunk::<4>()?;
        let (local_joined, rest) = rest.split_first_chunk::<4>()?;
        let (last_live, rest) = rest.split_first_chunk::<8>()?;
        let (last_moved, rest) = rest.split_first_chunk::<8>()?;
        let (extremities, tail) = rest.as_chunks::<8>();
        tail.is_empty().then(|| Self {
            create: u64::from_be_bytes(*create),
            joined: u32::from_be_bytes(*joined),
            invited: u32::from_be_bytes(*invited),
            local_joined: u32::from_be_bytes(*local_joined),
            last_live: u64::from_be_bytes(*last_live),
            last_moved: u64::from_be_bytes(*last_moved),
            extremities: extremities.iter().copied().map(u64::from_be_bytes).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let row = RoomRow {
            create: 1,
            joined: 2,
            invited: 3,
            local_joined: 4,
            last_live: 5,
            last_moved: 6,
            extremities: vec![7, 8],
        };
        let bytes = row.encode();
        assert_eq!(RoomRow::decode(&bytes), Some(row));
        assert_eq!(RoomRow::decode(&bytes[..bytes.len() - 1]), None);
    }
}
