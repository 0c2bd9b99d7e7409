//! Values and what the operators make of them: Python's, whose numbers these are. Whole numbers
//! have 127 bits instead of any number; results that do not fit are refused.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Arc<str>),
    List(List),
    /// The host or a guest, by its place in the world.
    Entity(usize),
    /// A method of the host or of a guest.
    Method(usize, &'static str),
    /// A function that is not a form of the language: `abs` or `debug`.
    Function(&'static str),
}

/// A list of values, and how deep lists lie in it.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) items: Arc<[Value]>,
    depth: u32,
}

/// Lists that lie deeper than this are refused.
const LIST_DEPTH_MAX: u32 = 50;

/// The most characters of a text and items of a list.
const LENGTH_MAX: usize = 1 << 16;

/// Why an operator has no result.
pub(super) type Refused = String;

impl List {
    pub(super) fn of(items: Vec<Value>) -> Result<Value, Refused> {
        let depth = |item: &Value| if let Value::List(list) = item { list.depth + 1 } else { 1 };
        let depth = items.iter().map(depth).max().unwrap_or(1);
        if depth > LIST_DEPTH_MAX || items.len() > LENGTH_MAX {
            return Err(format!(
                "the list is too large: at most {LENGTH_MAX} items and {LIST_DEPTH_MAX} lists deep"
            ));
        }
        Ok(Value::List(Self { items: items.into(), depth }))
    }
}

/// A number as an operator sees it: truth is 0 or 1.
#[derive(Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    fn float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl Value {
    fn number(&self) -> Option<Number> {
        match *self {
            Self::Bool(value) => Some(Number::Int(value.into())),
            Self::Int(value) => Some(Number::Int(value)),
            Self::Float(value) => Some(Number::Float(value)),
            _ => None,
        }
    }

    /// The whole number that Python's `int` makes of a number.
    pub(super) fn truncated(&self) -> Option<i128> {
        match self.number()? {
            Number::Int(value) => Some(value),
            Number::Float(value) => (value.abs() < 1e38).then_some(value as i128),
        }
    }

    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Entity(_) | Self::Method(..) | Self::Function(_) => true,
        }
    }

    /// The bytes and items that it took to make it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.items.len(),
            _ => 0,
        }
    }

    /// What it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Entity(0) => "the host",
            Self::Entity(_) => "a guest",
            Self::Method(..) | Self::Function(_) => "a function",
        }
    }
}

impl fmt::Display for Value {
    /// As Python writes it, texts in quotes, but for what it writes addresses of.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => out.write_str("nil"),
            Self::Bool(true) => out.write_str("true"),
            Self::Bool(false) => out.write_str("false"),
            Self::Int(value) => value.fmt(out),
            Self::Float(value) => write!(out, "{value:?}"),
            Self::Text(text) => write!(out, "\"{text}\""),
            Self::List(list) => {
                out.write_str("[")?;
                for (at, item) in list.items.iter().enumerate() {
                    write!(out, "{}{item}", if at > 0 { ", " } else { "" })?;
                }
                out.write_str("]")
            }
            Self::Entity(_) | Self::Method(..) | Self::Function(_) => out.write_str(self.kind()),
        }
    }
}

/// The binary operators: their functions' names and symbols; a longer symbol comes before its
/// prefixes.
pub(super) const BINARY: &[(&str, &str)] = &[
    ("lte", "<="),
    ("gte", ">="),
    ("shl", "<<"),
    ("shr", ">>"),
    ("eq", "=="),
    ("neq", "!="),
    ("lt", "<"),
    ("gt", ">"),
    ("add", "+"),
    ("sub", "-"),
    ("mul", "*"),
    ("div", "/"),
];

/// What the operator of this name makes of two values.
pub(super) fn binary(name: &str, one: &Value, other: &Value) -> Result<Value, Refused> {
    let truth = |holds: bool| Ok(Value::Bool(holds));
    let ordering = |holds: fn(Ordering) -> bool| {
        let order = compare(one, other)?;
        truth(order.is_some_and(holds))
    };
    match name {
        "eq" => truth(equal(one, other)),
        "neq" => truth(!equal(one, other)),
        "lt" => ordering(Ordering::is_lt),
        "gt" => ordering(Ordering::is_gt),
        "lte" => ordering(Ordering::is_le),
        "gte" => ordering(Ordering::is_ge),
        "shl" | "shr" => shift(name == "shl", one, other),
        _ => arithmetic(name, one, other),
    }
}

fn arithmetic(name: &str, one: &Value, other: &Value) -> Result<Value, Refused> {
    let (Some(left), Some(right)) = (one.number(), other.number()) else {
        return of_sequences(name, one, other);
    };
    if name == "div" {
        return divided(left, right);
    }
    if let (Number::Int(left), Number::Int(right)) = (left, right) {
        let result = match name {
            "add" => left.checked_add(right),
            "sub" => left.checked_sub(right),
            _ => left.checked_mul(right),
        };
        return result.map(Value::Int).ok_or_else(too_large);
    }
    let (left, right) = (left.float(), right.float());
    Ok(Value::Float(match name {
        "add" => left + right,
        "sub" => left - right,
        _ => left * right,
    }))
}

/// Texts and lists can be joined and repeated.
fn of_sequences(name: &str, one: &Value, other: &Value) -> Result<Value, Refused> {
    match (name, one, other) {
        ("add", Value::Text(one), Value::Text(other)) => {
            fits(one.len() + other.len())?;
            Ok(Value::Text([&**one, &**other].concat().into()))
        }
        ("add", Value::List(one), Value::List(other)) => {
            fits(one.items.len() + other.items.len())?;
            List::of([&*one.items, &*other.items].concat())
        }
        ("mul", Value::Text(_) | Value::List(_), _) => repeated(one, other),
        ("mul", _, Value::Text(_) | Value::List(_)) => repeated(other, one),
        _ => Err(format!("there is no `{}` of {} and {}", sign(name), one.kind(), other.kind())),
    }
}

fn repeated(sequence: &Value, count: &Value) -> Result<Value, Refused> {
    let Some(Number::Int(count)) = count.number() else {
        return Err(format!("{} cannot be repeated by {}", sequence.kind(), count.kind()));
    };
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    fits(sequence.size().saturating_mul(count))?;
    let count = if sequence.size() == 0 { 0 } else { count };
    match sequence {
        Value::List(list) => {
            List::of((0..count).flat_map(|_| list.items.iter().cloned()).collect())
        }
        Value::Text(text) => Ok(Value::Text(text.repeat(count).into())),
        other => Ok(other.clone()),
    }
}

fn fits(length: usize) -> Result<(), Refused> {
    if length > LENGTH_MAX {
        return Err(format!("the result is longer than {LENGTH_MAX}"));
    }
    Ok(())
}

fn too_large() -> Refused {
    "the result does not fit into 127 bits".to_owned()
}

fn sign(name: &str) -> &str {
    BINARY.iter().find(|(known, _)| *known == name).map_or(name, |(_, sign)| sign)
}

fn divided(left: Number, right: Number) -> Result<Value, Refused> {
    if right.float() == 0.0 {
        return Err("division by zero".to_owned());
    }
    Ok(Value::Float(match (left, right) {
        (Number::Int(left), Number::Int(right)) => quotient(left, right),
        _ => left.float() / right.float(),
    }))
}

/// The floating-point number nearest to the exact quotient.
fn quotient(left: i128, right: i128) -> f64 {
    const EXACT: u128 = 1 << 53;
    let (above, below) = (left.unsigned_abs(), right.unsigned_abs());
    let is_negative = (left < 0) != (right < 0);
    let size = if above <= EXACT && below <= EXACT {
        above as f64 / below as f64
    } else {
        // 55 bits of the quotient, the last of them set if anything is left: that is rounded once.
        let (mut bits, mut rest, mut exponent) = (above / below, above % below, 0);
        while bits < 1 << 54 && bits | rest != 0 {
            rest *= 2;
            bits = 2 * bits + u128::from(rest >= below);
            rest -= if rest >= below { below } else { 0 };
            exponent -= 1;
        }
        let mut is_exact = rest == 0;
        while bits >= 1 << 55 {
            is_exact &= bits & 1 == 0;
            bits >>= 1;
            exponent += 1;
        }
        let power = f64::from_bits(((1023 + exponent) as u64) << 52);
        (bits | u128::from(!is_exact)) as f64 * power
    };
    if is_negative { -size } else { size }
}

fn shift(left: bool, one: &Value, other: &Value) -> Result<Value, Refused> {
    let (Some(Number::Int(value)), Some(Number::Int(by))) = (one.number(), other.number()) else {
        return Err(format!("{} cannot be shifted by {}", one.kind(), other.kind()));
    };
    let by = u32::try_from(by.min(200)).map_err(|_| "a shift is negative".to_owned())?;
    if !left {
        return Ok(Value::Int(value >> by.min(127)));
    }
    if value == 0 {
        return Ok(Value::Int(0));
    }
    let shifted = value.checked_shl(by).filter(|shifted| shifted >> by == value);
    shifted.map(Value::Int).ok_or_else(too_large)
}

/// Whether two values are equal; values of different kinds are not, but for numbers.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Nil, Value::Nil) => true,
        (Value::Text(one), Value::Text(other)) => one == other,
        (Value::Entity(one), Value::Entity(other)) => one == other,
        (Value::Method(one, name), Value::Method(other, named)) => (one, name) == (other, named),
        (Value::Function(one), Value::Function(other)) => one == other,
        (Value::List(one), Value::List(other)) => {
            one.items.len() == other.items.len()
                && one.items.iter().zip(&*other.items).all(|(one, other)| equal(one, other))
        }
        _ => match (one.number(), other.number()) {
            (Some(one), Some(other)) => order(one, other) == Some(Ordering::Equal),
            _ => false,
        },
    }
}

/// Compares numbers, texts or lists; `None` if a number is NaN.
pub(super) fn compare(one: &Value, other: &Value) -> Result<Option<Ordering>, Refused> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => Ok(Some(one.cmp(other))),
        (Value::List(one), Value::List(other)) => {
            let mut pairs = one.items.iter().zip(&*other.items);
            match pairs.find(|(one, other)| !equal(one, other)) {
                Some((one, other)) => compare(one, other),
                None => Ok(Some(one.items.len().cmp(&other.items.len()))),
            }
        }
        _ => match (one.number(), other.number()) {
            (Some(one), Some(other)) => Ok(order(one, other)),
            _ => Err(format!("{} and {} cannot be compared", one.kind(), other.kind())),
        },
    }
}

/// The exact order of two numbers.
fn order(one: Number, other: Number) -> Option<Ordering> {
    match (one, other) {
        (Number::Int(one), Number::Int(other)) => Some(one.cmp(&other)),
        (Number::Float(one), Number::Float(other)) => one.partial_cmp(&other),
        (Number::Int(one), Number::Float(other)) => int_and_float(one, other),
        (Number::Float(one), Number::Int(other)) => {
            int_and_float(other, one).map(Ordering::reverse)
        }
    }
}

fn int_and_float(one: i128, other: f64) -> Option<Ordering> {
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if other.is_nan() {
        return None;
    }
    if !(-BEYOND..BEYOND).contains(&other) {
        return 0.0.partial_cmp(&other);
    }
    let whole = other.trunc();
    Some(one.cmp(&(whole as i128)).then(whole.partial_cmp(&other)?))
}

/// The number without its sign.
pub(super) fn absolute(value: &Value) -> Result<Value, Refused> {
    match value.number() {
        Some(Number::Int(value)) => value.checked_abs().map(Value::Int).ok_or_else(too_large),
        Some(Number::Float(value)) => Ok(Value::Float(value.abs())),
        None => Err(format!("there is no `abs` of {}", value.kind())),
    }
}
