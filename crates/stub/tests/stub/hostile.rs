//! Bytes that are no vDSO, or one that somebody broke: an error, never a panic.

use proptest::prelude::*;
use stub::{Place, Vdso};

use crate::kernel_like::{KernelLike, Shape, VARIANTS};

/// Everything that is done with a vDSO. Panics are what the tests look for.
fn all_done_with(bytes: &[u8]) {
    let Ok(vdso) = Vdso::parse(bytes) else { return };
    let _ = (vdso.vsyscall(), vdso.int80(), vdso.landing_pad());
    for variant in VARIANTS {
        for place in [Place::InVdso, Place::InFront(4096)] {
            if let Ok(image) = vdso.place(place, variant) {
                for write in image.writes(0xffff_f000, 0xffff_fffc, 0) {
                    assert!(write.offset as usize + write.bytes.len() <= stub::SIZE, "outside of two pages");
                }
            }
        }
    }
}

fn usual() -> Vec<u8> {
    KernelLike::new(Shape::USUAL).bytes
}

#[test]
fn every_length_of_a_cut_image() {
    let bytes = usual();
    for length in 0..bytes.len() {
        all_done_with(&bytes[..length]);
    }
    // Longer than two pages.
    let mut long = bytes;
    long.resize(5 * 4096, 0x90);
    all_done_with(&long);
}

#[test]
fn every_byte_of_the_headers_and_tables_in_turn() {
    let bytes = usual();
    let kernel = KernelLike::new(Shape::USUAL);
    let tables = (0..kernel.text.start as usize).chain(kernel.text.end as usize..bytes.len());
    for at in tables {
        for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at].wrapping_add(1), bytes[at] ^ 4] {
            let mut broken = bytes.clone();
            broken[at] = value;
            all_done_with(&broken);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        all_done_with(&bytes);
        // Behind a good header.
        let mut image = usual();
        let length = image.len().min(bytes.len());
        image[length.min(52)..length].copy_from_slice(&bytes[length.min(52)..length]);
        all_done_with(&image);
    }

    #[test]
    fn several_broken_words(
        words in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 1..6),
        small in any::<bool>(),
    ) {
        let mut bytes = usual();
        let places = bytes.len() / 4;
        for (index, word) in words {
            let at = 4 * index.index(places);
            let word = if small { word % 9000 } else { word };
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        all_done_with(&bytes);
    }

    #[test]
    fn broken_words_of_the_headers(
        words in proptest::collection::vec((0usize..45, prop_oneof![0u32..9000, any::<u32>()]), 1..4),
        of_sections in proptest::collection::vec((0usize..90, prop_oneof![0u32..9000, any::<u32>()]), 0..4),
    ) {
        let mut bytes = usual();
        let sections = u32::from_le_bytes(bytes[32..36].try_into().expect("e_shoff")) as usize;
        for (index, word) in of_sections {
            bytes[sections + 4 * index..][..4].copy_from_slice(&word.to_le_bytes());
        }
        for (index, word) in words {
            bytes[4 * index..][..4].copy_from_slice(&word.to_le_bytes());
        }
        all_done_with(&bytes);
    }
}
