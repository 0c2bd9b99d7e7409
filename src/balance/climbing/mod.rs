//! Policies that climb: shadow hits say which VM would gain from a little more, and a little moves.

pub(super) mod cliffhanger_like;
pub(super) mod memshare_like;

#[cfg(test)]
mod tests {
    use crate::balance::PolicyKind;
    use crate::balance::split::tests::view;
    use crate::params::{Settings, Value};
    use crate::random::{Generator, Stream};
    use crate::units::Decimal;

    /// The frames after so many checkpoints, each with these shadow hits, where three VMs begin
    /// with a third of the host each and shadow lists are three tenths of it.
    pub(super) fn climbed(
        kind: &PolicyKind,
        host: u64,
        hits: &[u64],
        checkpoints: usize,
    ) -> Vec<u64> {
        let mut view = view(host, &[host / 3; 3]);
        let mut settings = Settings::defaults(kind.params);
        if settings.iter().any(|(name, _)| name == "shadow") {
            settings.set("shadow", Value::Decimal(Decimal { digits: 3, places: 1 }));
        }
        let mut policy = (kind.build)(&settings);
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test");
        for _ in 0..checkpoints {
            for (vm, &hits) in view.vms.iter_mut().zip(hits) {
                vm.seen.shadow_hits = hits;
            }
            let plan = policy.plan(&view, &mut rng).unwrap();
            for (vm, frames) in view.vms.iter_mut().zip(plan.0) {
                vm.allocation = frames;
            }
        }
        view.vms.iter().map(|vm| vm.allocation.0).collect()
    }
}
