//! Where something changes along a line, and which part of it a place is in.

/// Places on a line: ports, or addresses of a version of IP.
pub(crate) trait Place: Copy + Default + Ord {
    /// How far it is from a place that is not greater, in steps of two to the power of `shift`, of which there are few.
    fn steps(self, from: Self, shift: u32) -> usize;
    /// How many bits that takes in steps of one.
    fn bits(self, from: Self) -> u32;
}

impl Place for u32 {
    fn steps(self, from: u32, shift: u32) -> usize {
        ((self - from) >> shift) as usize
    }

    fn bits(self, from: u32) -> u32 {
        u32::BITS - (self - from).leading_zeros()
    }
}

impl Place for u128 {
    fn steps(self, from: u128, shift: u32) -> usize {
        ((self - from) >> shift) as usize
    }

    fn bits(self, from: u128) -> u32 {
        u128::BITS - (self - from).leading_zeros()
    }
}

/// Where the parts of a line start, but for the first.
///
/// The line is cut into about as many equal stretches as there are parts. What is left to search is one stretch: a part
/// or two where they lie evenly, all of them at worst.
#[derive(Clone, Debug)]
pub(crate) struct Starts<P> {
    starts: Vec<P>,
    /// The first of them and the last: stretches lie between these.
    ends: (P, P),
    /// How long a stretch is: two to the power of this.
    shift: u32,
    /// How many parts start in front of each stretch, and behind the last.
    before: Vec<u32>,
}

impl<P: Place> Starts<P> {
    /// From places in order, no two of which are the same.
    pub fn new(starts: Vec<P>) -> Starts<P> {
        let first = starts.first().copied().unwrap_or_default();
        let last = starts.last().copied().unwrap_or_default();
        let parts = starts.len() as u32 + 1;
        let shift = last.bits(first).saturating_sub(parts.ilog2() + 1);
        let mut before = vec![0];
        for (start, number) in starts.iter().zip(0..) {
            // So many start in front of its stretch, and of those in front of that in which nothing starts.
            before.resize(start.steps(first, shift) + 1, number);
        }
        before.push(starts.len() as u32);
        Starts { starts, ends: (first, last), shift, before }
    }

    /// Where the parts start, but for the first.
    pub fn all(&self) -> &[P] {
        &self.starts
    }

    /// The number of the part that a place is in.
    pub fn part(&self, place: P) -> usize {
        let (first, last) = self.ends;
        let stretch = place.clamp(first, last).steps(first, self.shift);
        let (low, high) = (self.before[stretch] as usize, self.before[stretch + 1] as usize);
        low + self.starts[low..high].partition_point(|start| *start <= place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn agrees<P: Place + std::fmt::Debug>(starts: &BTreeSet<P>, places: &[P]) {
        let plain: Vec<P> = starts.iter().copied().collect();
        let made = Starts::new(plain.clone());
        assert!(made.before.len() <= 2 * plain.len() + 3, "{} of {}", made.before.len(), plain.len());
        for place in places.iter().chain(&plain) {
            let expected = plain.partition_point(|start| start <= place);
            assert_eq!(made.part(*place), expected, "{place:?} in {plain:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_are_those_that_a_search_finds(
            // Evenly, in heaps and far from each other.
            near in proptest::collection::vec(any::<u8>(), 0..40),
            some in proptest::collection::vec(any::<u32>(), 0..40),
            powers in proptest::collection::vec(0u32..128, 0..40),
            asked in proptest::collection::vec(any::<u128>(), 20),
        ) {
            let whole = near.iter().map(|place| u128::from(*place) << 7).chain(some.iter().map(|place| (*place).into()));
            let whole = whole.chain(powers.iter().flat_map(|power| [1 << power, u128::MAX - (1 << power)]));
            let wide: BTreeSet<u128> = whole.collect();
            let asked: Vec<u128> = asked.iter().zip(0..).map(|(place, at)| place >> (5 * at)).collect();
            let around = wide.iter().flat_map(|place| [place.saturating_sub(1), place.saturating_add(1)]);
            let asked: Vec<u128> = asked.into_iter().chain(around).chain([0, u128::MAX]).collect();
            agrees(&wide, &asked);
            let narrow: BTreeSet<u32> = wide.iter().map(|place| *place as u32).collect();
            agrees(&narrow, &asked.iter().map(|place| *place as u32).collect::<Vec<_>>());
        }
    }
}
