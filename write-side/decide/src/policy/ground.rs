//! A rule that spoke about a record, and what it said.

use std::fmt;

use facts::{LogPosition, Timestamp, calendar, fact::Period};

/// One rule with what it says. Instants are those at which it begins or ceases to matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground<'a> {
    /// A hold forbids destroying.
    Hold {
        /// Its name.
        hold: LogPosition,
        /// The matter.
        matter: &'a str,
    },
    /// A policy's floor.
    Floor {
        /// Name of the policy.
        policy: &'a str,
        /// How long.
        keep: Period,
        /// When it ends.
        until: Timestamp,
    },
    /// A policy's ceiling.
    Ceiling {
        /// Name of the policy.
        policy: &'a str,
        /// How long.
        keep: Period,
        /// When it is reached.
        at: Timestamp,
    },
    /// The room asks for a floor.
    RoomFloor {
        /// When it ends, the shortest ceiling of the policies considered.
        until: Timestamp,
    },
    /// The room asks for a ceiling.
    RoomCeiling {
        /// When it is reached, the shortest that rooms may ask for considered.
        at: Timestamp,
    },
    /// It is redacted, and the original is kept for some time.
    Redaction {
        /// How long.
        keep: Period,
        /// When that ends.
        at: Timestamp,
    },
    /// Its owner is to be erased.
    Erasure {
        /// The request.
        request: LogPosition,
        /// When it was recorded.
        at: Timestamp,
    },
    /// The last event that referred to it was destroyed.
    LastReferenceGone {
        /// When.
        at: Timestamp,
    },
    /// A newer value replaced it, or its device has acknowledged it; nobody needs it any more.
    Superseded {
        /// When.
        at: Timestamp,
    },
    /// It is in use: no ceiling reaches it.
    Current,
    /// No rule ends it.
    NoLimit,
}

impl fmt::Display for Ground<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { hold, matter } => {
                write!(f, "hold {hold} ({matter}) forbids destroying it")
            }
            Self::Floor { policy, keep, until } => {
                write!(f, "policy {policy} keeps it at least {keep}, until {}", Utc(*until))
            }
            Self::Ceiling { policy, keep, at } => {
                write!(f, "policy {policy} keeps it at most {keep}, until {}", Utc(*at))
            }
            Self::RoomFloor { until } => {
                write!(f, "the room asks to keep it until {}", Utc(*until))
            }
            Self::RoomCeiling { at } => {
                write!(f, "the room asks to keep it no longer than {}", Utc(*at))
            }
            Self::Redaction { keep, at } => {
                write!(f, "it is redacted, and originals are kept {keep}: until {}", Utc(*at))
            }
            Self::Erasure { request, at } => {
                write!(f, "erasure {request} of its owner was requested at {}", Utc(*at))
            }
            Self::LastReferenceGone { at } => {
                write!(f, "the last event that referred to it was destroyed at {}", Utc(*at))
            }
            Self::Superseded { at } => write!(f, "it ceased to be needed at {}", Utc(*at)),
            Self::Current => f.write_str("it is in use, and no ceiling reaches what is in use"),
            Self::NoLimit => f.write_str("no rule ends it"),
        }
    }
}

/// An instant as people read it.
pub(super) struct Utc(pub(super) Timestamp);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.0 / 1_000;
        let (year, month, day) = calendar::date_of(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399_000, "2000-02-28 23:59:59 UTC"),
            (951_868_799_999, "2000-02-29 23:59:59 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(Utc(Timestamp(ms)).to_string(), text);
        }
    }
}
