//! Processor time and memory of the server, as Linux counts them in `/proc`.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// `USER_HZ`: the unit of times in `/proc/<pid>/stat`, 100 a second on every Linux port in use.
const TICKS_A_SECOND: f64 = 100.0;

/// A process is at rest once it has used at most this many ticks in one look.
const REST_TICKS: u32 = 1;
/// How long a look takes, and how many there are at most.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS_MAX: u32 = 240;

/// What one process has used up to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    user_ticks: u32,
    system_ticks: u32,
    resident_kib: u64,
    peak_resident_kib: u64,
}

impl Usage {
    /// Reads it; `None` without a process to look at.
    pub(crate) fn of(pid: Option<u32>) -> Result<Option<Self>> {
        let Some(pid) = pid else { return Ok(None) };
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            fs::read_to_string(&path).with_context(|| format!("reading {path}"))
        };
        Self::parse(&read("stat")?, &read("status")?).map(Some)
    }

    fn ticks(&self) -> u32 {
        self.user_ticks + self.system_ticks
    }

    fn parse(stat: &str, status: &str) -> Result<Self> {
        // The second field is the program's name in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("/proc/<pid>/stat has no name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |index: usize| -> Result<u32> {
            Ok(fields.get(index).context("/proc/<pid>/stat is too short")?.parse()?)
        };
        let kib = |key: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let line = line.with_context(|| format!("/proc/<pid>/status has no {key}"))?;
            Ok(line.trim().trim_end_matches("kB").trim().parse()?)
        };
        Ok(Self {
            user_ticks: ticks(11)?,
            system_ticks: ticks(12)?,
            resident_kib: kib("VmRSS:")?,
            peak_resident_kib: kib("VmHWM:")?,
        })
    }
}

/// Waits until a process and the kernel have done what they had put off, so that what is measured
/// next is its own; returns at once without a process. A process that never rests is measured as
/// it is, with a word about it.
pub(crate) async fn wait_for_rest(pid: Option<u32>) -> Result<()> {
    if pid.is_some() {
        // Else the first writes of the measuring wait behind those of before.
        let synced = tokio::process::Command::new("sync").status().await.context("running sync")?;
        ensure!(synced.success(), "sync failed: {synced}");
    }
    let mut before = Usage::of(pid)?;
    for _ in 0..LOOKS_MAX {
        let Some(seen) = before else { return Ok(()) };
        tokio::time::sleep(LOOK).await;
        let now = Usage::of(pid)?;
        if now.as_ref().is_some_and(|now| now.ticks() - seen.ticks() <= REST_TICKS) {
            return Ok(());
        }
        before = now;
    }
    eprintln!("the server does not come to rest; what it does is measured with the rest");
    Ok(())
}

/// The difference as JSON; `null` without a process.
pub(crate) fn spent(before: Option<&Usage>, after: Option<&Usage>) -> Value {
    let (Some(before), Some(after)) = (before, after) else {
        return Value::Null;
    };
    let seconds = |from: u32, to: u32| f64::from(to.saturating_sub(from)) / TICKS_A_SECOND;
    json!({
        "cpu_user_seconds": seconds(before.user_ticks, after.user_ticks),
        "cpu_system_seconds": seconds(before.system_ticks, after.system_ticks),
        "resident_kib": after.resident_kib,
        "peak_resident_kib": after.peak_resident_kib,
    })
}

/// Processor milliseconds for each of `count` requests, as JSON; `null` without a process.
pub(crate) fn cpu_ms_each(before: Option<&Usage>, after: Option<&Usage>, count: usize) -> Value {
    let (Some(before), Some(after), Ok(count)) = (before, after, u32::try_from(count)) else {
        return Value::Null;
    };
    let ticks = after.ticks().saturating_sub(before.ticks());
    let each = f64::from(ticks) / TICKS_A_SECOND * 1e3 / f64::from(count.max(1));
    json!((each * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() -> Result<()> {
        let stat = "17 (a ) b) S 1 17 17 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 8 0 1 1 1";
        let status = "Name:\ta ) b\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
        let usage = Usage::parse(stat, status)?;
        let later = Usage { user_ticks: 450, system_ticks: 75, ..usage.clone() };
        assert_eq!(usage.resident_kib, 1024);
        assert_eq!(cpu_ms_each(Some(&usage), Some(&later), 100), 22.5);
        assert_eq!(cpu_ms_each(None, Some(&later), 100), Value::Null);
        let spent = spent(Some(&usage), Some(&later));
        assert_eq!(spent["cpu_user_seconds"], 2.0);
        assert_eq!(spent["cpu_system_seconds"], 0.25);
        assert_eq!(spent["peak_resident_kib"], 2048);
        Ok(())
    }

    #[test]
    fn this_process_can_be_read() -> Result<()> {
        let usage = Usage::of(Some(std::process::id()))?;
        assert!(usage.is_some_and(|usage| usage.resident_kib > 0));
        assert!(Usage::of(None)?.is_none());
        Ok(())
    }
}
