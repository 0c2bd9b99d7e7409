//! The report's Figures 2 to 6, redrawn: 4 to 6 from our counts, in the report's colours.

use crate::render::chart::bars::{self, Group};
use crate::render::chart::diagram;
use crate::render::chart::{Figure, Key};
use crate::reproduce::{self, ROUND, Replay, Strategy, TESTS};

/// The report's names of its strategies in the bars, and the classes of its colours: yellow, red
/// and blue.
const BARS: [(&str, &str); 3] = [
    ("static", "report-static"),
    ("last-n, n = 1", "report-last-n"),
    ("proportional", "report-proportional"),
];

/// Figures 4 to 6: the page miss ratio of each VM, for each of the report's files.
pub fn bars(replays: &[Replay]) -> [Figure; 3] {
    let mut number = 3;
    TESTS.map(|test| {
        number += 1;
        let replays = Strategy::COMPARED.map(|strategy| {
            let same = |replay: &&Replay| replay.test == test && replay.strategy == strategy;
            replays.iter().find(same).expect("every file was replayed under every strategy")
        });
        let group = |vm: usize| {
            let counts = replays.map(|replay| replay.vms[vm]);
            let shares = counts.map(|counts| (counts.replacement_misses, counts.accesses));
            Group { vm: format!("VM{vm}"), shares: shares.into() }
        };
        let groups: Vec<Group> = (0..replays[0].vms.len()).map(group).collect();
        let key = |(label, class): (&str, &str)| Key { label: label.into(), class: class.into() };
        let keys: Vec<Key> = BARS.into_iter().map(key).collect();
        Figure {
            name: format!("figure-{number}"),
            title: format!("Figure {number}: page miss ratio of each VM, {test}"),
            caption: "Replacement misses, which the report calls page misses, as a share of each \
                      VM's accesses, in the report's colours."
                .to_owned(),
            drawing: bars::draw(&groups, &keys, "replacement misses"),
            table: bars::table(&groups, &keys, "replacement_misses"),
            keys,
        }
    })
}

/// Figure 2: the LRU lists of test3's VMs in a round under last-n.
pub fn lists() -> Figure {
    diagram::lists(
        "figure-2",
        &format!("Figure 2: LRU lists in round {ROUND} of test3 under last-n"),
        "A box is a frame with the page in it, most recently used first; a dot is an empty frame. \
         A hit moves the page to the front, a miss drops the last page of a full list, and at the \
         checkpoint a VM with fewer misses gives its last frame to one with more.",
        &reproduce::lists(),
    )
}

/// Figure 3: the report's hypervisor thread and a thread for each VM, here events of one queue.
pub fn rounds() -> Figure {
    diagram::rounds(
        "figure-3",
        "Figure 3: VMs and hypervisor in rounds",
        "In a round every VM makes an access, then the hypervisor has its checkpoint. The report \
         runs a thread for each and waits at barriers; here they are events of one queue, in this \
         order, and nothing waits.",
        &["VM0", "VM1", "VM2", "VM3"],
    )
}
