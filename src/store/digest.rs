//! Content hashes for manifests: BLAKE3, for which collisions cannot be constructed.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The hash of bytes. Displayed as the algorithm's name and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl Digest {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes))
    }
}

/// Computes a [`Digest`] incrementally.
#[derive(Clone, Debug, Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far.
    pub fn digest(&self) -> Digest {
        Digest(self.0.finalize())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "blake3:{}", self.0.to_hex())
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
        let digits = text.strip_prefix("blake3:");
        let hash = digits.and_then(|digits| blake3::Hash::from_hex(digits).ok());
        let hash = hash.map(Self).filter(|hash| hash.to_string() == text);
        hash.ok_or_else(|| D::Error::custom(format!("`{text}` is not a hash, expected blake3:…")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published hash of `abc`.
    const ABC: &str = "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";

    #[test]
    fn a_hash_is_read_as_it_is_shown_and_in_no_other_form() {
        let read = |text: &str| serde_json::from_str::<Digest>(&format!("\"{text}\""));
        assert_eq!(read(ABC).unwrap(), Digest::of(b"abc"));
        for wrong in [&ABC[7..], &ABC.to_uppercase(), "blake3:1", "fnv1a:85944171f73967e8"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Digest>("1").is_err());
    }

    #[test]
    fn pieces_make_the_hash_of_the_whole() {
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.digest().to_string(), ABC);
    }
}
