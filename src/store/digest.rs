//! Content hashes for manifests, currently FNV-1a, behind this one type.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for Digest {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix("fnv1a:").filter(|digits| digits.len() == 16);
        let hash = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let hash = hash.map(Self).filter(|hash| hash.to_string() == text);
        hash.ok_or_else(|| D::Error::custom(format!("`{text}` is not a hash, expected fnv1a:…")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_shown_and_in_no_other_form() {
        let text = "\"fnv1a:85944171f73967e8\"";
        assert_eq!(serde_json::from_str::<Digest>(text).unwrap(), Digest::of(b"foobar"));
        for wrong in ["\"85944171f73967e8\"", "\"fnv1a:85944171F73967E8\"", "\"fnv1a:1\"", "1"] {
            assert!(serde_json::from_str::<Digest>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pieces_make_the_hash_of_the_whole() {
        let mut digest = Digest::of(b"foo");
        digest.update(b"bar");
        assert_eq!(digest.to_string(), "fnv1a:85944171f73967e8", "FNV-1a's published vector");
    }
}
