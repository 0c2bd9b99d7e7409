//! Sparklines for terminals: one line per VM with its allocation over time.

use std::fmt::Write as _;

use crate::number::{counted, grouped};
use crate::scenario::Scenario;
use crate::store::thinned::{Bucket, Thinned};

/// The most VMs that are drawn.
const VMS_MAX: usize = 16;

/// The fewest characters for the time axis, however long the names are.
const CELLS_MIN: usize = 16;

/// From almost nothing to the largest allocation of any VM.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A line for each VM within `width` characters, all on one scale; nothing if no checkpoint
/// happened.
pub fn allocations(scenario: &Scenario, series: &Thinned, width: usize) -> String {
    let buckets = series.buckets();
    let vms: Vec<(usize, &str)> =
        scenario.vms.iter().map(|vm| vm.name.as_str()).enumerate().take(VMS_MAX).collect();
    let longest = vms.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0);
    let cells = width.saturating_sub(longest + 2).max(CELLS_MIN).min(buckets.len());
    let means = |vm: usize| (0..cells).map(move |cell| mean(part(buckets, cell, cells), vm));
    let most = vms.iter().flat_map(|&(vm, _)| means(vm)).max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let mut text = format!("allocations over time, █ for {}:\n", counted(most, "frame"));
    for (vm, name) in &vms {
        let line: String = means(*vm).map(|frames| level(frames, most)).collect();
        let _ = writeln!(text, "{}", format!("{name:<longest$}  {line}").trim_end());
    }
    let more = scenario.vms.len() - vms.len();
    if more > 0 {
        let _ = writeln!(text, "and {} more", grouped(more as u64));
    }
    text
}

/// The buckets of one character.
fn part(buckets: &[Bucket], cell: usize, cells: usize) -> &[Bucket] {
    &buckets[cell * buckets.len() / cells..(cell + 1) * buckets.len() / cells]
}

/// The mean allocation, rounded up, so that only a VM without frames has 0.
fn mean(buckets: &[Bucket], vm: usize) -> u64 {
    let checkpoints: u64 = buckets.iter().map(|bucket| bucket.checkpoints).sum();
    let frames: u128 = buckets.iter().map(|bucket| u128::from(bucket.vms[vm].frames)).sum();
    frames.div_ceil(u128::from(checkpoints.max(1))) as u64
}

fn level(frames: u64, most: u64) -> char {
    let Some(less) = frames.checked_sub(1) else { return ' ' };
    LEVELS[(u128::from(less) * LEVELS.len() as u128 / u128::from(most)) as usize]
}
