//! The numbers of frames at which a curve is shown: integers, ranges, shares of a trace's distinct
//! pages.

use crate::units::{Decimal, FRAMES_MAX, Frames};

/// The most values of a range.
const RANGE_MAX: usize = 1_000_000;

/// What the user asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Point {
    /// These numbers.
    Frames(Vec<Frames>),
    /// Percent of the distinct pages, rounded up.
    Share(Decimal),
    /// Every number up to the distinct pages.
    All,
}

/// Reads "3", "1..7", "64..1024+64", "64..1024*2", "10%" and "all".
///
/// # Errors
/// All wrong words and what is expected, in a sentence without a full stop.
///
/// ```
/// use balloonist::trace::points;
/// let points = points::read(&["1..3".to_owned(), "50%".to_owned()]).unwrap();
/// let frames: Vec<u64> = points::of(&points, 9).into_iter().map(|frames| frames.0).collect();
/// assert_eq!(frames, [1, 2, 3, 5]);
/// ```
pub fn read(words: &[String]) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let mut wrong = Vec::new();
    for word in words.iter().map(|word| word.trim()) {
        match point(word) {
            Some(point) => points.push(point),
            None => wrong.push(format!("found `{word}`")),
        }
    }
    if wrong.is_empty() {
        return Ok(points);
    }
    Err(format!(
        "{}, expected integers from 1 to {FRAMES_MAX}, ranges such as 1..7, 64..512+64 \
         or 64..512*2 of at most {RANGE_MAX} values, shares of the distinct pages such as 10%, or \
         `all`, separated by commas",
        wrong.join(", ")
    ))
}

fn point(word: &str) -> Option<Point> {
    if word == "all" {
        return Some(Point::All);
    }
    if let Some(percent) = word.strip_suffix('%') {
        let share = Decimal::parse(percent.trim_end())?;
        let is_share = share.digits > 0 && share.digits <= 100 * share.denominator();
        return is_share.then_some(Point::Share(share));
    }
    let Some((from, rest)) = word.split_once("..") else {
        return Some(Point::Frames(vec![Frames(frames(word)?)]));
    };
    range(frames(from)?, rest).map(Point::Frames)
}

/// The numbers from `from` on to the one that the text names, which may say how to advance.
fn range(from: u64, rest: &str) -> Option<Vec<Frames>> {
    let (to, step, factor) = if let Some((to, step)) = rest.split_once('+') {
        (to, frames(step)?, 1)
    } else if let Some((to, factor)) = rest.split_once('*') {
        (to, 0, frames(factor).filter(|&factor| factor > 1)?)
    } else {
        (rest, 1, 1)
    };
    let to = frames(to).filter(|&to| to >= from)?;
    let next = |&at: &u64| at.checked_mul(factor)?.checked_add(step).filter(|&next| next <= to);
    let numbers = std::iter::successors(Some(from), next);
    let numbers: Vec<Frames> = numbers.take(RANGE_MAX + 1).map(Frames).collect();
    (numbers.len() <= RANGE_MAX).then_some(numbers)
}

fn frames(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|number| (1..=FRAMES_MAX).contains(number))
}

/// The numbers of frames for a trace with this many distinct pages.
pub fn of(points: &[Point], pages: u64) -> Vec<Frames> {
    let mut frames = Vec::new();
    for point in points {
        match point {
            Point::Frames(numbers) => frames.extend(numbers),
            Point::Share(percent) => {
                let of_pages = u128::from(pages) * u128::from(percent.digits);
                let share = of_pages.div_ceil(100 * u128::from(percent.denominator()));
                frames.push(Frames(share.max(1) as u64));
            }
            Point::All => frames.extend((1..=pages).map(Frames)),
        }
    }
    frames
}

/// Every number up to 32, from there on eight in each doubling, and the distinct pages: enough to
/// see the shape of a curve.
pub fn sensible(pages: u64) -> Vec<Frames> {
    let every = 1..=pages.min(32);
    let doublings = (5..u64::BITS - 1).flat_map(|log| (9..=16).map(move |part| part << (log - 3)));
    let further = doublings.take_while(|&frames| frames < pages);
    every.chain(further).chain(Some(pages).filter(|&pages| pages > 32)).map(Frames).collect()
}

/// The powers of two below a number of pages, and that number.
pub fn powers_and_all(pages: u64) -> Vec<Frames> {
    let powers = (0..u64::BITS).map(|exponent| 1 << exponent);
    powers.take_while(|&power| power < pages).chain([pages]).map(Frames).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_text(text: &str, pages: u64) -> Option<Vec<u64>> {
        let words: Vec<String> = text.split(',').map(str::to_owned).collect();
        let points = read(&words).ok()?;
        Some(of(&points, pages).into_iter().map(|frames| frames.0).collect())
    }

    #[test]
    fn numbers_ranges_and_shares_are_read() {
        assert_eq!(of_text("1..3, 8", 100).unwrap(), [1, 2, 3, 8]);
        assert_eq!(of_text("64..200+64,16..70*2", 100).unwrap(), [64, 128, 192, 16, 32, 64]);
        assert_eq!(of_text("0.5%,10 %,100%", 101).unwrap(), [1, 11, 101]);
        assert_eq!(of_text("all", 3).unwrap(), [1, 2, 3]);
        for wrong in ["0", "3..1", "1..9*1", "1..9+0", "0%", "101%", "x", "", "1..", "1..2000000"] {
            assert_eq!(of_text(wrong, 10), None, "{wrong}");
        }
    }

    #[test]
    fn a_curve_of_any_size_has_few_points() {
        assert_eq!(sensible(5).len(), 5);
        let points = sensible(100);
        assert_eq!(
            points[31..].iter().map(|frames| frames.0).collect::<Vec<_>>()[..10],
            [32, 36, 40, 44, 48, 52, 56, 60, 64, 72]
        );
        assert_eq!(points.last(), Some(&Frames(100)));
        assert!(points.is_sorted() && sensible(FRAMES_MAX).len() < 320);
    }
}
