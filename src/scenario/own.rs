//! What the caller of the library brings, and no list has.

use crate::replace::ReplacementKind;

/// Policies and replacement algorithms of the caller's own, which a document may name.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Names of policies. In a checked scenario `static` stands in their place; the caller runs the
    /// policy that the document names, in a [`PolicyRun`](crate::simulate::PolicyRun).
    pub policies: Vec<&'static str>,
    /// Algorithms; see [`ReplacementKind::own`].
    pub replacements: Vec<&'static ReplacementKind>,
}
