//! Content hashes for manifests: FNV-1a today, behind this one type.

use std::fmt;

use crate::random::{FNV1A_START, fnv1a_more};

/// A hash of bytes, taken piece by piece. Displayed as the algorithm's name and 16 hexadecimal
/// digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(FNV1A_START)
    }
}

impl Digest {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = Self::default();
        digest.update(bytes);
        digest
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = fnv1a_more(self.0, bytes);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "fnv1a:{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_hash_of_the_whole() {
        let mut digest = Digest::of(b"foo");
        digest.update(b"bar");
        assert_eq!(digest.to_string(), "fnv1a:85944171f73967e8", "FNV-1a's published vector");
    }
}
