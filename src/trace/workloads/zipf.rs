//! Zipf: the page of rank k is drawn in proportion to 1 / k^alpha.
//!
//! *Idea.* A few pages get most accesses and a long tail gets the rest, as is common for caches and
//! heaps. Each access is drawn independently from a table in O(1).
//! *Follows.* The independent reference model with Zipf's law: L. Breslau et al., "Web Caching and
//! Zipf-like Distributions: Evidence and Implications", INFOCOM 1999. The table is the alias method
//! of A. J. Walker, ACM Transactions on Mathematical Software 3(3), 1977, built as M. D. Vose, "A
//! Linear Algorithm for Generating Random Numbers with a Given Distribution", IEEE Transactions on
//! Software Engineering 17(9), 1991.
//! *Departs.* Everything is in integers, so that every machine draws the same pages. Weights are
//! fixed-point with a relative error below 2⁻³⁰ for pages with at least 2⁻³² of an even share;
//! rarer pages are rounded down, possibly to 0, and page 1 gets the remainder.
//! *Cost.* O(1) per access; 28 bytes and about 0.2 µs per page to build.
//! *Parameters.* `pages` (pages, 1024, ours), `alpha` (0.9, the middle of what Breslau et al.
//! measured, rounded up), `shuffle` (yes: hot pages are spread over all numbers), `writes`,
//! `first_page`.

use super::{BATCH, FIRST_PAGE, PAGES, Sink, WRITES, WorkloadKind, WorkloadSpec, whole};
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::Decimal;

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "zipf",
    summary: "the page of rank k is drawn in proportion to 1 / k^alpha",
    follows: "Breslau et al., Web Caching and Zipf-like Distributions, INFOCOM 1999",
    params: &[PAGES, ALPHA, SHUFFLE, WRITES, FIRST_PAGE],
    nests: false,
    check: |_| Ok(()),
    generate,
};

/// The exponent of Zipf's law.
pub(super) const ALPHA: Param = Param {
    name: "alpha",
    doc: "skew: 0 is uniform; 0.64 to 0.83 were measured by Breslau et al. (1999)",
    domain: Domain::Decimal { min: whole(0), max: whole(8) },
    default: Value::Decimal(Decimal { digits: 9, places: 1 }),
};

const SHUFFLE: Param = Param {
    name: "shuffle",
    doc: "whether ranks are assigned to pages at random; otherwise rank 1 is the first page",
    domain: Domain::Choice(&["yes", "no"]),
    default: Value::Choice("yes"),
};

fn generate(spec: &WorkloadSpec, sink: &mut Sink<'_>) {
    let pages = spec.settings.integer(PAGES.name);
    let mut table = Table::new(pages, spec.settings.decimal(ALPHA.name));
    if spec.settings.choice(SHUFFLE.name) == "yes" {
        let mut page_of: Vec<u32> = (0..pages as u32).collect();
        for at in (1..page_of.len()).rev() {
            page_of.swap(at, sink.stream.below(at as u64 + 1) as usize);
        }
        table.deal(&page_of);
    }
    // All draws come first, so that the loads from the table overlap.
    let mut places = [0; BATCH];
    let mut left = spec.accesses;
    while left > 0 {
        let places = &mut places[..BATCH.min(left as usize)];
        for place in &mut *places {
            *place = table.draw_place(sink.stream);
            sink.draw_kind();
        }
        for &place in &*places {
            sink.put(table.at(place).into());
        }
        left -= places.len() as u64;
    }
}

/// Draws ranks from 0, rank k with a probability proportional to 1 / (k + 1)^alpha.
pub(super) struct Table {
    columns: Vec<Column>,
}

/// A column of the alias method: `cut` of its 2³² shares belong to `own`, the rest to `other`.
#[derive(Clone, Copy)]
struct Column {
    cut: u32,
    own: u32,
    other: u32,
}

/// The shares of a column.
const SHARES: u64 = 1 << 32;

impl Table {
    pub(super) fn new(ranks: u64, alpha: Decimal) -> Self {
        let mut shares = shares(ranks, alpha);
        let mut columns: Vec<Column> =
            (0..ranks as u32).map(|own| Column { cut: u32::MAX, own, other: own }).collect();
        let is_small = |share: u64| share < SHARES;
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..ranks as u32).rev().partition(|&rank| is_small(shares[rank as usize]));
        // The shares sum to one column per rank, so as long as a small rank is left, so is a large
        // one.
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            let own = shares[poor as usize];
            columns[poor as usize] = Column { cut: own as u32, own: poor, other: rich };
            shares[rich as usize] -= SHARES - own;
            if is_small(shares[rich as usize]) {
                large.pop();
                small.push(rich);
            }
        }
        Self { columns }
    }

    #[inline]
    pub(super) fn draw(&self, stream: &mut Stream) -> u32 {
        self.at(self.draw_place(stream))
    }

    #[inline]
    fn draw_place(&self, stream: &mut Stream) -> u64 {
        stream.below(self.columns.len() as u64 * SHARES)
    }

    #[inline]
    fn at(&self, place: u64) -> u32 {
        let Column { cut, own, other } = self.columns[(place / SHARES) as usize];
        if (place as u32) < cut { own } else { other }
    }

    /// Assigns each rank to the page given by `page_of`.
    fn deal(&mut self, page_of: &[u32]) {
        for column in &mut self.columns {
            column.own = page_of[column.own as usize];
            column.other = page_of[column.other as usize];
        }
    }
}

/// The share of each rank; the sum is 2³² times the number of ranks.
fn shares(ranks: u64, alpha: Decimal) -> Vec<u64> {
    let powers = Powers::new(alpha);
    let mut shares: Vec<u64> = (1..=ranks).map(|rank| powers.weight(rank)).collect();
    let sum: u128 = shares.iter().map(|&weight| u128::from(weight)).sum();
    let all = u128::from(ranks * SHARES);
    // At most 2⁶⁰, because the sum is at least 2⁶² and there are at most 2²⁶ ranks.
    let share_of_one = (all << 64) / sum;
    for share in &mut shares {
        *share = ((u128::from(*share) * share_of_one) >> 64) as u64;
    }
    shares[0] += (all - shares.iter().map(|&share| u128::from(share)).sum::<u128>()) as u64;
    shares
}

/// Fractional bits of logarithms.
const LOG_BITS: u32 = 40;
/// Fractional bits of weights: the weight of rank 1 is 2⁶².
const WEIGHT_BITS: u32 = 62;
/// Fractional bits of alpha.
const ALPHA_BITS: u32 = 60;

/// Computes rank^(−alpha) = 2^(−alpha · log2 rank).
struct Powers {
    alpha: u128,
    /// 2^(−digit / 256^(place + 1)) for each of the five fractional base-256 digits.
    of_digit: [[u64; 256]; LOG_BITS as usize / 8],
}

impl Powers {
    fn new(alpha: Decimal) -> Self {
        let roots = roots_of_half();
        let product = |a: u64, b: u64| ((u128::from(a) * u128::from(b)) >> WEIGHT_BITS) as u64;
        let of_digit = std::array::from_fn(|place| {
            std::array::from_fn(|digit| {
                let bits = (0..8).filter(|bit| digit >> (7 - bit) & 1 == 1);
                bits.fold(1 << WEIGHT_BITS, |power, bit| product(power, roots[place * 8 + bit]))
            })
        });
        let alpha = (u128::from(alpha.digits) << ALPHA_BITS) / u128::from(alpha.denominator());
        Self { alpha, of_digit }
    }

    fn weight(&self, rank: u64) -> u64 {
        let exponent = (u128::from(log2(rank)) * self.alpha) >> ALPHA_BITS;
        let whole = exponent >> LOG_BITS;
        if whole >= u128::from(WEIGHT_BITS) {
            return 0;
        }
        let digits = ((exponent as u64) << (64 - LOG_BITS)).to_be_bytes();
        let power =
            self.of_digit.iter().zip(digits).fold(1 << WEIGHT_BITS, |power, (of, digit)| {
                ((u128::from(power) * u128::from(of[usize::from(digit)])) >> WEIGHT_BITS) as u64
            });
        power >> whole
    }
}

/// The binary logarithm of `number`, which is at least 1, by repeated squaring: a square of 2 or
/// more gives a one bit.
fn log2(number: u64) -> u64 {
    let whole = number.ilog2();
    // In [1, 2), with 63 fractional bits.
    let mut mantissa = number << (63 - whole);
    let mut log = u64::from(whole);
    for _ in 0..LOG_BITS {
        let square = u128::from(mantissa) * u128::from(mantissa);
        let carry = (square >> 127) as u32;
        mantissa = (square >> (63 + carry)) as u64;
        log = log << 1 | u64::from(carry);
    }
    log
}

/// 2^(−1/2), 2^(−1/4), 2^(−1/8) …, each the square root of the one before.
fn roots_of_half() -> [u64; LOG_BITS as usize] {
    let mut power = 1_u64 << (WEIGHT_BITS - 1);
    std::array::from_fn(|_| {
        power = (u128::from(power) << WEIGHT_BITS).isqrt() as u64;
        power
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn weights_are_those_of_floating_point() {
        for alpha in ["0", "0.5", "0.9", "1", "1.25", "3"] {
            let powers = Powers::new(decimal(alpha));
            let alpha_f64: f64 = alpha.parse().unwrap();
            for rank in [1_u64, 2, 3, 7, 10, 999, 65_536, 1_000_003] {
                let expected = (rank as f64).powf(-alpha_f64) * (1_u64 << WEIGHT_BITS) as f64;
                let found = powers.weight(rank) as f64;
                let error = (found - expected).abs() / expected.max(1.0);
                assert!(error < 2.0_f64.powi(-30) + 1.0 / expected, "{alpha} {rank}: {error}");
            }
        }
    }

    #[test]
    fn columns_give_each_rank_exactly_its_shares() {
        for (ranks, alpha) in [(1, "1"), (2, "8"), (10, "0"), (1000, "0.9"), (4097, "2.5")] {
            let expected = shares(ranks, decimal(alpha));
            let mut found = vec![0_u64; ranks as usize];
            for Column { cut, own, other } in Table::new(ranks, decimal(alpha)).columns {
                found[own as usize] += u64::from(cut);
                found[other as usize] += SHARES - u64::from(cut);
            }
            assert_eq!(found, expected, "{ranks} {alpha}");
            assert_eq!(expected.iter().sum::<u64>(), ranks * SHARES);
        }
    }
}
