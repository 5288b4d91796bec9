//! Membership of a user in a room, as the current state of the room has it.

use facts::LogPosition;

/// The value of `membership` (client-server API, `m.room.member`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Membership {
    /// `join`
    Join = 1,
    /// `invite`
    Invite = 2,
    /// `knock`
    Knock = 3,
    /// `leave`, or no membership at all
    Leave = 4,
    /// `ban`
    Ban = 5,
}

impl Membership {
    /// Reads the value of an event; what is not known counts as `leave`.
    pub fn from_name(name: &str) -> Self {
        match name {
            "join" => Self::Join,
            "invite" => Self::Invite,
            "knock" => Self::Knock,
            "ban" => Self::Ban,
            _ => Self::Leave,
        }
    }

    /// The value as it stands in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Invite => "invite",
            Self::Knock => "knock",
            Self::Leave => "leave",
            Self::Ban => "ban",
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Join, Self::Invite, Self::Knock, Self::Leave, Self::Ban]
            .into_iter()
            .find(|membership| *membership as u8 == number)
    }
}

/// A user's membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberRow {
    /// Membership now.
    pub(crate) membership: Membership,
    /// Position of the member event; 0 where the state has none.
    pub(crate) event: LogPosition,
    /// Position at which this membership began (profile changes do not move it).
    pub(crate) since: LogPosition,
    /// Position of the last change, profile changes included.
    pub(crate) changed: LogPosition,
    /// True if the user was ever joined before.
    pub(crate) was_joined: bool,
}

impl MemberRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(26);
        out.push(self.membership as u8);
        out.push(u8::from(self.was_joined));
        out.extend_from_slice(&self.event.0.to_be_bytes());
        out.extend_from_slice(&self.since.0.to_be_bytes());
        out.extend_from_slice(&self.changed.0.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let ([membership, joined], rest) = bytes.split_first_chunk::<2>()?;
        let (event, rest) = rest.split_first_chunk::<8>()?;
        let (since, rest) = rest.split_first_chunk::<8>()?;
        let (changed, rest) = rest.split_first_chunk::<8>()?;
        rest.is_empty().then_some(())?;
        Some(Self {
            membership: Membership::from_number(*membership)?,
            was_joined: *joined != 0,
            event: LogPosition(u64::from_be_bytes(*event)),
            since: LogPosition(u64::from_be_bytes(*since)),
            changed: LogPosition(u64::from_be_bytes(*changed)),
        })
    }
}
