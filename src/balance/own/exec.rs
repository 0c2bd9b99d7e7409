//! `exec`: the operator's own program decides, through a pipe.
//!
//! *Idea.* At each checkpoint the program gets the view as a line of JSON and answers with a line
//! of targets. So the algorithm of a daemon is tried with a few lines around it, in any language.
//! *Follows.* No paper; the protocol of `docs/guide-operator.md`, whose JSON schema is
//! `docs/exec.schema.json`.
//! *Departs.* A live daemon reads its host whenever it likes; this one sees checkpoints. The
//! program may not depend on anything but what it was told, or recorded replies will not fit.
//! *Cost.* What the program costs.
//! *Parameters.* `command`: the program and its arguments; `replies`: a file of recorded replies,
//! which are replayed where the program may not run; `time_limit`: how long a reply may take (10 s
//! of the clock on the wall).

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, Reason, View, VmView};
use crate::meets::Meets;
use crate::params::{Domain, Fault, Param, Settings, TextFile, Value};
use crate::random::Stream;
use crate::replace::Counts;
use crate::units::{Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "exec",
    summary: "asks a program of the operator's at each checkpoint, through a pipe",
    follows: "no paper: the program decides",
    live_interval: None,
    params: &[COMMAND, REPLIES, TIME_LIMIT],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |settings, _, _| {
        if settings.texts(COMMAND.name).is_empty() {
            return Err("exec has no program; name it in `policy.exec.command`, for example \
                        `[\"python3\", \"my_rule.py\"]`"
                .to_owned());
        }
        Ok(())
    },
    build: |settings| Box::new(Exec::of(settings)),
};

const COMMAND: Param = Param {
    name: "command",
    doc: "the program and its arguments; it runs in the scenario's folder, and only if \
          `--allow-exec` is given",
    domain: Domain::Texts,
    default: Value::Texts(Vec::new()),
};

const REPLIES: Param = Param {
    name: "replies",
    doc: "a file of recorded replies: written where the program runs, replayed where it may not",
    domain: Domain::Files { parse: parse_replies, may_be_missing: true },
    default: Value::Files(Vec::new()),
};

const TIME_LIMIT: Param = Param {
    name: "time_limit",
    doc: "how long the program may take for a reply, of the clock on the wall; ours",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(10_000_000_000),
};

/// The version of the protocol.
const VERSION: u64 = 1;

/// Starts programs, where the user allows it.
pub trait Programs: Debug + Send + Sync {
    /// Starts a program for one run.
    ///
    /// # Errors
    /// Why it does not start.
    fn start(&self, what: &Command) -> Result<Box<dyn Program>, PolicyError>;
}

/// What is to be started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Command {
    /// The program and its arguments; at least one.
    pub words: Vec<String>,
    /// How long it may take for a reply.
    pub time_limit: Ticks,
    /// The file of recorded replies, relative to the scenario's folder, if it has one.
    pub replies: Option<String>,
}

impl Command {
    /// Its name in messages.
    pub fn shown(&self) -> String {
        self.words.join(" ")
    }
}

/// A program at work in one run, or what was recorded of one.
pub trait Program: Send {
    /// Answers a request: the reply as a line without its end.
    ///
    /// # Errors
    /// Why there is no reply.
    fn ask(&mut self, turn: &Turn) -> Result<String, PolicyError>;

    /// The reply of that turn was good.
    fn accepted(&mut self, _turn: &Turn, _reply: &str) {}
}

/// One request of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Turn {
    /// The hash of this and all earlier requests of the run: runs that ask the same have the same.
    pub key: String,
    /// Its number in the run, from 1.
    pub number: u64,
    /// The tick of the checkpoint.
    pub at: Ticks,
    /// The request, a line of JSON without its end.
    pub request: String,
}

/// A recorded reply, one line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The turn's number.
    pub turn: u64,
    /// The tick of the checkpoint.
    pub tick: u64,
    /// The turn's key.
    pub key: String,
    /// The reply as the program wrote it.
    pub reply: String,
}

impl Recorded {
    /// Its line, with its end.
    pub fn line(&self) -> String {
        format!("{}\n", serde_json::to_string(self).expect("texts and numbers"))
    }

    /// The records of a file.
    ///
    /// # Errors
    /// The first line that is none.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Fault> {
        let mut records = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let place = start..start + line.trim_end().len();
            start += line.len();
            if line.trim().is_empty() {
                continue;
            }
            records.push(serde_json::from_str(line).map_err(|error| Fault {
                place,
                message: format!("this is no recorded reply: {error}"),
                remedy: "delete the file and record anew with --allow-exec".to_owned(),
            })?);
        }
        Ok(records)
    }
}

/// The replies of a file, by the keys of their turns.
type Replies = BTreeMap<String, String>;

fn parse_replies(text: &str, _: usize) -> Result<Arc<dyn Any + Send + Sync>, Fault> {
    let records = Recorded::read(text)?.into_iter();
    let replies: Replies = records.map(|record| (record.key, record.reply)).collect();
    Ok(Arc::new(replies))
}

/// What was recorded of a program.
struct Replayed {
    program: String,
    files: Vec<TextFile>,
}

impl Replayed {
    fn replies(&self) -> impl Iterator<Item = &Replies> {
        self.files.iter().filter_map(TextFile::parsed)
    }
}

impl Program for Replayed {
    fn ask(&mut self, turn: &Turn) -> Result<String, PolicyError> {
        let program = &self.program;
        if self.replies().all(Replies::is_empty) {
            return Err(PolicyError::failed(format!(
                "`{program}` may not run and no reply of it is recorded; allow it with --allow-exec"
            )));
        }
        let reply = self.replies().find_map(|replies| replies.get(&turn.key));
        reply.cloned().ok_or_else(|| {
            PolicyError::Outdated(format!(
                "no recorded reply of `{program}` fits request {}: what the program would be told \
                 has changed; record anew with --allow-exec",
                turn.number
            ))
        })
    }
}

struct Exec {
    command: Command,
    page_size: u64,
    program: Option<Box<dyn Program>>,
    programs: Option<Arc<dyn Programs>>,
    files: Vec<TextFile>,
    key: blake3::Hash,
    number: u64,
    reasons: Vec<Reason>,
}

/// A reply of the program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    /// Frames, in the order of the request.
    targets: Vec<u64>,
    /// Why, in the same order.
    #[serde(default)]
    because: Vec<String>,
}

impl Exec {
    fn of(settings: &Settings) -> Self {
        let files = settings.files(REPLIES.name).to_vec();
        let command = Command {
            words: settings.texts(COMMAND.name).to_vec(),
            time_limit: Ticks(settings.integer(TIME_LIMIT.name)),
            replies: files.first().map(|file| file.path.clone()),
        };
        Self {
            command,
            page_size: settings.page_size(),
            program: None,
            programs: None,
            files,
            key: blake3::hash(b"exec"),
            number: 0,
            reasons: Vec::new(),
        }
    }

    fn start(&self) -> Result<Box<dyn Program>, PolicyError> {
        if let Some(programs) = &self.programs {
            programs.start(&self.command)
        } else {
            let (program, files) = (self.command.shown(), self.files.clone());
            Ok(Box::new(Replayed { program, files }))
        }
    }

    fn turn(&mut self, view: &View) -> Turn {
        let request = request(view, self.page_size);
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.key.as_bytes()).update(request.as_bytes());
        self.key = hasher.finalize();
        self.number += 1;
        let key = self.key.to_hex()[..32].to_owned();
        Turn { key, number: self.number, at: view.at, request }
    }
}

impl Policy for Exec {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        if self.command.words.is_empty() {
            // Such a scenario is refused; if it is run all the same, nothing moves.
            return Ok(Plan::unchanged(view));
        }
        let turn = self.turn(view);
        let mut program = match self.program.take() {
            Some(program) => program,
            None => self.start()?,
        };
        let reply = program.ask(&turn)?;
        let (plan, reasons) = read(&reply, view)
            .map_err(|why| PolicyError::failed(format!("`{}` {why}", self.command.shown())))?;
        program.accepted(&turn, &reply);
        self.program = Some(program);
        self.reasons = reasons;
        Ok(plan)
    }

    fn connect(&mut self, programs: &Arc<dyn Programs>) {
        self.programs = Some(Arc::clone(programs));
    }

    fn reasons(&self) -> Vec<Reason> {
        self.reasons.clone()
    }
}

/// The view as a line of JSON without its end; `docs/exec.schema.json` describes it.
fn request(view: &View, page_size: u64) -> String {
    let counts = |counts: Counts| {
        json!({
            "accesses": counts.accesses,
            "demand_faults": counts.demand_faults,
            "cold_faults": counts.cold_faults,
            "replacement_misses": counts.replacement_misses,
        })
    };
    let vm = |vm: &VmView| {
        json!({
            "name": &*vm.name,
            "min": vm.bounds.min.0,
            "max": vm.bounds.max.0,
            "shares": vm.shares,
            "allocation": vm.allocation.0,
            "target": vm.target.0,
            "resident": vm.resident.0,
            "interval": counts(vm.interval),
            "total": counts(vm.total),
        })
    };
    let vms: Vec<_> = view.vms.iter().map(vm).collect();
    let request = json!({
        "version": VERSION,
        "tick": view.at.0,
        "host": view.host.0,
        "page_size": page_size,
        "vms": vms,
    });
    request.to_string()
}

/// The plan of a reply, and its reasons; or what is wrong with it, behind the program's name.
fn read(reply: &str, view: &View) -> Result<(Plan, Vec<Reason>), String> {
    let Reply { targets, because } = serde_json::from_str(reply).map_err(|error| {
        let shown: String = reply.chars().take(80).collect();
        format!("answered `{shown}`, expected {{\"targets\": [frames, …]}}: {error}")
    })?;
    let plan = Plan(targets.into_iter().map(Frames).collect());
    let name = |vm| {
        let known = view.vms.iter().find(|known| known.id == vm);
        format!("`{}`", known.map_or("?", |known| &known.name))
    };
    plan.check(view).map_err(|error| format!("is refused: {}", error.sentence(name)))?;
    let reasons = view.vms.iter().zip(because);
    let reasons = reasons.map(|(vm, text)| Reason { vm: vm.id, text });
    Ok((plan, reasons.filter(|reason| !reason.text.is_empty()).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, view, vm};
    use super::*;

    /// A program with fixed answers, which records its requests.
    #[derive(Debug)]
    struct Script(Vec<&'static str>);

    impl Programs for Script {
        fn start(&self, what: &Command) -> Result<Box<dyn Program>, PolicyError> {
            assert_eq!(what.words, ["rule"]);
            Ok(Box::new(Scripted(self.0.clone())))
        }
    }

    struct Scripted(Vec<&'static str>);

    impl Program for Scripted {
        fn ask(&mut self, turn: &Turn) -> Result<String, PolicyError> {
            Ok(self.0[turn.number as usize - 1].to_owned())
        }
    }

    fn asking(script: Vec<&'static str>) -> Box<dyn Policy> {
        let command = (COMMAND.name, Value::Texts(vec!["rule".to_owned()]));
        let mut exec = policy(&KIND, &[command]);
        let programs: Arc<dyn Programs> = Arc::new(Script(script));
        exec.connect(&programs);
        exec
    }

    fn draws() -> Stream {
        Stream::new(crate::random::Generator::ChaCha8, 1, 0, "policy")
    }

    #[test]
    fn targets_and_reasons_come_from_the_program() {
        let mut exec = asking(vec![
            r#"{"targets": [60, 40], "because": ["it faults", ""]}"#,
            r#"{"targets":[1,9]}"#,
        ]);
        let mut view = view(100, vec![vm(50, 1, 100), vm(50, 1, 100)]);
        assert_eq!(step(&mut *exec, &mut view), [60, 40]);
        let told = exec.reasons();
        assert_eq!((told.len(), told[0].text.as_str()), (1, "it faults"));
        assert_eq!(step(&mut *exec, &mut view), [1, 9]);
        assert!(exec.reasons().is_empty());
    }

    #[test]
    fn bad_replies_are_told_with_what_was_expected() {
        let error = |reply: &'static str| {
            let view = view(100, vec![vm(50, 10, 100), vm(50, 1, 100)]);
            asking(vec![reply]).plan(&view, &mut draws()).unwrap_err().to_string()
        };
        assert!(error("hello").starts_with("`rule` answered `hello`, expected {\"targets\": ["));
        assert!(error("").contains("answered ``"));
        assert!(error(r#"{"targets":[-1, 2]}"#).contains("answered"));
        assert!(error(r#"{"target":[1, 2]}"#).contains("unknown field `target`"));
        let one = "`rule` is refused: the plan has 1 targets, expected one for each of 2 VMs";
        assert_eq!(error(r#"{"targets":[10]}"#), one);
        let most =
            "`rule` is refused: the plan gives 101 frames in all, expected at most the host's 100";
        assert_eq!(error(r#"{"targets":[100, 1]}"#), most);
        let bounds = "`rule` is refused: the plan gives VM `vm0` 9 frames, expected 10 to 100";
        assert_eq!(error(r#"{"targets":[9, 1]}"#), bounds);
    }

    #[test]
    fn recorded_replies_are_replayed_while_they_fit() {
        let first = view(100, vec![vm(50, 1, 100), vm(50, 1, 100)]);
        let command = (COMMAND.name, Value::Texts(vec!["rule".to_owned()]));
        let mut settings = Settings::defaults(KIND.params);
        settings.set(command.0, command.1.clone());
        let turn = Exec::of(&settings).turn(&first);
        let record = Recorded {
            turn: 1,
            tick: 0,
            key: turn.key,
            reply: r#"{"targets":[70,30]}"#.to_owned(),
        };
        let text = record.line();
        assert_eq!(Recorded::read(&text).unwrap(), [record]);
        let path = "rule.replies".to_owned();
        let file = TextFile::read(&REPLIES, 0, path, Some(text.into())).unwrap();
        let replies = (REPLIES.name, Value::Files(vec![file]));
        let mut exec = policy(&KIND, &[command, replies]);
        assert_eq!(step(&mut *exec, &mut first.clone()), [70, 30]);
        let error = exec.plan(&first, &mut draws()).unwrap_err();
        assert!(matches!(error, PolicyError::Outdated(_)), "{error}");
        let place = parse_replies("\n{\"turn\": 1}\n", 0).unwrap_err().place;
        assert_eq!(place, 1..12);
    }

    #[test]
    fn without_leave_and_without_replies_nothing_is_asked() {
        let command = (COMMAND.name, Value::Texts(vec!["rule".to_owned()]));
        let view = view(100, vec![vm(50, 1, 100)]);
        let error = policy(&KIND, &[command]).plan(&view, &mut draws()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`rule` may not run and no reply of it is recorded; allow it with --allow-exec"
        );
    }
}
