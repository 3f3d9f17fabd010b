//! Medians with intervals that assume nothing of how the noise is distributed.

/// A median, and where the true one lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Of what was measured.
    pub median: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// The median; of an even number of values, the mean of the middle two. NaN of none.
pub fn median(values: &[f64]) -> f64 {
    middle(&sorted(values))
}

/// The median with the interval that holds the true one with a probability of 95% or more.
///
/// Each value lies below the true median as a coin falls. So the interval from the `rank`-th smallest value to
/// the `rank`-th largest misses it only where fewer than `rank` of all coins fall on one side. Fewer than six
/// values give no such interval: it is infinite.
pub fn estimate(values: &[f64]) -> Estimate {
    let values = sorted(values);
    let median = middle(&values);
    match rank(values.len()) {
        0 => Estimate { median, low: f64::NEG_INFINITY, high: f64::INFINITY },
        rank => Estimate { median, low: values[rank - 1], high: values[values.len() - rank] },
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[half],
        _ => sorted[half - 1].midpoint(sorted[half]),
    }
}

/// The largest rank at which either side is missed with a probability of 2.5% at most.
fn rank(count: usize) -> usize {
    // P(fewer than rank + 1 of `count` coins), summed term by term.
    let mut term = 0.5_f64.powi(count as i32);
    let mut missed = term;
    let mut rank = 0;
    while missed <= 0.025 {
        rank += 1;
        term *= (count + 1 - rank) as f64 / rank as f64;
        missed += term;
    }
    rank
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Puts `items` into an order in which each is as likely as any other.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    /// The table of the sign test, as textbooks have it.
    #[test]
    fn ranks_are_those_of_the_sign_test() {
        let known = [(0, 0), (5, 0), (6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (20, 6), (25, 8), (50, 18)];
        for (count, expected) in known {
            assert_eq!(rank(count), expected, "of {count}");
        }
    }

    #[test]
    fn few_values_say_nothing_of_the_rest() {
        let few = estimate(&[1.0; 5]);
        assert_eq!((few.low, few.median, few.high), (f64::NEG_INFINITY, 1.0, f64::INFINITY));
        let six = estimate(&[2.0, 1.0, 3.0, 6.0, 5.0, 4.0]);
        assert_eq!((six.low, six.median, six.high), (1.0, 3.5, 6.0));
    }

    /// Samples of a skewed distribution, whose true median is known.
    #[test]
    fn intervals_hold_the_true_median_as_often_as_they_say() {
        let mut random = Random::new(1);
        let true_median = 2_f64.ln();
        for count in [6, 20, 24] {
            let trials = 4000;
            let held = (0..trials)
                .filter(|_| {
                    let uniform = |random: &mut Random| (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
                    let sample: Vec<f64> = (0..count).map(|_| -(1.0 - uniform(&mut random)).ln()).collect();
                    let Estimate { low, high, .. } = estimate(&sample);
                    (low..=high).contains(&true_median)
                })
                .count();
            // Four standard deviations below 95% of 4,000.
            assert!(held >= 3745, "{held} of {trials} with {count} values");
            assert!(held < trials, "an interval that never misses is no interval");
        }
    }

    #[test]
    fn every_order_comes_up() {
        let mut random = Random::new(7);
        let mut seen = std::collections::BTreeMap::<[u8; 3], usize>::new();
        for _ in 0..6000 {
            let mut items = [1, 2, 3];
            random.shuffle(&mut items);
            *seen.entry(items).or_default() += 1;
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.values().all(|times| (850..1150).contains(times)), "{seen:?}");
    }
}
