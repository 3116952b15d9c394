//! CPU time and memory of a process, as Linux tells it in `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The unit of times in `/proc`: `USER_HZ`, 100 on every architecture that matters.
const TICK: Duration = Duration::from_millis(10);
/// Positions of `utime` and `stime` in `/proc/PID/stat`, counted from the field after the name.
const UTIME: usize = 11;
const STIME: usize = 12;

/// User and system time of all threads of a process, in steps of ten milliseconds.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    ticks(&stat).map(|ticks| TICK * ticks).with_context(|| format!("cannot make sense of {path}"))
}

fn ticks(stat: &str) -> Option<u32> {
    // The name stands in parentheses and may contain anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |position: usize| fields.get(position)?.parse::<u32>().ok();
    Some(number(UTIME)? + number(STIME)?)
}

/// Memory of a process that is in RAM, in kibibytes.
pub fn resident_kibibytes(pid: u32) -> Result<u32> {
    kibibytes(pid, "VmRSS:")
}

/// The most of its memory that was ever in RAM, in kibibytes.
pub fn peak_kibibytes(pid: u32) -> Result<u32> {
    kibibytes(pid, "VmHWM:")
}

fn kibibytes(pid: u32, name: &str) -> Result<u32> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok())
        .with_context(|| format!("no {name} in {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_behind_a_strange_name() {
        let stat = "42 (a) b (c) S 1 1 1 0 -1 4194560 101 0 0 0 25 17 0 0 20 0 1 0 100 1000 10";
        assert_eq!(ticks(stat), Some(42));
    }

    #[test]
    fn this_process_has_memory() {
        let pid = std::process::id();
        assert!(cpu_time(pid).is_ok());
        let resident = resident_kibibytes(pid).unwrap();
        assert!(resident > 100);
        assert!(peak_kibibytes(pid).unwrap() >= resident);
    }
}
