//! The cursor of `/sync`.
//!
//! Owns its text form: `s<log id>_<incarnation>_<position>_<to-device position>_<boot>_<typing>`.
//! A token of another log or incarnation, or past the view, syncs from scratch (LOG section 1);
//! a text that is no token is refused. A forged token reads nothing that its bearer may not see:
//! it only says from where.

use std::{fmt, str::FromStr};

use facts::{Incarnation, LogId, LogPosition};
use http_edge::MatrixError;
use projections::Snapshot;

/// A cursor of `/sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncToken {
    /// The log.
    pub log_id: LogId,
    /// Its incarnation.
    pub incarnation: Incarnation,
    /// Everything up to and including this position was answered.
    pub position: LogPosition,
    /// Messages to the device up to and including this position were answered.
    pub to_device: LogPosition,
    /// The start of the server in which `typing` counts.
    pub boot: u32,
    /// Typing changes up to this serial were answered.
    pub typing: u64,
}

/// The text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token")]
pub struct SyncTokenError;

impl SyncToken {
    /// Refuses a token of another log or incarnation, where there is no other way to answer.
    pub(crate) fn of_this_log(&self, snapshot: &Snapshot) -> Result<(), MatrixError> {
        let now = snapshot.checkpoint();
        if (self.log_id, self.incarnation) == (now.log_id, now.incarnation) {
            Ok(())
        } else {
            Err(MatrixError::invalid_param("The token is of another time of this server"))
        }
    }
}

impl fmt::Display for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "s{}_{}_{}_{}_{:x}_{}",
            self.log_id, self.incarnation, self.position, self.to_device, self.boot, self.typing
        )
    }
}

impl FromStr for SyncToken {
    type Err = SyncTokenError;

    fn from_str(text: &str) -> Result<Self, SyncTokenError> {
        let rest = text.strip_prefix('s').ok_or(SyncTokenError)?;
        let fields: Vec<&str> = rest.split('_').collect();
        let [log_id, incarnation, position, to_device, boot, typing] = fields[..] else {
            return Err(SyncTokenError);
        };
        if log_id.len() != 32 || !log_id.is_ascii() {
            return Err(SyncTokenError);
        }
        let log_id = u128::from_str_radix(log_id, 16).map_err(|_| SyncTokenError)?;
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| SyncTokenError);
        Ok(Self {
            log_id: LogId(log_id.to_be_bytes()),
            incarnation: Incarnation(incarnation.parse().map_err(|_| SyncTokenError)?),
            position: LogPosition(number(position)?),
            to_device: LogPosition(number(to_device)?),
            boot: u32::from_str_radix(boot, 16).map_err(|_| SyncTokenError)?,
            typing: number(typing)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_their_text_and_others_are_refused() {
        let token = SyncToken {
            log_id: LogId([0x0a; 16]),
            incarnation: Incarnation(2),
            position: LogPosition(77),
            to_device: LogPosition(70),
            boot: 0xbeef,
            typing: 9,
        };
        assert_eq!(token.to_string().parse(), Ok(token));
        for forged in ["", "s", "s1_2_3_4_5_6", "0", "s0_0", "t0_1", "s'; DROP"] {
            assert_eq!(forged.parse::<SyncToken>(), Err(SyncTokenError), "{forged}");
        }
    }
}
