//! Tokens of `/messages`, `/context`, `/relations` and `prev_batch`.
//!
//! A page token is a point *between* events in timeline order: `t<run>_<index>` lies just before
//! the event at that place. A sync token is accepted as well and means the point after all that
//! it covers.

use std::{fmt, str::FromStr};

use facts::{StreamId, fact::TimelinePlace};
use projections::{Snapshot, query::Direction};

use crate::{fault::ReadFault, sync::SyncToken};

/// A point just before the event at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageToken(pub(crate) TimelinePlace);

/// What a client handed in as `from` or `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenToken {
    Page(PageToken),
    Sync(SyncToken),
}

/// The text is no token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForgedToken;

impl PageToken {
    /// The point before all events.
    pub(crate) const OLDEST: Self = Self(TimelinePlace(i64::MIN, i64::MIN));

    /// The point just after an event.
    pub(crate) fn after(place: TimelinePlace) -> Self {
        Self(Snapshot::beyond(place, Direction::Forward))
    }

    /// The first place to look at when paging in a direction from this point.
    pub(crate) fn first(self, direction: Direction) -> TimelinePlace {
        match direction {
            Direction::Forward => self.0,
            Direction::Backward => Snapshot::beyond(self.0, Direction::Backward),
        }
    }
}

impl GivenToken {
    /// The point in a room's timeline; `None` where nothing was there yet. Sync tokens of another
    /// log or incarnation are refused: their positions mean nothing here.
    pub(crate) fn point(
        self,
        snapshot: &Snapshot,
        room: StreamId,
    ) -> Result<Option<PageToken>, ReadFault> {
        match self {
            Self::Page(token) => Ok(Some(token)),
            Self::Sync(token) => {
                token.of_this_log(snapshot)?;
                Ok(snapshot.place_at(room, token.position)?.map(PageToken::after))
            }
        }
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}_{}", self.0.0, self.0.1)
    }
}

impl FromStr for GivenToken {
    type Err = ForgedToken;

    fn from_str(text: &str) -> Result<Self, ForgedToken> {
        if let Some(rest) = text.strip_prefix('t') {
            let (run, index) = rest.split_once('_').ok_or(ForgedToken)?;
            let number = |digits: &str| digits.parse::<i64>().map_err(|_| ForgedToken);
            return Ok(Self::Page(PageToken(TimelinePlace(number(run)?, number(index)?))));
        }
        text.parse().map(Self::Sync).map_err(|_| ForgedToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_tokens_survive_their_text() {
        for token in [PageToken(TimelinePlace(0, 7)), PageToken(TimelinePlace(-3, i64::MAX))] {
            assert_eq!(token.to_string().parse(), Ok(GivenToken::Page(token)));
        }
        for forged in ["", "t", "t1", "tx_1", "t1_2_3", "s", "0"] {
            assert!(forged.parse::<GivenToken>().is_err(), "{forged}");
        }
    }
}
