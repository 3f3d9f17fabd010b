//! Maps by thread. The kernel gives out the numbers one after the other, so a multiplication spreads them well enough, and
//! costs a fraction of what the standard hasher does.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use tracee::Tid;

/// A map by thread.
pub type ByTid<T> = HashMap<Tid, T, BuildHasherDefault<Spread>>;

/// Hashes one number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((self.0 << 8) ^ u64::from(*byte)));
    }

    fn write_i32(&mut self, number: i32) {
        self.write_u64(number.cast_unsigned().into());
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio: the high bits, by which the map chooses, depend on all.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_found_again() {
        let map: ByTid<Tid> = (1..100_000).map(|tid| (tid, tid)).collect();
        assert!((1..100_000).all(|tid| map.get(&tid) == Some(&tid)));
        assert_eq!(map.get(&100_000), None);
    }
}
