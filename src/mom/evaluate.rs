//! MOM's evaluator, with a step limit.
//!
//! Scoping is dynamic: names are looked up in the callers' scopes. A variable shadows a built-in
//! form of the same name, and a built-in form shadows a function that the program defines. All
//! arguments of `and` and `or` are evaluated. `defvar` does not overwrite a name that the innermost
//! scope already has. In `a.b.c`, only `a.b` is read. All of this is as in the original.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{Form, Node, Place};
use super::value::{self, List, Value};
use super::world::World;

/// What went wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) place: Place,
    pub(super) message: String,
}

/// A control that a program set, and why.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The call that set it.
    pub(super) place: Place,
    /// Whose it is: 0 is the host, then the guests.
    pub(crate) of: usize,
    /// The control's name.
    pub(crate) control: Arc<str>,
    pub(super) value: Value,
    /// The conditions around the call, the outermost first.
    pub(super) because: Vec<Condition>,
}

/// An evaluated condition and its operands.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) place: Place,
    pub(super) holds: bool,
    /// The operator and the operands of each comparison, in the order of evaluation.
    pub(super) compared: Vec<(&'static str, Value, Value)>,
}

/// Expressions inside each other deeper than this end a program. MOM has the limit of Python's
/// stack.
const DEPTH_MAX: u32 = 160;

/// The steps of a program: evaluated expressions, plus items and bytes created.
const STEPS_MAX: u64 = 1_000_000;

/// More steps for each guest.
const STEPS_OF_GUEST: u64 = 10_000;

/// The comparisons of a condition that are remembered.
const COMPARED_MAX: usize = 4;

const METHODS: &[&str] = &["Prop", "Stat", "StatAvg", "SetVar", "GetVar", "Control", "GetControl"];

type Evaluated = Result<Value, Failed>;

/// A program at work.
pub(super) struct Evaluator<'p, 'w> {
    world: &'w mut World,
    /// The innermost scope last.
    scopes: Vec<BTreeMap<&'p str, Value>>,
    functions: BTreeMap<&'p str, (&'p Node, &'p Node)>,
    steps_left: u64,
    depth: u32,
    /// The comparisons of the condition that is evaluated.
    compared: Vec<(Place, &'static str, Value, Value)>,
    conditions: Vec<Condition>,
    /// The controls that were set, in the order in which they were set.
    pub(super) changes: Vec<Change>,
}

impl<'p, 'w> Evaluator<'p, 'w> {
    pub(super) fn new(world: &'w mut World) -> Self {
        let guests: Vec<Value> = (1..world.entities.len()).map(Value::Entity).collect();
        let steps_left = STEPS_MAX + STEPS_OF_GUEST * guests.len() as u64;
        let guests = List::of(guests).unwrap_or(Value::Nil);
        let names = [
            ("abs", Value::Function("abs")),
            ("debug", Value::Function("debug")),
            ("Host", Value::Entity(0)),
            ("Guests", guests),
        ];
        Self {
            world,
            scopes: vec![names.into_iter().collect()],
            functions: BTreeMap::new(),
            steps_left,
            depth: 0,
            compared: Vec::new(),
            conditions: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, node: &'p Node) -> Evaluated {
        self.spend(1, node)?;
        match &node.form {
            Form::Number(value) => Ok(value.clone()),
            Form::Text(text) => Ok(Value::Text(Arc::clone(text))),
            Form::Symbol(name) if &**name == "nil" => Ok(Value::Nil),
            Form::Symbol(name) => self.get(name).ok_or_else(|| failed(node, self.undefined(name))),
            Form::Operator(_) => Err(failed(node, "an operator has no value by itself")),
            Form::List(items) => {
                if self.depth == DEPTH_MAX {
                    let message = format!("calls are nested deeper than {DEPTH_MAX}");
                    return Err(failed(node, message));
                }
                self.depth += 1;
                let value = self.call(node, items)?;
                self.depth -= 1;
                self.spend(value.size() as u64, node)?;
                Ok(value)
            }
        }
    }

    fn spend(&mut self, steps: u64, node: &Node) -> Result<(), Failed> {
        let left = self.steps_left.checked_sub(steps);
        self.steps_left = left.ok_or_else(|| {
            failed(node, "the rules did not end within a million steps plus 10,000 per guest")
        })?;
        Ok(())
    }

    /// What a name has, if anything: of a name with points, the second part of the first.
    fn get(&self, name: &str) -> Option<Value> {
        let mut parts = name.split('.');
        let (first, second) = (parts.next()?, parts.next());
        self.scopes.iter().rev().find_map(|scope| {
            let value = scope.get(first)?;
            match (second, value) {
                (None, value) => Some(value.clone()),
                (Some(name), Value::Entity(of)) => self.part(*of, name),
                _ => None,
            }
        })
    }

    /// A statistic or a method of the host or of a guest.
    fn part(&self, of: usize, name: &str) -> Option<Value> {
        if let Some(statistic) = self.world.entities[of].statistic(name) {
            return Some(statistic.into());
        }
        METHODS.iter().find(|method| **method == name).map(|method| Value::Method(of, method))
    }

    fn undefined(&self, name: &str) -> String {
        let first = name.split('.').next().unwrap_or(name);
        match self.get(first) {
            Some(Value::Entity(of)) if first != name => {
                let lacks = self.world.entities[of].lacks(&name[first.len() + 1..]);
                format!("`{name}` is no statistic here: {lacks}")
            }
            _ => format!("`{name}` is not defined"),
        }
    }

    fn call(&mut self, node: &'p Node, items: &'p [Node]) -> Evaluated {
        let Some((first, arguments)) = items.split_first() else {
            return Err(failed(node, "an empty list has no value"));
        };
        let name: &'p str = match &first.form {
            Form::Symbol(name) => name,
            Form::Operator(name) => name,
            _ => return Err(failed(first, "the name of a function is expected here")),
        };
        if let Some(function) = self.get(name).filter(|value| !value.is_nil()) {
            let values = self.eval_all(arguments)?;
            return self.apply(node, &function, &values);
        }
        match (name, arguments) {
            ("def" | "defun", [name, parameters, code]) => {
                let name = symbol(name)?;
                self.functions.insert(name, (parameters, code));
                Ok(Value::Text(name.into()))
            }
            ("defvar", [name, value]) => {
                let name = symbol(name)?;
                let value = self.eval(value)?;
                Ok(self.define(name, value))
            }
            ("set" | "setq", [name, value]) => self.set(symbol(name)?, value),
            ("let", [names, body @ ..]) if !body.is_empty() => self.with_names(names, body),
            ("with", [list, name, code]) => self.with(node, symbol(list)?, symbol(name)?, code),
            ("if", [condition, yes, no]) => self.branch(condition, yes, no),
            ("not", [value]) => Ok(Value::Bool(!self.eval(value)?.is_true())),
            ("and" | "or" | "min" | "max", [_, ..]) => self.choose(node, name, arguments),
            ("null", _) => {
                let values = self.eval_all(arguments)?;
                let is_empty = |value: &Value| match value {
                    Value::Text(_) | Value::List(_) => value.size() == 0,
                    value => value.is_nil(),
                };
                Ok(Value::Bool(values.iter().all(is_empty)))
            }
            ("valid", _) => {
                let values = self.eval_all(arguments)?;
                Ok(Value::Bool(!values.iter().any(Value::is_nil)))
            }
            ("def" | "defun" | "defvar" | "set" | "setq" | "let" | "with" | "if" | "not", _)
            | ("and" | "or" | "min" | "max", []) => {
                let count = arguments.len();
                Err(failed(node, format!("`{name}` cannot have {count} arguments")))
            }
            _ => match value::BINARY.iter().find(|(known, _)| *known == name) {
                Some((name, sign)) => self.binary(node, name, sign, arguments),
                None => self.call_own(node, name, arguments),
            },
        }
    }

    fn eval_all(&mut self, nodes: &'p [Node]) -> Result<Vec<Value>, Failed> {
        nodes.iter().map(|node| self.eval(node)).collect()
    }

    /// Gives a name a value in the innermost scope, unless it has one there.
    fn define(&mut self, name: &'p str, value: Value) -> Value {
        let scope = self.scopes.last_mut().expect("the outermost scope stays");
        scope.entry(name).or_insert(value).clone()
    }

    fn set(&mut self, name: &'p str, value: &'p Node) -> Evaluated {
        let (place, value) = (value, self.eval(value)?);
        let known = self.scopes.iter_mut().rev().find_map(|scope| scope.get_mut(name));
        let known = known.ok_or_else(|| failed(place, format!("`{name}` is not defined")))?;
        known.clone_from(&value);
        Ok(value)
    }

    fn with_names(&mut self, names: &'p Node, body: &'p [Node]) -> Evaluated {
        let Form::List(pairs) = &names.form else {
            return Err(failed(names, "a list of names with their values is expected"));
        };
        let pair = |pair: &'p Node| match &pair.form {
            Form::List(pair) if pair.len() == 2 => Ok((&pair[0], &pair[1])),
            _ => Err(failed(pair, "a name with its value is expected")),
        };
        self.scopes.push(BTreeMap::new());
        for node in pairs {
            let (name, value) = pair(node)?;
            self.bind(name, value)?;
        }
        self.leave_with(body)
    }

    /// Gives a name its value in the scope that was just entered, in which the value is evaluated.
    fn bind(&mut self, name: &'p Node, value: &'p Node) -> Result<(), Failed> {
        let name = symbol(name)?;
        let value = self.eval(value)?;
        self.define(name, value);
        Ok(())
    }

    /// The value of the last expression; the innermost scope is left.
    fn leave_with(&mut self, body: &'p [Node]) -> Evaluated {
        let mut result = Value::Nil;
        for node in body {
            result = self.eval(node)?;
        }
        self.scopes.pop();
        Ok(result)
    }

    fn with(&mut self, node: &'p Node, list: &str, name: &'p str, code: &'p Node) -> Evaluated {
        let items: Vec<Value> = match self.get(list) {
            Some(Value::List(list)) => list.items.to_vec(),
            Some(Value::Text(text)) => {
                text.chars().map(|letter| Value::Text(letter.to_string().into())).collect()
            }
            Some(other) => {
                return Err(failed(node, format!("`{list}` is {}, not a list", other.kind())));
            }
            None => return Err(failed(node, self.undefined(list))),
        };
        self.spend(items.len() as u64, node)?;
        let mut results = Vec::new();
        for item in items {
            self.scopes.push(BTreeMap::from([(name, item)]));
            results.push(self.eval(code)?);
            self.scopes.pop();
        }
        List::of(results).map_err(|message| failed(node, message))
    }

    fn branch(&mut self, condition: &'p Node, yes: &'p Node, no: &'p Node) -> Evaluated {
        let before = std::mem::take(&mut self.compared);
        let holds = self.eval(condition)?.is_true();
        let compared = std::mem::replace(&mut self.compared, before);
        let within = compared.into_iter().filter(|(place, ..)| condition.place.contains(place));
        let compared = within.map(|(_, sign, one, other)| (sign, one, other));
        let compared = compared.take(COMPARED_MAX).collect();
        self.conditions.push(Condition { place: condition.place.clone(), holds, compared });
        let value = self.eval(if holds { yes } else { no })?;
        self.conditions.pop();
        Ok(value)
    }

    /// One of the arguments, all of which are evaluated.
    fn choose(&mut self, node: &'p Node, name: &str, arguments: &'p [Node]) -> Evaluated {
        let mut values = self.eval_all(arguments)?.into_iter();
        let mut chosen = values.next().expect("there is an argument");
        for value in values {
            let takes = match name {
                "and" => chosen.is_true(),
                "or" => !chosen.is_true(),
                name => {
                    let is_before = if name == "min" { "lt" } else { "gt" };
                    let takes = value::binary(is_before, &value, &chosen);
                    takes.map_err(|message| failed(node, message))?.is_true()
                }
            };
            if takes {
                chosen = value;
            }
        }
        Ok(chosen)
    }

    fn binary(
        &mut self,
        node: &'p Node,
        name: &'static str,
        sign: &'static str,
        arguments: &'p [Node],
    ) -> Evaluated {
        let [one, other] = arguments else {
            let count = arguments.len();
            return Err(failed(node, format!("`{sign}` takes 2 arguments, found {count}")));
        };
        let (one, other) = (self.eval(one)?, self.eval(other)?);
        let result = value::binary(name, &one, &other).map_err(|message| failed(node, message))?;
        if matches!(result, Value::Bool(_)) && self.compared.len() < COMPARED_MAX {
            self.compared.push((node.place.clone(), sign, one, other));
        }
        Ok(result)
    }

    /// A block, or a function of the program: its arguments are evaluated in its own scope, one
    /// after the other.
    fn call_own(&mut self, node: &'p Node, name: &'p str, arguments: &'p [Node]) -> Evaluated {
        if name == "eval" {
            let values = self.eval_all(arguments)?;
            return values.into_iter().last().ok_or_else(|| failed(node, "the block is empty"));
        }
        let Some(&(parameters, code)) = self.functions.get(name) else {
            return Err(failed(node, format!("there is no function `{name}`")));
        };
        let Form::List(parameters) = &parameters.form else {
            return Err(failed(parameters, "a list of parameters is expected"));
        };
        if parameters.len() != arguments.len() {
            let (wanted, found) = (parameters.len(), arguments.len());
            return Err(failed(node, format!("`{name}` takes {wanted} arguments, found {found}")));
        }
        if let Some(other) = self.get("let").filter(|value| !value.is_nil()) {
            return Err(failed(node, format!("a call is a `let`, which is {}", other.kind())));
        }
        self.scopes.push(BTreeMap::new());
        for (parameter, argument) in parameters.iter().zip(arguments) {
            self.bind(parameter, argument)?;
        }
        self.leave_with(std::slice::from_ref(code))
    }

    fn apply(&mut self, node: &'p Node, function: &Value, values: &[Value]) -> Evaluated {
        match (function, values) {
            (Value::Function("abs"), [value]) => {
                value::absolute(value).map_err(|message| failed(node, message))
            }
            (Value::Function("debug"), [.., last]) => Ok(last.clone()),
            (Value::Method(of, name), values) => self.apply_method(node, *of, name, values),
            (Value::Function(name), values) => {
                Err(failed(node, format!("`{name}` cannot have {} arguments", values.len())))
            }
            (other, _) => Err(failed(node, format!("{} is no function", other.kind()))),
        }
    }

    fn apply_method(
        &mut self,
        node: &'p Node,
        of: usize,
        name: &'static str,
        values: &[Value],
    ) -> Evaluated {
        let entity = &mut self.world.entities[of];
        let Some((Value::Text(key), values)) = values.split_first() else {
            return Err(failed(node, format!("`{name}` needs a name in quotes")));
        };
        let unknown = |lacks: String| {
            let whose = Value::Entity(of).kind();
            failed(node, format!("`{key}` is no statistic of {whose} here: {lacks}"))
        };
        match (name, values) {
            ("Prop", []) => entity
                .property(key)
                .ok_or_else(|| failed(node, format!("there is no property `{key}`"))),
            ("Stat", [] | [_]) => {
                let found = entity.statistic(key).ok_or_else(|| unknown(entity.lacks(key)))?;
                Ok(found.into())
            }
            ("StatAvg", []) => {
                let found = entity.statistic(key).ok_or_else(|| unknown(entity.lacks(key)))?;
                let (sum, count) = found.sum;
                if count == 0 {
                    return Ok(Value::Float(0.0));
                }
                let (sum, count) = (Value::Int(sum), Value::Int(count.into()));
                value::binary("div", &sum, &count).map_err(|message| failed(node, message))
            }
            ("SetVar", [value]) => {
                entity.variables.insert(Arc::clone(key), value.clone());
                Ok(Value::Nil)
            }
            ("GetVar", []) => Ok(entity.variables.get(key).cloned().unwrap_or(Value::Nil)),
            ("Control", [value]) => {
                let place = node.place.clone();
                entity.controls.insert(Arc::clone(key), (value.clone(), place.clone()));
                let (control, value) = (Arc::clone(key), value.clone());
                let because = self.conditions.clone();
                self.changes.push(Change { place, of, control, value, because });
                Ok(Value::Nil)
            }
            ("GetControl", []) => {
                Ok(entity.controls.get(key).map_or(Value::Nil, |(value, _)| value.clone()))
            }
            _ => Err(failed(node, format!("`{name}` cannot have {} arguments", values.len() + 1))),
        }
    }
}

fn symbol(node: &Node) -> Result<&str, Failed> {
    match &node.form {
        Form::Symbol(name) => Ok(name),
        _ => Err(failed(node, "a name is expected here")),
    }
}

fn failed(node: &Node, message: impl Into<String>) -> Failed {
    Failed { place: node.place.clone(), message: message.into() }
}
