//! Moments on the command line: a day (`2026-12-01`, its beginning in UTC) or milliseconds since
//! the Unix epoch; and moments in words.
//!
//! The calendar is the proleptic Gregorian one, by counting days of 400-year cycles that begin
//! in March.

use std::{fmt, str::FromStr};

const DAY_MS: u64 = 86_400_000;
const CYCLE_DAYS: u64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_DAY: u64 = 719_468;

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Moment(pub(in crate::cli) u64);

/// The text is no moment.
#[derive(Debug, thiserror::Error)]
#[error("a moment is a day such as 2026-12-01, or milliseconds since 1970")]
pub(in crate::cli) struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        if let Ok(milliseconds) = text.parse() {
            return Ok(Self(milliseconds));
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| NoMoment);
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NoMoment);
        };
        let (year, month, day) = (number(year)?, number(month)?, number(day)?);
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return Err(NoMoment);
        }
        let moment = Self(days_of(year, month, day) * DAY_MS);
        // What is not in the month would come out as another day.
        if date_of(moment.0 / DAY_MS) == (year, month, day) { Ok(moment) } else { Err(NoMoment) }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.0 / DAY_MS);
        let seconds = self.0 % DAY_MS / 1_000;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// A moment of an answer in words.
pub(in crate::cli) fn moment_text(value: &serde_json::Value) -> String {
    value.as_u64().map_or_else(|| "-".to_owned(), |at| Moment(at).to_string())
}

/// Days since 1970.
fn days_of(year: u64, month: u64, day: u64) -> u64 {
    // Years begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (cycle, of_cycle) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    cycle * CYCLE_DAYS + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - EPOCH_DAY
}

/// Year, month and day of a day since 1970.
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH_DAY;
    let (cycle, of_cycle) = (days / CYCLE_DAYS, days % CYCLE_DAYS);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_shown() {
        for (text, days) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-24", 20_781)] {
            let moment: Moment = text.parse().expect("a day");
            assert_eq!(moment, Moment(days * DAY_MS), "{text}");
            assert_eq!(moment.to_string(), format!("{text}T00:00:00Z"));
        }
        assert_eq!("1234".parse::<Moment>().expect("a number"), Moment(1234));
        assert_eq!(Moment(90_061_000).to_string(), "1970-01-02T01:01:01Z");
    }

    #[test]
    fn every_day_comes_back() {
        for day in 0..200_000 {
            let (year, month, of_month) = date_of(day);
            assert_eq!(days_of(year, month, of_month), day);
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2026-13-01", "2026-02-29", "2026-00-10", "2026-1-32", "x-1-1"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
