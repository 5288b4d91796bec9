//! The civil calendar: days since 1 January 1970 as year, month and day, and back, in UTC.
//!
//! Owns the one copy of this arithmetic; how an instant is written is its reader's. The calendar
//! is the proleptic Gregorian one, counted in cycles of 400 years that begin in March, so that the
//! leap day is the last of its year (Howard Hinnant, "chrono-compatible low-level date algorithms").

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;
const CYCLE_DAYS: u64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_DAY: u64 = 719_468;

/// Year, month (1 to 12) and day of the month (1 to 31) of a day since 1970.
pub fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH_DAY;
    let (cycle, of_cycle) = (days / CYCLE_DAYS, days % CYCLE_DAYS);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + later, month, day)
}

/// Days since 1970 of a date; `None` for one that the calendar does not have, or before 1970.
pub fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (from_march, month_from_march) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (cycle, of_cycle) = (from_march / 400, from_march % 400);
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let of_cycle = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    let days = cycle * CYCLE_DAYS + of_cycle - EPOCH_DAY;
    // A day that its month does not have comes out as another date.
    (date_of(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_comes_back() {
        for days in 0..200_000 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of(year, month, day), Some(days));
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        // `date -u -d @…` says the same.
        for (days, date) in [
            (0, (1970, 1, 1)),
            (11_015, (2000, 2, 28)),
            (11_016, (2000, 2, 29)),
            (20_787, (2026, 11, 30)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date_of(days), date);
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for (year, month, day) in
            [(2026, 13, 1), (2026, 2, 29), (2026, 0, 10), (2026, 1, 32), (1969, 12, 31)]
        {
            assert_eq!(days_of(year, month, day), None, "{year}-{month}-{day}");
        }
    }
}
