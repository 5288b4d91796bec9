//! Days and moments in words, in UTC (RFC 3339).

use facts::calendar::{DAY_MS, date_of};

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
