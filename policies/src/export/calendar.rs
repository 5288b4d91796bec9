//! Days and moments in words, in UTC (RFC 3339).
//!
//! The calendar is the proleptic Gregorian one, counted in cycles of 400 years that begin in
//! March.

const DAY_MS: u64 = 86_400_000;
const CYCLE_DAYS: u64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_DAY: u64 = 719_468;

/// `2026-11-30T06:38:00.123Z` of milliseconds since the Unix epoch.
pub fn iso(ms: u64) -> String {
    let (second, rest) = (ms / 1_000 % 60, ms % 1_000);
    let (hour, minute) = (ms / 3_600_000 % 24, ms / 60_000 % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z", utc_day(ms))
}

/// `2026-11-30` of milliseconds since the Unix epoch.
pub fn utc_day(ms: u64) -> String {
    let (year, month, day) = date_of(ms / DAY_MS);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `Mon, 30 Nov 2026 06:38:00 +0000` (RFC 5322) of milliseconds since the Unix epoch.
pub(crate) fn mail_date(ms: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = date_of(ms / DAY_MS);
    let index = |of: u64| usize::try_from(of).unwrap_or(0);
    let (weekday, month) = (DAYS[index(ms / DAY_MS % 7)], MONTHS[index(month - 1)]);
    let (hour, minute, second) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
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
    fn moments_are_told_as_the_standards_have_them() {
        // `date -u -d @…` says the same.
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1_796_020_680_123), "2026-11-30T06:38:00.123Z");
        assert_eq!(mail_date(1_796_020_680_123), "Mon, 30 Nov 2026 06:38:00 +0000");
        assert_eq!(utc_day(951_782_400_000), "2000-02-29");
    }
}
