//! The language beside the original evaluator's results, and hostile programs.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::*;
use crate::params::{self, Domain, Param};

/// The original's world and what it made of random programs; made by a generator outside the
/// repository, which ran oVirt/mom at 3de1c8e.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mom-rules/programs.jsonl");

fn entity(statistics: &Json, name: Option<&str>) -> Entity {
    let fields = statistics.as_object().unwrap().iter().map(|(field, samples)| {
        let samples = samples.as_array().unwrap();
        let numbers: Vec<i64> = samples.iter().filter_map(Json::as_i64).collect();
        let sum = (numbers.iter().map(|&number| i128::from(number)).sum(), numbers.len() as u32);
        let latest = samples.last().unwrap().as_i64().map(i128::from);
        let field: &'static str = Box::leak(field.clone().into_boxed_str());
        (field, Statistic { latest, sum })
    });
    let name = name.map(|name| ("name", name.into()));
    Entity::new(name.into_iter().collect(), fields.collect())
}

fn world(described: &Json) -> World {
    let names = described["names"].as_array().unwrap();
    let guests = described["guests"].as_array().unwrap().iter().zip(names);
    let guests = guests.map(|(guest, name)| entity(guest, name.as_str()));
    World::new(entity(&described["host"], None), guests)
}

/// A value as the generator writes it: floating-point numbers by their bits.
fn encoded(value: &Value) -> Json {
    Json::from(match value {
        Value::Nil => "n".to_owned(),
        Value::Bool(value) => format!("b{}", u8::from(*value)),
        Value::Int(value) => format!("i{value}"),
        Value::Float(value) => format!("f{:016x}", value.to_bits()),
        Value::Text(text) => format!("s{text}"),
        Value::List(list) => return list.items.iter().map(encoded).collect(),
        Value::Entity(of) => format!("e{of}"),
        Value::Method(..) | Value::Function(_) => "?".to_owned(),
    })
}

/// What our evaluator makes of a program: results up to the first failure, and what is set then.
fn outcome(files: &[&str], world: &mut World) -> (BTreeMap<&'static str, Json>, String) {
    let mut code = Vec::new();
    for (at, text) in files.iter().enumerate() {
        match tree::read(text, at) {
            Ok(nodes) => code.extend(nodes),
            Err(fault) => return (BTreeMap::from([("parse", 1.into())]), fault.message),
        }
    }
    let mut evaluator = Evaluator::new(world);
    let mut failed = String::new();
    let mut results = Vec::new();
    for node in &code {
        match evaluator.eval(node) {
            Ok(value) => results.push(encoded(&value)),
            Err(error) => {
                failed = error.message;
                break;
            }
        }
    }
    let entities = || world.entities.iter();
    let mut found = BTreeMap::from([("results", Json::from(results))]);
    if !failed.is_empty() {
        found.insert("error", 1.into());
    }
    let set = |pairs: Vec<(&Arc<str>, &Value)>| -> Json {
        pairs.into_iter().map(|(name, value)| (name.to_string(), encoded(value))).collect()
    };
    let controls = |entity: &Entity| {
        set(entity.controls.iter().map(|(name, (value, _))| (name, value)).collect())
    };
    found.insert("controls", entities().map(controls).collect());
    found.insert(
        "variables",
        entities().map(|entity| set(entity.variables.iter().collect())).collect(),
    );
    (found, failed)
}

#[test]
fn random_programs_come_to_what_the_original_evaluator_makes_of_them() {
    let text = std::fs::read_to_string(PROGRAMS).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let described = lines.next().unwrap();
    let mut compared = 0;
    for case in lines {
        let files = case["files"].as_array().unwrap().iter();
        let files: Vec<&str> = files.map(|file| file.as_str().unwrap()).collect();
        let (found, failed) = outcome(&files, &mut world(&described));
        // The original ignores all that follows a character that begins no word.
        if failed.starts_with("no word begins") || failed.ends_with("no closing quote") {
            continue;
        }
        // Whole numbers of more than 127 bits.
        if failed == "the result does not fit into 127 bits" {
            continue;
        }
        let keys = ["parse", "error", "results", "controls", "variables"];
        for key in keys.into_iter().filter(|key| !case[key].is_null() || found.contains_key(key)) {
            let found = found.get(key).cloned().unwrap_or_default();
            assert_eq!(found, case[key], "{key} of {files:#?}\n{failed}");
        }
        compared += 1;
    }
    assert!(compared >= 1000, "{compared} programs were compared");
}

fn small_world(guests: usize) -> World {
    World::new(Entity::default(), (0..guests).map(|_| Entity::default()))
}

fn run(text: &str) -> Result<Vec<Change>, String> {
    let domain = Domain::Files { parse, may_be_missing: false };
    let default = params::Value::Files(Vec::new());
    let param = Param { name: "files", doc: "the rules", domain, default };
    let file = TextFile::read(&param, 0, "my.rules".to_owned(), Some(text.into()));
    let file = file.map_err(|fault| format!("{}: {}", fault.place.start, fault.message))?;
    Program::of(&[file]).run(&mut small_world(2))
}

#[test]
fn hostile_programs_end_with_an_error() {
    let endless = "(def f (x) (f x)) (f 1)";
    assert!(run(endless).unwrap_err().starts_with("calls are nested deeper than 160"));
    let slow = "(def twice (x) { x x x x x x x x x x }) (def a () 1)\n\
                (def b () { (twice (a)) (twice (a)) }) (def c () { (twice (b)) (twice (b)) })\n\
                (defvar l (with Guests g 1)) (with Guests a (with Guests b (with Guests c\n\
                (with Guests d (with Guests e (with Guests f (with Guests g (with Guests h\n\
                (with Guests i (with Guests j (with Guests k (with Guests l (with Guests m\n\
                (with Guests n (with Guests o (with Guests p (with Guests q (with Guests r\n\
                (with Guests s (with Guests t 1))))))))))))))))))))";
    assert!(run(slow).unwrap_err().starts_with("the rules did not end"));
    let grows = "(defvar x \"ab\") (def d () (set x (+ x x)))\n".to_owned() + &"(d)".repeat(40);
    assert!(run(&grows).unwrap_err().starts_with("the result is longer than 65536"));
    let deep = "(defvar x Guests) (def d () (set x (with x y x)))\n".to_owned() + &"(d)".repeat(80);
    assert!(run(&deep).is_err());
    let open = "(".repeat(100_000);
    assert_eq!(run(&open).unwrap_err(), "200: brackets are nested deeper than 200");
    assert!(run(&format!("{}1{}", "(+ 1 ".repeat(190), ")".repeat(190))).is_err());
}

#[test]
fn values_that_no_host_here_has_are_named() {
    let error = run("(+ 1\n Host.time_hour)").unwrap_err();
    let said = "`Host.time_hour` is no statistic here: MOM collects it, but it is not simulated";
    assert!(error.starts_with(said), "{error}");
    let error = run("(with Guests each each.io_tune_current)").unwrap_err();
    assert!(error.contains("MOM collects it, but it is not simulated"), "{error}");
    let error = run("(Host.StatAvg \"mem_fre\")").unwrap_err();
    let said = "`mem_fre` is no statistic of the host here: MOM does not collect it; there are";
    assert!(error.starts_with(said), "{error}");
}

#[test]
fn faults_of_a_text_have_their_place() {
    let place = |text: &str| {
        let fault = parse(text, 0).unwrap_err();
        (fault.place, fault.message, fault.remedy)
    };
    assert_eq!(place("(+ 1 2").0, 0..1);
    assert_eq!(place("(+ 1 2)\n)").0, 8..9);
    assert_eq!(place("(+ 1 2}").1, "`}` does not close `(`");
    assert_eq!(place("(+ 1 2}").2, "`)` is expected");
    assert_eq!(place("(+ 1 & 2)").0, 5..6);
    assert_eq!(place("(+ \"a 2)").1, "the text has no closing quote");
    assert_eq!(place("(+ 1 012)").0, 5..6);
    assert_eq!(place("0o19").1, "0o19 is no number");
    parse("", 0).unwrap();
    parse("# nothing", 0).unwrap();
}

#[test]
fn errors_show_the_line() {
    let error = run("(defvar a 1)\n(if (< a 2)\n\t(+ a unknown) 0)").unwrap_err();
    assert_eq!(
        error,
        "`unknown` is not defined\n --> my.rules:3:7\n  |  (+ a unknown) 0)\n  |       ^^^^^^^"
    );
}

#[test]
fn quotients_of_large_numbers_are_rounded_once() {
    let quotient = |one: i128, other: i128| {
        value::binary("div", &Value::Int(one), &Value::Int(other)).unwrap().to_string()
    };
    // As Python 3 divides.
    assert_eq!(quotient(9_007_199_254_740_993, 1), "9007199254740992.0");
    assert_eq!(quotient(9_007_199_254_740_995, 1), "9007199254740996.0");
    assert_eq!(quotient(-(1 << 100), 3), "-4.2255020007607644e29");
    assert_eq!(quotient(1, (1 << 120) + 1), "7.52316384526264e-37");
    assert_eq!(quotient(i128::MAX, i128::MAX - 1), "1.0");
}
