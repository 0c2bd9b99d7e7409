//! Checks before a run that it fits into memory, so that it is refused instead of being killed.
//!
//! The free memory is the smallest of the system's available memory and what the limits of the
//! control group and of the address space leave. Where it is unknown (outside Linux), runs are
//! refused only by `--memory-limit`.

use std::fs;
use std::path::Path;

use balloonist::balance::PolicyKind;
use balloonist::scenario::Scenario;
use balloonist::simulate::{bytes_of_run, bytes_of_trace};
use balloonist::trace::Room;

use super::distances::{distinct, traces_of};
use super::{Context, Failure};

/// Fails if these runs, `at_once` at a time, and `beside` further bytes need more memory than there
/// is.
pub(super) fn plan<'a>(
    runs: impl IntoIterator<Item = (&'a Scenario, &'a PolicyKind)>,
    at_once: usize,
    beside: u64,
    context: &Context,
) -> Result<(), Failure> {
    let mut of_runs = Vec::new();
    let mut traces = Vec::new();
    for (scenario, policy) in runs {
        of_runs.push(bytes_of_run(scenario, policy));
        traces.extend(traces_of(scenario));
    }
    let of_traces: u64 = distinct(traces.into_iter()).into_iter().map(bytes_of_trace).sum();
    of_runs.sort_unstable_by_key(|&bytes| std::cmp::Reverse(bytes));
    let needed = of_traces + of_runs.iter().take(at_once).sum::<u64>() + beside;
    let what = match at_once {
        1 => "a run needs".to_owned(),
        many => format!("{many} runs at a time need"),
    };
    // The traces are in memory already, so the free memory excludes them.
    fits(&what, needed, of_traces, context)
}

/// The memory limit of a trace in bytes, and as a multiple of its file's bytes. The system is asked
/// for the free memory once a command.
pub(super) fn of_a_trace(context: &Context) -> (u64, u64) {
    let said = context.common.memory_limit.map(|limit| (limit, u64::MAX));
    said.unwrap_or_else(|| {
        let free = *context.free.get_or_init(free);
        (free.unwrap_or(u64::MAX), Room::GROWTH)
    })
}

fn fits(what: &str, needed: u64, held: u64, context: &Context) -> Result<(), Failure> {
    let shown = approximately;
    let refused = match context.common.memory_limit {
        Some(limit) if needed > limit => {
            format!("{what} {} of memory, more than `--memory-limit` allows", shown(needed))
        }
        Some(_) => return Ok(()),
        None => match free() {
            Some(free) if needed.saturating_sub(held) > free => format!(
                "{what} {}, but only {} are free; raise the limit with --memory-limit",
                shown(needed),
                shown(free.saturating_add(held))
            ),
            _ => return Ok(()),
        },
    };
    Err(Failure::wrong(refused))
}

/// The bytes that this process may still allocate, if the system tells.
fn free() -> Option<u64> {
    let kibibytes = |file: &str, key: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024))
    };
    let available = kibibytes("/proc/meminfo", "MemAvailable:");
    let used = kibibytes("/proc/self/status", "VmSize:");
    let limits = fs::read_to_string("/proc/self/limits").ok();
    let space = limits.as_deref().and_then(address_space).zip(used);
    let space = space.map(|(limit, used)| limit.saturating_sub(used));
    available.into_iter().chain(space).chain(left_in_group()).min()
}

/// The soft limit of the address space, from the text of /proc/self/limits; `None` if unlimited.
fn address_space(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The memory left in this process's control group and its ancestors (Linux, cgroup v2).
fn left_in_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let of = |folder: &Path| {
        let number = |name| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
        Some(number("memory.max")?.saturating_sub(number("memory.current")?))
    };
    let root = Path::new("/sys/fs/cgroup");
    let folder = root.join(group);
    folder.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(of).min()
}

/// A size with one decimal: "5.1 GB".
fn approximately(bytes: u64) -> String {
    let (mut unit, mut size) = ("kB", 1000);
    for larger in ["MB", "GB", "TB"] {
        if bytes / size >= 1000 {
            (unit, size) = (larger, size * 1000);
        }
    }
    let tenths = u128::from(bytes) * 10 / u128::from(size);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_with_one_decimal() {
        let sizes = [0, 999, 5_123_456_789, 999_999_999, 3_000_000_000_000];
        let shown = ["0.0 kB", "0.9 kB", "5.1 GB", "999.9 MB", "3.0 TB"];
        assert_eq!(sizes.map(approximately), shown);
    }

    #[test]
    fn the_limit_of_the_address_space_is_in_the_table_of_limits() {
        let table = |value: &str| {
            format!("Limit  Soft Limit  Hard Limit  Units\nMax address space  {value}  8  bytes\n")
        };
        assert_eq!(address_space(&table("307200000")), Some(307_200_000));
        assert_eq!(address_space(&table("unlimited")), None);
        assert_eq!(address_space(""), None);
    }
}
