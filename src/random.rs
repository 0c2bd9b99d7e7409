//! Randomness in named streams: the same draws on every machine and in every release.
//!
//! A [`Stream`] is keyed by the seed, the repetition and the *name* of its purpose ("policy",
//! "vm/web/workload"), so adding a VM or a draw elsewhere changes no other stream. Random words
//! come from `ChaCha8`; distributions are implemented here, because a library's may change between
//! releases. No other file names the rand crates.

use std::hash::{BuildHasherDefault, Hasher};

use indexmap::IndexMap;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The generator of the policies' draws; workloads always use `ChaCha8`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Generator {
    /// `ChaCha8` with one stream per purpose.
    #[default]
    ChaCha8,
    /// The C library's `rand()` as the report's program calls it, `rand() % n`.
    Glibc,
}

impl Generator {
    /// Every generator with its name in scenarios and flags.
    pub const ALL: &[(&'static str, Self)] = &[("chacha8", Self::ChaCha8), ("glibc", Self::Glibc)];

    /// Its name in scenarios and flags.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, generator)| *generator == self).map_or("", |(name, _)| name)
    }
}

/// A stream of random draws for one purpose.
#[derive(Clone, Debug)]
pub struct Stream {
    engine: Engine,
    trail: u64,
}

#[derive(Clone, Debug)]
enum Engine {
    ChaCha8(Box<ChaCha8Rng>),
    Glibc(Box<Glibc>),
}

impl Stream {
    /// The stream called `purpose` of repetition `repetition` under `seed`.
    ///
    /// glibc's generator has neither streams nor repetitions: it is seeded with the low 32 bits of
    /// `seed`, as by `srand`.
    pub fn new(generator: Generator, seed: u64, repetition: u64, purpose: &str) -> Self {
        let engine = match generator {
            Generator::ChaCha8 => {
                let mut key = *b"........,,,,,,,,balloonist/1....";
                key[..8].copy_from_slice(&seed.to_le_bytes());
                key[8..16].copy_from_slice(&repetition.to_le_bytes());
                let mut words = ChaCha8Rng::from_seed(key);
                words.set_stream(fnv1a(purpose.as_bytes()));
                Engine::ChaCha8(Box::new(words))
            }
            Generator::Glibc => Engine::Glibc(Box::new(Glibc::new(seed as u32))),
        };
        Self { engine, trail: fnv1a(b"") }
    }

    /// A uniform number below `bound` (glibc's `rand() % bound` is slightly biased).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        let drawn = match &mut self.engine {
            Engine::ChaCha8(words) => below(bound, || words.next_u64()),
            Engine::Glibc(rand) => u64::from(rand.next()) % bound,
        };
        self.trail = mix(self.trail, drawn);
        drawn
    }

    /// A hash of all draws so far, for the fingerprint of a run.
    pub fn trail(&self) -> u64 {
        self.trail
    }
}

/// Lemire's multiply-and-reject ("Fast random integer generation in an interval", ACM Transactions
/// on Modeling and Computer Simulation 29(1), 2019): the high half of word · bound, where the low
/// half is not among the first 2⁶⁴ mod bound values.
fn below(bound: u64, mut word: impl FnMut() -> u64) -> u64 {
    loop {
        let product = u128::from(word()) * u128::from(bound);
        let low = product as u64;
        // The slow division is rarely needed: its remainder is less than the bound.
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 64) as u64;
        }
    }
}

/// The 64-bit FNV-1a hash of `bytes` (Fowler, Noll and Vo; IETF draft-eastlake-fnv).
pub fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_more(FNV1A_START, bytes)
}

/// A map in insertion order with an unseeded hasher.
pub(crate) type Map<K, V> = IndexMap<K, V, BuildHasherDefault<Fnv1a>>;

/// [`fnv1a`] for maps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(FNV1A_START)
    }
}

impl Hasher for Fnv1a {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = fnv1a_more(self.0, bytes);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The FNV-1a hash of no bytes.
const FNV1A_START: u64 = 0xcbf2_9ce4_8422_2325;

/// Continues the FNV-1a hash `hash` over these bytes.
fn fnv1a_more(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Adds a word to a rolling 64-bit hash: FNV-1a's step over a whole word, then a rotation, because
/// multiplication only carries towards high bits.
pub fn mix(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// glibc's `rand()`: the additive-feedback generator r(i) = r(i−3) + r(i−31) mod 2³².
///
/// The first 31 words are r(0) = seed and r(i) = 16807·r(i−1) mod (2³¹ − 1); the first 310 sums are
/// discarded, and a draw is a sum without its lowest bit (glibc, `stdlib/random_r.c`, `TYPE_3`).
#[derive(Clone, Debug)]
struct Glibc {
    words: [u32; 31],
    /// The slot of r(i−31), which r(i) replaces.
    at: usize,
}

impl Glibc {
    fn new(seed: u32) -> Self {
        let mut words = [0; 31];
        // srand(0) is srand(1); a seed of 2³¹ or more is a negative int there.
        let mut word = i64::from(seed.max(1) as i32);
        words[0] = word as u32;
        for slot in &mut words[1..] {
            word = (16807 * word) % 0x7fff_ffff;
            if word < 0 {
                word += 0x7fff_ffff;
            }
            *slot = word as u32;
        }
        // r(31) to r(33) repeat r(0) to r(2), so the sums begin at slot 34 mod 31.
        let mut rand = Self { words, at: 3 };
        for _ in 34..344 {
            rand.next();
        }
        rand
    }

    fn next(&mut self) -> u32 {
        let sum = self.words[self.at].wrapping_add(self.words[(self.at + 28) % 31]);
        self.words[self.at] = sum;
        self.at = (self.at + 1) % 31;
        sum >> 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first draws of an unseeded `rand()`, as in the C library's manual pages.
    #[test]
    fn glibc_rand_gives_the_published_sequence() {
        let mut rand = Glibc::new(1);
        let drawn: Vec<u32> = (0..5).map(|_| rand.next()).collect();
        assert_eq!(
            drawn,
            [1_804_289_383, 846_930_886, 1_681_692_777, 1_714_636_915, 1_957_747_793]
        );
        assert_eq!(Glibc::new(0).next(), 1_804_289_383, "srand(0) is srand(1)");
    }

    /// FNV-1a's published test vectors (draft-eastlake-fnv, appendix C).
    #[test]
    fn fnv1a_gives_the_published_hashes() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// Literal draws, computed by a second implementation in another language of `ChaCha` with
    /// eight rounds (D. J. Bernstein, "`ChaCha`, a variant of `Salsa20`", 2008), FNV-1a and the
    /// bounded draw. No release of ours or of a library may change them.
    #[test]
    fn draws_never_change() {
        for (seed, repetition, purpose, small, large) in [
            (1, 0, "policy", [87, 785, 807, 986, 563, 322], 1_085_446_761_971),
            (1, 0, "vm/web/workload", [80, 719, 693, 206, 859, 722], 149_746_370_973),
            (7, 3, "policy", [116, 204, 794, 278, 405, 231], 1_055_631_373_632),
        ] {
            let mut stream = Stream::new(Generator::ChaCha8, seed, repetition, purpose);
            assert_eq!([0; 6].map(|_| stream.below(1000)), small, "{seed} {repetition} {purpose}");
            assert_eq!(stream.below(1 << 40), large, "{seed} {repetition} {purpose}");
        }
    }

    #[test]
    fn streams_of_different_names_seeds_and_repetitions_differ() {
        let first = |seed, repetition, purpose| {
            let mut stream = Stream::new(Generator::ChaCha8, seed, repetition, purpose);
            [0; 4].map(|_| stream.below(1 << 60))
        };
        let policy = first(1, 0, "policy");
        assert_eq!(policy, first(1, 0, "policy"));
        for other in [first(2, 0, "policy"), first(1, 1, "policy"), first(1, 0, "vm/a/workload")] {
            assert_ne!(policy, other);
        }
    }

    #[test]
    fn a_bounded_draw_hits_every_value_about_equally_often() {
        let mut stream = Stream::new(Generator::ChaCha8, 7, 0, "test");
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        // Five standard deviations of a binomial count with n = 60000 and p = 1/6 are 456.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 456), "{counts:?}");
    }

    #[test]
    fn a_rejected_word_is_drawn_again() {
        // For bound 3, 2⁶⁴ mod 3 = 1 low product is rejected: that of the word 0.
        let mut words = [0, u64::MAX].into_iter();
        assert_eq!(below(3, || words.next().unwrap()), 2);
    }
}
