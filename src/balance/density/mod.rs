//! Policies of this project: frames go where they earn the most hits.

pub(super) mod hit_density;
