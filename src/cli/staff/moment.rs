//! Moments on the command line: a day (`2026-12-01`, its beginning in UTC) or milliseconds since
//! the Unix epoch; and moments in words.

use std::{fmt, str::FromStr};

use facts::calendar::{DAY_MS, date_of, days_of};

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
        let days = days_of(number(year)?, number(month)?, number(day)?).ok_or(NoMoment)?;
        Ok(Self(days * DAY_MS))
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
    fn what_is_no_day_is_refused() {
        for text in ["", "2026-13-01", "2026-02-29", "2026-00-10", "2026-1-32", "x-1-1"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
