//! The knobs that a search turns: what each may be set to, and where on its range a value is.

use crate::balance::PolicyKind;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::scenario::meant;
use crate::units::{Decimal, parse_duration, parse_size};

/// A setting of a scenario that a search may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knob {
    /// Its dotted path in the scenario, such as `policy.senpai.ratio`.
    pub path: String,
    /// The name of the policy's parameter, or else the path.
    pub name: String,
    range: Range,
}

/// A place on the range of a knob: a fraction of it, in units of 2⁻³².
pub type Place = u32;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Range {
    /// These values, as in a scenario file.
    Listed(Vec<String>),
    /// The numbers from `low` to `high`, in units of 10^-`places` or as the suffix says.
    Between { low: u64, high: u64, places: u32, suffix: &'static str },
}

impl Knob {
    /// Reads what people write: `NAME`, `NAME=LOW..HIGH` or `NAME=VALUE,VALUE`. A name without a
    /// dot is a parameter of the policy; alone, it stands for the range around its default. A size
    /// is a number of frames of `page_size` bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    ///
    /// ```
    /// use balloonist::balance;
    /// use balloonist::plan::knobs::Knob;
    /// let market = balance::ALL.iter().find(|kind| kind.name == "senpai").unwrap();
    /// let knob = Knob::parse("checkpoint.every=100..800", market, 4096).unwrap();
    /// assert_eq!(knob.path, "checkpoint.every");
    /// assert_eq!((knob.at(0), knob.at(u32::MAX)), ("100".to_owned(), "800".to_owned()));
    /// assert!(Knob::parse("nonsense", market, 4096).is_err());
    /// ```
    pub fn parse(text: &str, policy: &PolicyKind, page_size: u64) -> Result<Self, String> {
        let (name, values) = match text.split_once('=') {
            Some((name, values)) => (name.trim(), Some(values.trim())),
            None => (text.trim(), None),
        };
        let is_param = !name.contains('.');
        let param = policy.params.iter().find(|param| param.name == name);
        if is_param && param.is_none() {
            return Err(no_param(name, policy));
        }
        let range = match (values, param) {
            (Some(values), _) => Range::read(values, page_size)?,
            (None, Some(param)) => around_default(param, page_size)?,
            (None, None) => return Err(format!("say what `{name}` may be: `{name}=LOW..HIGH`")),
        };
        Ok(if is_param {
            Self::of_param(name, policy, range)
        } else {
            Self { path: name.to_owned(), name: name.to_owned(), range }
        })
    }

    /// Every parameter of a policy that has a range around its default.
    pub fn all_of(policy: &PolicyKind, page_size: u64) -> Vec<Self> {
        let knob = |param: &Param| {
            let range = around_default(param, page_size).ok()?;
            Some(Self::of_param(param.name, policy, range))
        };
        policy.params.iter().filter_map(knob).collect()
    }

    fn of_param(name: &str, policy: &PolicyKind, range: Range) -> Self {
        Self { path: format!("policy.{}.{name}", policy.name), name: name.to_owned(), range }
    }

    /// The value at a place, as in a scenario file. A range of at least 8 to 1 is even by ratios,
    /// any other by differences.
    pub fn at(&self, place: Place) -> String {
        match &self.range {
            Range::Listed(values) => values[slot(place, values.len() as u128) as usize].clone(),
            &Range::Between { low, high, places, suffix } => {
                let digits = between(low, high, place);
                format!("{}{suffix}", Decimal { digits, places })
            }
        }
    }

    /// The value that the settings of the policy give the knob; `None` if it is no parameter of it.
    pub fn in_settings(&self, settings: &Settings) -> Option<String> {
        Some(self.value_in(settings)?.to_string())
    }

    fn value_in<'a>(&self, settings: &'a Settings) -> Option<&'a Value> {
        settings.iter().find(|(param, _)| *param == self.name).map(|(_, value)| value)
    }

    /// The place of the value that the settings of the policy give the knob; `None` if it is not on
    /// the range, or no parameter of the policy.
    pub fn place_in(&self, settings: &Settings) -> Option<Place> {
        let value = self.value_in(settings)?;
        match &self.range {
            Range::Listed(values) => {
                let at = values.iter().position(|one| *one == value.to_string())?;
                Some(((at as u64) << 32).div_ceil(values.len() as u64) as Place)
            }
            &Range::Between { low, high, places, .. } => {
                let wanted = match value {
                    Value::Integer(number) => number.checked_mul(10_u64.checked_pow(places)?)?,
                    Value::Decimal(number) => scaled(*number, places)?,
                    _ => return None,
                };
                (low..=high).contains(&wanted).then(|| {
                    let (mut below, mut above) = (0, Place::MAX);
                    while below < above {
                        let middle = below + (above - below) / 2;
                        if between(low, high, middle) < wanted {
                            below = middle + 1;
                        } else {
                            above = middle;
                        }
                    }
                    below
                })
            }
        }
    }
}

fn no_param(name: &str, policy: &PolicyKind) -> String {
    let names = || policy.params.iter().map(|param| param.name);
    let remedy = match meant(name, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if policy.params.is_empty() => "it has none".to_owned(),
        None => format!("they are {}", names().collect::<Vec<_>>().join(", ")),
    };
    format!("`{}` has no parameter `{name}`: {remedy}", policy.name)
}

impl Range {
    fn read(values: &str, page_size: u64) -> Result<Self, String> {
        let Some((low, high)) = values.split_once("..") else {
            let values: Vec<String> =
                values.split(',').map(|value| value.trim().to_owned()).collect();
            if values.iter().any(String::is_empty) {
                return Err("a value is missing between commas".to_owned());
            }
            return Ok(Self::Listed(values));
        };
        let (low, high) = (low.trim(), high.trim());
        let range = match (Decimal::parse(low), Decimal::parse(high)) {
            (Some(low), Some(high)) => decimals(low, high),
            _ => with_units(low, high, page_size),
        };
        let range = range.ok_or_else(|| {
            format!("`{low}..{high}` is no range: two numbers, sizes or durations are expected")
        })?;
        match range {
            Self::Between { low, high, .. } if low >= high => {
                Err(format!("`{values}` ends where it begins or before"))
            }
            range => Ok(range),
        }
    }
}

/// Two whole numbers are a range of whole numbers. Others have two more places than they are
/// written with.
fn decimals(low: Decimal, high: Decimal) -> Option<Range> {
    let places = match low.places.max(high.places) {
        0 => 0,
        places => (places + 2).min(9),
    };
    let (low, high) = (scaled(low, places)?, scaled(high, places)?);
    Some(Range::Between { low, high, places, suffix: "" })
}

fn with_units(low: &str, high: &str, page_size: u64) -> Option<Range> {
    if let (Ok(low), Ok(high)) = (parse_size(low), parse_size(high)) {
        let (low, high) = (low.div_ceil(page_size), high / page_size);
        return Some(Range::Between { low, high, places: 0, suffix: "" });
    }
    let (low, high) = (parse_duration(low).ok()?, parse_duration(high).ok()?);
    Some(Range::Between { low, high, places: 0, suffix: " ns" })
}

/// The number in units of 10^-`places`, if it is a whole number of them.
fn scaled(number: Decimal, places: u32) -> Option<u64> {
    let more = places.checked_sub(number.places)?;
    number.digits.checked_mul(10_u64.checked_pow(more)?)
}

/// From a sixteenth of a parameter's default to sixteen times it, inside its domain; all words of a
/// choice.
fn around_default(param: &Param, page_size: u64) -> Result<Range, String> {
    const FACTOR: u64 = 16;
    let give = |why: &str| {
        let name = param.name;
        Err(format!("{why}; say what `{name}` may be: `{name}=LOW..HIGH` or `{name}=A,B`"))
    };
    let default = param.default_on(page_size);
    let (domain_low, domain_high, number, places) = match (param.domain, &default) {
        (Domain::Choice(words), _) => {
            return Ok(Range::Listed(words.iter().map(|&word| word.to_owned()).collect()));
        }
        (Domain::Integer { min, max }, Value::Integer(default)) => (min, max, *default, 0),
        (Domain::Frames { min } | Domain::Ticks { min }, Value::Integer(default)) => {
            (min, u64::MAX, *default, 0)
        }
        (Domain::Decimal { min, max }, Value::Decimal(default)) => {
            let places = (default.places.max(min.places) + 2).min(9);
            let or_most = |number| scaled(number, places).unwrap_or(u64::MAX);
            (or_most(min), or_most(max), or_most(*default), places)
        }
        _ => return give("it takes no number"),
    };
    let low = (number / FACTOR).max(domain_low);
    let high = number.saturating_mul(FACTOR).min(domain_high).min(u64::MAX >> 1);
    if low >= high {
        return give("its default is 0 or as large as it may be");
    }
    Ok(Range::Between { low, high, places, suffix: "" })
}

/// The number at a place of `low..=high`.
fn between(low: u64, high: u64, place: Place) -> u64 {
    if low == 0 || high / low < 8 {
        return low + slot(place, u128::from(high - low) + 1) as u64;
    }
    // Halving an interval at its geometric mean, by the bits of the place, takes only whole
    // numbers, so it is the same on every machine.
    let shift = high.leading_zeros().saturating_sub(1).min(20);
    let (mut from, mut to) = (u128::from(low) << shift, (u128::from(high) + 1) << shift);
    for bit in (0..Place::BITS).rev() {
        let middle = (from * to).isqrt();
        if place >> bit & 1 == 1 {
            from = middle;
        } else {
            to = middle;
        }
    }
    ((from >> shift) as u64).clamp(low, high)
}

/// Which of `slots` equal parts of a range a place is in.
fn slot(place: Place, slots: u128) -> u128 {
    (u128::from(place) * slots) >> Place::BITS
}

/// The part of the ranges of all knobs that is searched: for each, from where, and how much, in
/// units of 2⁻³².
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region(Vec<(Place, u64)>);

impl Region {
    /// Everything.
    pub(super) fn whole(knobs: usize) -> Self {
        Self(vec![(0, 1 << 32); knobs])
    }

    /// A quarter of its length around these places.
    pub(super) fn around(&self, places: &[Place]) -> Self {
        let part = |(&(from, length), &place): (&(Place, u64), &Place)| {
            let quarter = (length / 4).max(1);
            let last = u64::from(from) + length - quarter;
            let begin = u64::from(place).saturating_sub(quarter / 2).clamp(u64::from(from), last);
            (begin as Place, quarter)
        };
        Self(self.0.iter().zip(places).map(part).collect())
    }

    /// A Latin hypercube of `count` settings: each range is cut into as many parts, and each part
    /// is used once (M. `McKay`, R. Beckman and W. Conover, Technometrics 21(2), 1979).
    pub(super) fn sample(&self, count: usize, stream: &mut Stream) -> Vec<Vec<Place>> {
        let mut settings = vec![Vec::new(); count];
        for &(from, length) in &self.0 {
            let mut parts: Vec<u64> = (0..count as u64).collect();
            for at in (1..count).rev() {
                parts.swap(at, stream.below(at as u64 + 1) as usize);
            }
            for (setting, part) in settings.iter_mut().zip(parts) {
                let inside = (part << 32 | stream.below(1 << 32)) / count as u64;
                let offset = (u128::from(length) * u128::from(inside)) >> 32;
                setting.push(from + offset as Place);
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance;
    use crate::random::Generator;

    fn policy(name: &str) -> &'static PolicyKind {
        balance::ALL.iter().find(|kind| kind.name == name).unwrap()
    }

    fn knob(text: &str) -> Knob {
        Knob::parse(text, policy("senpai"), 4096).unwrap()
    }

    #[test]
    fn a_range_is_walked_from_end_to_end() {
        let every = knob("checkpoint.every=10..12");
        let values: Vec<String> =
            [0, 1 << 30, 1 << 31, u32::MAX].map(|place| every.at(place)).to_vec();
        assert_eq!(values, ["10", "10", "11", "12"]);
        let half = 1 << 31;
        assert_eq!(knob("checkpoint.every=1..10_000".replace('_', "").as_str()).at(half), "100");
        assert_eq!(knob("cost.x=0.1..0.5").at(half), "0.300");
        assert_eq!(knob("host.memory=64KiB..128KiB").at(u32::MAX), "32");
        assert_eq!(knob("checkpoint.every=1ms..2ms").at(0), "1000000 ns");
        assert_eq!(knob("a.b=x, y").at(half), "y");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["a.b=3..3", "a.b=4..x", "a.b=,1", "a.b", "no-such"] {
            assert!(Knob::parse(text, policy("senpai"), 4096).is_err(), "{text}");
        }
    }

    /// Each number of a range has a place, and the place gives the number again.
    #[test]
    fn the_place_of_a_default_gives_the_default() {
        for kind in balance::ALL {
            let settings = Settings::defaults(kind.params);
            for knob in Knob::all_of(kind, 4096) {
                let (_, value) = settings.iter().find(|(name, _)| *name == knob.name).unwrap();
                let place = knob.place_in(&settings).unwrap();
                let found = Decimal::parse(&knob.at(place));
                let same = match value {
                    Value::Integer(number) => {
                        found.and_then(|found| scaled(found, 0)) == Some(*number)
                    }
                    Value::Decimal(number) => {
                        let found = found.unwrap();
                        scaled(*number, found.places) == Some(found.digits)
                    }
                    other => knob.at(place) == other.to_string(),
                };
                assert!(same, "{} {}: {} is not {value}", kind.name, knob.name, knob.at(place));
            }
        }
    }

    #[test]
    fn a_latin_hypercube_uses_each_part_once() {
        let mut stream = Stream::new(Generator::ChaCha8, 3, 0, "test");
        let region = Region::whole(2).around(&[1 << 31, 0]);
        let settings = region.sample(8, &mut stream);
        for (knob, from) in [(0, 3 << 29), (1, 0)] {
            let mut parts: Vec<u32> =
                settings.iter().map(|setting| (setting[knob] - from) >> 27).collect();
            parts.sort_unstable();
            assert_eq!(parts, [0, 1, 2, 3, 4, 5, 6, 7]);
        }
    }
}
