//! Exact arithmetic of rules that were published with fractions: products rounded down, in
//! integers, so that no floating-point number decides.

use super::{Plan, View};
use crate::params::Settings;
use crate::units::{Decimal, Frames};

/// ⌊`amount` · `numerator` / `denominator`⌋, or the largest number where that is larger still.
pub(super) fn part(amount: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(amount) * u128::from(numerator);
    u64::try_from(product / u128::from(denominator)).unwrap_or(u64::MAX)
}

/// ⌊`frames` · `factor`⌋.
pub(super) fn times(frames: Frames, factor: Decimal) -> Frames {
    Frames(part(frames.0, factor.digits, factor.denominator()))
}

/// A parameter that counts frames, in bytes.
pub(super) fn bytes(settings: &Settings, name: &str) -> i128 {
    i128::from(settings.integer(name)) * i128::from(settings.page_size())
}

/// The bytes that count as a MiB by a parameter of frames, 0 of which stand for a true MiB.
pub(super) fn mebibyte(settings: &Settings, name: &str) -> u128 {
    match bytes(settings, name).unsigned_abs() {
        0 => 1 << 20,
        bytes => bytes,
    }
}

/// Binary digits of a frame in which rules that work in bytes or fractions are computed, so that
/// only the result is rounded to a frame.
const FINE: u32 = 24;

/// A number of frames in 2⁻²⁴ of a frame.
pub(super) fn fine(frames: Frames) -> i128 {
    i128::from(frames.0) << FINE
}

/// The whole frames of so many 2⁻²⁴ of a frame; less than nothing is nothing.
pub(super) fn whole(fine: i128) -> Frames {
    Frames(u64::try_from(fine >> FINE).unwrap_or(if fine < 0 { 0 } else { u64::MAX }))
}

/// `fine` · `numerator` / `denominator`, rounded down.
pub(super) fn scale(fine: i128, numerator: u64, denominator: u64) -> i128 {
    let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
    // In two steps, so that frames of 40 bits and fractions of 60 fit.
    let (whole, rest) = (fine.div_euclid(denominator), fine.rem_euclid(denominator));
    whole * numerator + rest * numerator / denominator
}

/// 1 − `fraction`, of a fraction up to 1.
pub(super) fn rest_of_one(fraction: Decimal) -> Decimal {
    Decimal { digits: fraction.denominator() - fraction.digits, ..fraction }
}

/// A fraction in hundredths, for defaults.
pub(super) const fn hundredths(digits: u64) -> Decimal {
    shortest(digits, 2)
}

/// A fraction in ten-thousandths, for defaults.
pub(super) const fn ten_thousandths(digits: u64) -> Decimal {
    shortest(digits, 4)
}

/// Without trailing zeros.
const fn shortest(mut digits: u64, mut places: u32) -> Decimal {
    while places > 0 && digits.is_multiple_of(10) {
        digits /= 10;
        places -= 1;
    }
    Decimal { digits, places }
}

impl Plan {
    /// The plan that comes closest to what is wanted: each VM's bounds are kept, a VM that wants
    /// less than it has gives it at once, and one that wants more gets it from the free frames, one
    /// VM after the other in this order, the last perhaps a part. VMs that the order leaves out get
    /// nothing.
    pub(super) fn in_order(
        view: &View,
        wanted: &[Frames],
        order: impl IntoIterator<Item = usize>,
    ) -> Self {
        let wanted = || view.vms.iter().zip(wanted).map(|(vm, &frames)| vm.bounds.clamp(frames));
        let kept = view.vms.iter().zip(wanted()).map(|(vm, wanted)| vm.allocation.min(wanted));
        let mut targets: Vec<Frames> = kept.collect();
        let wanted: Vec<Frames> = wanted().collect();
        let mut free = view.host - targets.iter().copied().sum();
        for at in order {
            let given = free.min(wanted[at] - targets[at]);
            targets[at] += given;
            free -= given;
        }
        Self(targets)
    }

    /// As [`in_order`](Self::in_order), in file order.
    pub(super) fn in_file_order(view: &View, wanted: &[Frames]) -> Self {
        Self::in_order(view, wanted, 0..wanted.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{frames, view, vm};
    use super::*;

    #[test]
    fn products_are_rounded_down_and_saturate() {
        assert_eq!(part(7, 1, 2), 3);
        assert_eq!(part(u64::MAX, u64::MAX, 1), u64::MAX);
        assert_eq!(times(Frames(1000), hundredths(5)), Frames(50));
        assert_eq!(whole(scale(fine(Frames(10)), 10, 3)), Frames(33));
        assert_eq!(scale(-fine(Frames(1)), 1, 2), -fine(Frames(1)) / 2);
        assert_eq!(whole(-1), Frames(0));
        assert_eq!(Decimal::compare_ratio(1, 4, hundredths(25)), std::cmp::Ordering::Equal);
        assert_eq!(Decimal::compare_ratio(0, 0, hundredths(1)), std::cmp::Ordering::Less);
        assert_eq!(rest_of_one(hundredths(75)), hundredths(25));
        assert_eq!(ten_thousandths(2000), Decimal { digits: 2, places: 1 });
        assert_eq!(hundredths(100), Decimal { digits: 1, places: 0 });
    }

    #[test]
    fn who_is_served_late_gets_what_is_left() {
        let view = view(100, vec![vm(40, 1, 90), vm(40, 1, 90), vm(20, 10, 90)]);
        let wanted = frames(&[60, 60, 5]);
        assert_eq!(Plan::in_file_order(&view, &wanted).0, frames(&[50, 40, 10]));
        assert_eq!(Plan::in_order(&view, &wanted, [1, 0]).0, frames(&[40, 50, 10]));
    }
}
