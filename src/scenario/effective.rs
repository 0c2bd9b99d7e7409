//! The effective scenario: TOML text with every default filled in.
//!
//! It reads back to an equal scenario from the same folder; the test
//! `effective_scenarios_read_back` checks that.

use std::fmt::Write as _;

use super::grid::{Dimension, Picks};
use super::plan::{Asked, VmLimit};
use super::written::{quoted, written};
use super::{
    Actuator, Admission, After, Cost, Expect, Grid, Limit, Phase, PlanSpec, Scenario, Split,
    TraceSource, VmSpec,
};
use crate::balance;
use crate::formats::ReadOptions;
use crate::params::{Settings, Value};
use crate::reclaim::{Grow, States, Swapper};
use crate::replace::{Delays, Paging};
use crate::share::{Holds, SharingSpec, Source};
use crate::tier::{Capacity, Division, TierSpec};
use crate::trace::tempo::Tempo;
use crate::trace::workloads::WorkloadSpec;
use crate::units::{Decimal, Frames, Ticks};

impl Scenario {
    /// The scenario as TOML text in which no default is left implicit.
    pub fn effective(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "name = {}", quoted(&self.name))?;
        writeln!(out, "seed = {}", self.seed)?;
        writeln!(out, "random = {}", quoted(self.random.name()))?;
        if let Some(warm_up) = self.warm_up {
            writeln!(out, "warm_up = {}", quoted(&warm_up.to_string()))?;
        }
        let compare = self.compare.iter().map(|kind| quoted(kind.name));
        writeln!(out, "compare = [{}]", compare.collect::<Vec<_>>().join(", "))?;
        writeln!(out, "\n[host]\nmemory = {}", self.host.memory)?;
        writeln!(out, "page_size = {}", self.host.page_size)?;
        writeln!(out, "split = {}", quoted(name_of(Split::ALL, &self.host.split)))?;
        let admission = name_of(Admission::ALL, &self.host.admission);
        writeln!(out, "admission = {}", quoted(admission))?;
        writeln!(out, "\n[checkpoint]\nevery = {}", self.checkpoint_every)?;
        writeln!(out, "\n[policy]\nkind = {}", quoted(self.policy.name))?;
        for (name, value) in self.wrapper.iter() {
            writeln!(out, "{name} = {}", shown(value))?;
        }
        for kind in balance::ALL {
            let settings = self.settings_of(kind);
            if settings.iter().next().is_some() {
                writeln!(out, "\n[policy.{}]", kind.name)?;
            }
            for (name, value) in settings.iter() {
                writeln!(out, "{name} = {}", shown(value))?;
            }
        }
        let Cost { delays: Delays { fault, zero_fill, swap_in, write_back }, .. } = self.cost;
        writeln!(out, "\n[cost]\nfault = {fault}\nzero_fill = {zero_fill}")?;
        writeln!(out, "swap_in = {swap_in}")?;
        if self.cost.counts_write_backs {
            writeln!(out, "write_back = {write_back}")?;
        }
        writeln!(out, "trap = {}\npolicy = {}", self.cost.trap, self.cost.policy)?;
        if self.sharing.is_some() {
            writeln!(out, "copy = {}", self.cost.copy)?;
        }
        self.write_actuator(out)?;
        self.write_sharing(out)?;
        self.tiers.iter().try_for_each(|tier| write_tier(out, tier))?;
        for vm in &self.vms {
            write_vm(out, vm, self.host.split)?;
            if self.paging.is_some() && self.states.is_none() {
                writeln!(out, "size = {}", vm.size)?;
            }
        }
        self.expects.iter().try_for_each(|expect| write_expect(out, expect))?;
        self.plan.iter().try_for_each(|plan| write_plan(out, plan))?;
        self.sweep.iter().try_for_each(|grid| write_sweep(out, grid))
    }

    /// The actuator. The costs of paging are in the table before it.
    fn write_actuator(&self, out: &mut String) -> std::fmt::Result {
        if let Some(Paging { read, write, .. }) = &self.paging {
            writeln!(out, "host_read = {read}\nhost_write = {write}")?;
        }
        let kind = match (&self.paging, self.states) {
            (_, Some(_)) => "esx-states",
            (Some(_), None) => "paging",
            (None, None) if self.actuator == Actuator::INSTANT => "instant",
            (None, None) => "balloon",
        };
        writeln!(out, "\n[actuator]\nkind = {}", quoted(kind))?;
        if self.actuator != Actuator::INSTANT {
            let Actuator { latency, rate, step } = self.actuator;
            writeln!(out, "latency = {latency}\nrate = {rate}\nstep = {step}")?;
        }
        if let Some(Paging { pager, settings, swapper, .. }) = &self.paging {
            writeln!(out, "pager = {}", replacement(pager.name, settings))?;
            writeln!(out, "swapper = {}", quoted(name_of(Swapper::ALL, swapper)))?;
        }
        let Some(States { marks, period, grow }) = self.states else { return Ok(()) };
        let marks = marks.map(|mark| percent(mark, self.host.memory));
        writeln!(out, "marks = [{}]", marks.join(", "))?;
        writeln!(out, "period = {period}\ngrow = {}", quoted(name_of(Grow::ALL, &grow)))
    }
}

impl Scenario {
    fn write_sharing(&self, out: &mut String) -> std::fmt::Result {
        let Some(sharing) = &self.sharing else { return Ok(()) };
        let SharingSpec { scanner, every, pages, per_vm, max_sharing, zero_pages } = sharing;
        writeln!(out, "\n[sharing]\nscanner = {}", quoted(scanner.name))?;
        writeln!(out, "every = {every}\npages = {pages}\nper_vm = {per_vm}")?;
        writeln!(out, "max_sharing = {max_sharing}")?;
        writeln!(out, "zero_pages = {}", u8::from(*zero_pages))
    }
}

/// What pages of a VM hold, as scenarios write it.
fn content(holds: &Holds) -> String {
    let Holds { from, until, source, part } = holds;
    let source = match source {
        Source::Zero => "zero = 1".to_owned(),
        Source::Image { name, offset } => format!("image = {}, offset = {offset}", quoted(name)),
        Source::File { path, .. } => format!("file = {}", quoted(path)),
    };
    format!("{{ from = {from}, until = {until}, {source}, part = {part} }}")
}

fn write_sweep(out: &mut String, grid: &Grid) -> std::fmt::Result {
    writeln!(out, "\n[sweep]\nrepeat = {}", grid.repeat)?;
    let write_axes = |out: &mut String, dimension: &Dimension| {
        dimension.axes.iter().try_for_each(|axis| {
            let values: Vec<String> = axis.values.iter().map(written).collect();
            writeln!(out, "{} = [{}]", quoted(&axis.path), values.join(", "))
        })
    };
    let write_picks = |out: &mut String, picks: &Picks| {
        picks
            .iter()
            .try_for_each(|(path, value)| writeln!(out, "{} = {}", quoted(path), written(value)))
    };
    if let Some(picks) = &grid.baseline {
        writeln!(out, "\n[sweep.baseline]")?;
        write_picks(out, picks)?;
    }
    writeln!(out, "\n[sweep.axes]")?;
    let (zips, axes): (Vec<_>, Vec<_>) =
        grid.dimensions.iter().partition(|dimension| dimension.is_zip);
    axes.into_iter().try_for_each(|axis| write_axes(out, axis))?;
    for zip in zips {
        writeln!(out, "\n[[sweep.zip]]")?;
        write_axes(out, zip)?;
    }
    for skip in &grid.skips {
        writeln!(out, "\n[[sweep.skip]]")?;
        write_picks(out, skip)?;
    }
    Ok(())
}

/// The percentage of which so many frames of the host are what is left when it is rounded up.
fn percent(part: Frames, of: Frames) -> String {
    const PLACES: u32 = 15;
    let digits = u128::from(part.0) * 100 * 10_u128.pow(PLACES) / u128::from(of.0);
    let digits = u64::try_from(digits).expect("a mark is a part of the host");
    Decimal { digits, places: PLACES }.to_string()
}

fn write_tier(out: &mut String, tier: &TierSpec) -> std::fmt::Result {
    writeln!(out, "\n[[tier]]\nname = {}", quoted(&tier.name))?;
    writeln!(out, "kind = {}", quoted(tier.kind.name))?;
    match tier.capacity {
        Capacity::Frames(frames) => writeln!(out, "capacity = {frames}")?,
        Capacity::Spare => writeln!(out, "capacity = \"spare\"")?,
        Capacity::Percent(percent) => writeln!(out, "capacity = \"{percent}%\"")?,
    }
    if tier.is_in_vm() {
        writeln!(out, "ratio = {}", tier.ratio)?;
    } else {
        writeln!(out, "division = {}", quoted(name_of(Division::ALL, &tier.division)))?;
    }
    writeln!(out, "fetch = {}\nput = {}", tier.fetch, tier.put)
}

fn write_vm(out: &mut String, vm: &VmSpec, split: Split) -> std::fmt::Result {
    writeln!(out, "\n[[vm]]\nname = {}", quoted(&vm.name))?;
    writeln!(out, "min = {}\nmax = {}\nshares = {}", vm.min, vm.max, vm.shares)?;
    if split == Split::Initial {
        writeln!(out, "initial = {}", vm.initial)?;
    } else {
        // The split decides, so the key would be refused.
        writeln!(out, "# initial = {}", vm.initial)?;
    }
    writeln!(out, "start = {}", vm.start - vm.start_drawn)?;
    if vm.start_within > Ticks(0) {
        writeln!(out, "start_within = {}", vm.start_within)?;
    }
    if let Tempo::Steps(period) = vm.tempo {
        writeln!(out, "period = {period}")?;
    }
    if let Some(stop) = vm.stop {
        writeln!(out, "stop = {stop}")?;
    }
    writeln!(out, "after = {}", quoted(name_of(After::ALL, &vm.after)))?;
    writeln!(out, "idle = [{}]\nstuck = [{}]", phases(&vm.idle), phases(&vm.stuck))?;
    if !vm.content.is_empty() {
        let contents: Vec<String> = vm.content.iter().map(content).collect();
        writeln!(out, "content = [{}]", contents.join(", "))?;
    }
    let kind = vm.replacement.name;
    writeln!(out, "replacement = {}", replacement(kind, &vm.replacement_settings))?;
    match &vm.source {
        TraceSource::Pages(pages) => {
            let pages: Vec<String> = pages.iter().map(u64::to_string).collect();
            writeln!(out, "trace = {{ pages = [{}] }}", pages.join(", "))
        }
        TraceSource::File { path, options, .. } => writeln!(out, "trace = {}", file(path, options)),
        TraceSource::Workload(spec) => writeln!(out, "workload = {}", workload(spec)),
    }
}

fn phases(phases: &[Phase]) -> String {
    let shown = |&Phase { from, until }: &Phase| match until {
        Phase::NEVER => format!("{{ from = {from} }}"),
        until => format!("{{ from = {from}, until = {until} }}"),
    };
    phases.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn write_expect(out: &mut String, expect: &Expect) -> std::fmt::Result {
    writeln!(out, "\n[[expect]]\nmetric = {}", quoted(expect.metric.name()))?;
    writeln!(out, "vm = {}", quoted(&expect.vm))?;
    write_limits(out, &expect.policies, [expect.at_least, expect.at_most])
}

/// The policies of an expectation, and the least and the most that it allows.
fn write_limits(
    out: &mut String,
    policies: &[&str],
    [least, most]: [Option<Limit>; 2],
) -> std::fmt::Result {
    let policies: Vec<String> = policies.iter().map(|name| quoted(name)).collect();
    writeln!(out, "policies = [{}]", policies.join(", "))?;
    least.map_or(Ok(()), |least| writeln!(out, "at_least = {least}"))?;
    most.map_or(Ok(()), |most| writeln!(out, "at_most = {most}"))
}

fn write_plan(out: &mut String, plan: &PlanSpec) -> std::fmt::Result {
    writeln!(out, "\n[plan]")?;
    if let Some(VmLimit { metric, at_most }) = plan.limit {
        writeln!(out, "limit = {}", quoted(&format!("{}={at_most}", metric.name)))?;
    }
    match &plan.asked {
        Asked::Memory => {}
        Asked::Tier(name) => writeln!(out, "tier = {}", quoted(name))?,
        Asked::Copies(None) => writeln!(out, "copies = \"auto\"")?,
        Asked::Copies(Some(most)) => writeln!(out, "copies = {most}")?,
    }
    if let Some(Decimal { digits, places }) = plan.confidence {
        let percent = Decimal { digits, places: places - 2 };
        writeln!(out, "confidence = \"{percent}%\"")?;
    }
    plan.mixes.map_or(Ok(()), |mixes| writeln!(out, "mixes = {mixes}"))?;
    plan.sizes.map_or(Ok(()), |sizes| writeln!(out, "sizes = {sizes}"))?;
    if !plan.policies.is_empty() {
        let names: Vec<String> = plan.policies.iter().map(|kind| quoted(kind.name)).collect();
        writeln!(out, "policies = [{}]", names.join(", "))?;
    }
    plan.expects.iter().try_for_each(|expect| {
        let metric = expect.metric.name(&plan.asked);
        writeln!(out, "\n[[plan.expect]]\nmetric = {}", quoted(&metric))?;
        write_limits(out, &expect.policies, [expect.at_least, expect.at_most])
    })
}

/// A trace file with its reader's options; options without a value have no default to show.
fn file(path: &str, options: &ReadOptions) -> String {
    let ReadOptions { format, bytes_max, accesses_max, .. } = options;
    let mut text = format!("{{ file = {}, format = {}", quoted(path), quoted(format));
    for (key, number) in options.numbers() {
        let _ = number.map(|number| write!(text, ", {key} = {number}"));
    }
    for (key, word) in options.words() {
        let _ = word.map(|word| write!(text, ", {key} = {}", quoted(word)));
    }
    let _ = write!(text, ", limit_bytes = {bytes_max}, limit_accesses = {accesses_max} }}");
    text
}

/// A workload as scenarios write it.
pub(super) fn workload(spec: &WorkloadSpec) -> String {
    let params = spec.settings.iter().map(|(name, value)| format!(", {name} = {}", shown(value)));
    let (kind, params) = (quoted(spec.kind.name), params.collect::<String>());
    if spec.kind.nests {
        let of: Vec<String> = spec.of.iter().map(workload).collect();
        return format!("{{ kind = {kind}{params}, of = [{}] }}", of.join(", "));
    }
    format!("{{ kind = {kind}, accesses = {}{params} }}", spec.accesses)
}

fn replacement(kind: &str, settings: &Settings) -> String {
    let params = settings.iter().map(|(name, value)| format!(", {name} = {}", shown(value)));
    format!("{{ kind = {}{} }}", quoted(kind), params.collect::<String>())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Integer(value) => value.to_string(),
        Value::Bytes(bytes) => quoted(&crate::units::show_size(*bytes)),
        Value::Decimal(decimal) => decimal.to_string(),
        Value::Choice(word) => quoted(word),
        Value::Text(text) => quoted(text),
        Value::Texts(texts) => list(texts.iter().map(String::as_str)),
        Value::Files(files) => list(files.iter().map(|file| file.path.as_str())),
    }
}

fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    format!("[{}]", texts.map(quoted).collect::<Vec<_>>().join(", "))
}

fn name_of<T: PartialEq>(names: &[(&'static str, T)], wanted: &T) -> &'static str {
    names.iter().find(|(_, value)| value == wanted).map_or("", |(name, _)| name)
}
