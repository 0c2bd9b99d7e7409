//! What a VM's pages hold, as far as equality goes.
//!
//! A scenario declares that pages hold zeros, pages of an image, or what a list of fingerprints
//! says; equal declarations are equal contents, also in different VMs. What it does not declare is
//! unique, and so is what is written: contents that come back are not modelled.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::random::mix;
use crate::trace::Trace;
use crate::units::Decimal;

/// What a page holds: pages of one class hold the same. [`OWN`] is what no other page holds.
pub(crate) type Class = u32;

/// What no other page holds.
pub(crate) const OWN: Class = 0;
/// Zeros.
pub(crate) const ZERO: Class = 1;

/// Where declared contents come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Zeros.
    Zero,
    /// An image: the first page holds the image's page `offset`.
    Image {
        /// Its name.
        name: String,
        /// The image's page in the first page.
        offset: u64,
    },
    /// A list of fingerprints, as a memory dump gives it: equal ones are equal contents.
    File {
        /// The path, as the scenario gives it.
        path: String,
        /// The fingerprint of each page that has one.
        ids: Arc<BTreeMap<u64, Arc<str>>>,
    },
}

/// A declaration: pages of a VM, by the trace's own numbers, and what they hold at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The first page.
    pub from: u64,
    /// The page after the last.
    pub until: u64,
    /// What they hold.
    pub source: Source,
    /// The part of them that hold it, chosen by a hash of the image's page, so that VMs with the
    /// same part of an image have the same pages of it; the others are unique.
    pub part: Decimal,
}

/// A content by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Image(String, u64),
    Listed(Arc<str>),
}

/// The classes of all contents that a scenario's VMs declare.
#[derive(Debug, Default)]
pub(crate) struct Classes(BTreeMap<Named, Class>);

impl Classes {
    /// What each page of a trace holds at first. The first declaration that speaks of a page
    /// counts.
    pub(crate) fn of(&mut self, trace: &Trace, holds: &[Holds]) -> Vec<Class> {
        let of_page = |page: u64| holds.iter().find_map(|holds| self.declared(page, holds));
        trace
            .numbers()
            .iter()
            .map(|page| page.0)
            .map(of_page)
            .map(Option::unwrap_or_default)
            .collect()
    }

    /// What the page holds by this declaration; `None` if it does not speak of the page.
    fn declared(&mut self, page: u64, holds: &Holds) -> Option<Class> {
        let Holds { from, until, source, part } = holds;
        if !(*from..*until).contains(&page) {
            return None;
        }
        let named = match source {
            Source::Zero => return is_chosen(page, *part).then_some(ZERO),
            Source::Image { name, offset } => {
                let of_image = page - from + offset;
                is_chosen(of_image, *part).then(|| Named::Image(name.clone(), of_image))?
            }
            Source::File { ids, .. } => Named::Listed(Arc::clone(ids.get(&page)?)),
        };
        let next = ZERO + 1 + self.0.len() as Class;
        Some(*self.0.entry(named).or_insert(next))
    }
}

/// Whether the page belongs to the part of the pages that hold what is declared.
fn is_chosen(page: u64, part: Decimal) -> bool {
    const SALT: u64 = 0x7061_7274;
    mix(SALT, page) % part.denominator() < part.digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: [u64; 2], source: Source, tenths: u64) -> Holds {
        let part = Decimal { digits: tenths, places: 1 };
        Holds { from: range[0], until: range[1], source, part }
    }

    fn image(name: &str, offset: u64) -> Source {
        Source::Image { name: name.to_owned(), offset }
    }

    #[test]
    fn equal_declarations_are_equal_contents() {
        let trace = Trace::from_pages([3, 4, 5, 6, 7, 8]);
        let mut classes = Classes::default();
        let first = classes
            .of(&trace, &[holds([3, 5], image("os", 1), 10), holds([4, 7], Source::Zero, 10)]);
        // The first declaration of page 4 counts, and nothing declares pages 7 and 8.
        assert_eq!(first, [2, 3, ZERO, ZERO, OWN, OWN]);
        let ids = BTreeMap::from([(5, Arc::from("a")), (6, Arc::from("b")), (7, Arc::from("a"))]);
        let file = Source::File { path: String::new(), ids: Arc::new(ids) };
        let all = [holds([3, 4], image("os", 2), 10), holds([0, 100], file, 10)];
        assert_eq!(classes.of(&trace, &all), [3, OWN, 4, 5, 4, OWN]);
        assert_eq!(classes.of(&trace, &[holds([3, 4], image("other", 2), 10)])[0], 6);
    }

    #[test]
    fn a_part_of_the_pages_is_the_same_in_every_vm() {
        let trace = Trace::from_pages(0..1000);
        let shifted = Trace::from_pages(5000..6000);
        let mut classes = Classes::default();
        let here = classes.of(&trace, &[holds([0, 1000], image("os", 0), 3)]);
        let there = classes.of(&shifted, &[holds([5000, 6000], image("os", 0), 3)]);
        assert_eq!(here, there);
        let chosen = here.iter().filter(|&&class| class != OWN).count();
        assert!((200..400).contains(&chosen), "about three of ten: {chosen}");
    }
}
