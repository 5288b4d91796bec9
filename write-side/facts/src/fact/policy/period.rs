//! A span of time as officers write it: `12h`, `90d`, `4w`, `7y`.
//!
//! Owns the units. A year counts 366 days, so that "at least seven years" is never shorter than
//! seven years of any calendar. There are no months and minutes: `m` is refused, not guessed.

use std::{fmt, num::IntErrorKind, str::FromStr};

use serde::{Deserialize, Serialize};

/// Milliseconds in a day.
pub const DAY_MS: u64 = 86_400_000;

/// Days that a year counts.
pub const YEAR_DAYS: u64 = 366;

/// Periods are at most so many milliseconds: a thousand years.
const PERIOD_MAX_MS: u64 = 1_000 * YEAR_DAYS * DAY_MS;

const UNITS: [(&str, u64); 4] =
    [("y", YEAR_DAYS * DAY_MS), ("w", 7 * DAY_MS), ("d", DAY_MS), ("h", DAY_MS / 24)];

/// A span of time in milliseconds; at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Period(pub u64);

impl Period {
    /// So many days.
    pub fn days(days: u64) -> Self {
        Self(days.saturating_mul(DAY_MS))
    }
}

/// Why a text is no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// No number with one of the units.
    #[error("a period is a whole number with h, d, w or y, such as \"90d\" or \"7y\"")]
    Malformed,
    /// Months differ, and `m` could mean minutes.
    #[error("months have no fixed length; write days, such as \"90d\"")]
    Months,
    /// Nothing is kept for no time.
    #[error("a period is at least \"1h\"")]
    Zero,
    /// Longer than a thousand years.
    #[error("a period is at most \"1000y\"")]
    TooLong,
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(PeriodError::Malformed)?;
        let (number, unit) = text.split_at(split);
        if ["m", "mo", "month", "months"].contains(&unit) {
            return Err(PeriodError::Months);
        }
        let known = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, unit_ms) = known.ok_or(PeriodError::Malformed)?;
        let number: u64 =
            number.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
                IntErrorKind::PosOverflow => PeriodError::TooLong,
                _ => PeriodError::Malformed,
            })?;
        match number.checked_mul(*unit_ms) {
            Some(0) => Err(PeriodError::Zero),
            Some(ms) if ms <= PERIOD_MAX_MS => Ok(Self(ms)),
            _ => Err(PeriodError::TooLong),
        }
    }
}

impl fmt::Display for Period {
    /// In the largest unit that needs no fraction; milliseconds where none does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, ms)| self.0 > 0 && self.0.is_multiple_of(*ms));
        match unit {
            Some((name, ms)) => write!(f, "{}{name}", self.0 / ms),
            None => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_written() {
        for (text, ms) in [("1h", 3_600_000), ("90d", 90 * DAY_MS), ("7y", 7 * 366 * DAY_MS)] {
            assert_eq!(text.parse(), Ok(Period(ms)));
            assert_eq!(Period(ms).to_string(), text);
        }
        assert_eq!("2w".parse(), Ok(Period::days(14)));
        assert_eq!(Period(1_500).to_string(), "1500 ms");
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for (text, error) in [
            ("", PeriodError::Malformed),
            ("90", PeriodError::Malformed),
            ("d", PeriodError::Malformed),
            ("-1d", PeriodError::Malformed),
            ("1.5y", PeriodError::Malformed),
            ("1 d", PeriodError::Malformed),
            ("1D", PeriodError::Malformed),
            ("6m", PeriodError::Months),
            ("0d", PeriodError::Zero),
            ("1001y", PeriodError::TooLong),
            ("99999999999999999999d", PeriodError::TooLong),
            ("18446744073709551615h", PeriodError::TooLong),
        ] {
            assert_eq!(text.parse::<Period>(), Err(error), "{text}");
        }
    }
}
