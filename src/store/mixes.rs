//! What the journal of a plan keeps of a mix: one line of JSON.

use serde::{Deserialize, Serialize};

use crate::number::Millionths;
use crate::plan::{Need, Question, Trial};
use crate::units::{Ticks, VmId};

/// The need of a policy.
#[derive(Serialize, Deserialize)]
struct NeedLine {
    amount: Option<u64>,
    is_split: bool,
    curve: Vec<Option<TrialLine>>,
    first: Option<(u32, u64)>,
}

/// Whether the limit is kept, the worst VM, and what it has, in millionths.
#[derive(Serialize, Deserialize)]
struct TrialLine(bool, u32, Option<u128>);

/// The needs of a mix as a line without its end.
pub fn line(needs: &[Need]) -> String {
    let trial = |trial: &Trial| {
        TrialLine(trial.is_kept, trial.worst.0, trial.value.map(|Millionths(value)| value))
    };
    let need = |need: &Need| NeedLine {
        amount: need.amount,
        is_split: need.is_split,
        curve: need.curve.iter().map(|at| at.as_ref().map(trial)).collect(),
        first: need.first.map(|(vm, at)| (vm.0, at.0)),
    };
    let line: Vec<NeedLine> = needs.iter().map(need).collect();
    serde_json::to_string(&line).expect("numbers are always JSON")
}

/// Reads a line. `None` if it is not one of a mix of this question, whose scenario has so many VMs.
pub fn read(line: &str, question: &Question, vms: usize) -> Option<Vec<Need>> {
    let needs: Vec<NeedLine> = serde_json::from_str(line).ok()?;
    let fits = |need: &NeedLine| {
        let first = need.first.is_none_or(|(vm, _)| (vm as usize) < vms);
        first && need.curve.len() == question.amounts.len()
    };
    if needs.len() != question.policies.len() || !needs.iter().all(fits) {
        return None;
    }
    let trial = |TrialLine(is_kept, worst, value)| Trial {
        is_kept,
        worst: VmId(worst),
        value: value.map(Millionths),
    };
    let need = |need: NeedLine| Need {
        amount: need.amount,
        is_split: need.is_split,
        curve: need.curve.into_iter().map(|at| at.map(trial)).collect(),
        first: need.first.map(|(vm, at)| (VmId(vm), Ticks(at))),
    };
    Some(needs.into_iter().map(need).collect())
}
