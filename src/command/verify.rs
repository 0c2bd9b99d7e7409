pub(crate) use super::check::Args;
pub(crate) use super::check::run;
