//! The image as loaders and debuggers read it.

use object::elf::{FileHeader32, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_LOAD};
use object::read::elf::{ElfFile32, FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSection, ObjectSymbol};
use stub::{NoRoom, Place, Variant};

use crate::kernel_like::{COUNTERS, KernelLike, Placed, START, Shape, VARIANTS, written};

const BASES: [u32; 2] = [0xf7fc_9000, 0x1234_5000];

#[test]
fn the_dynamic_symbols_lead_to_the_stub_and_to_the_kernels_code() {
    for placed in BASES.into_iter().flat_map(Placed::all) {
        let file = ElfFile32::<LittleEndian>::parse(&placed.bytes[..]).expect("ELF");
        let symbols: Vec<_> = file.dynamic_symbols().collect();
        let value =
            |name: &str| symbols.iter().find(|symbol| symbol.name() == Ok(name)).expect(name).address();
        let what = placed.describe();
        assert_eq!(value("__kernel_vsyscall"), u64::from(placed.image.labels().entry), "{what}");
        for (name, at, _) in &placed.kernel.functions[1..] {
            assert_eq!(value(name), u64::from(placed.distance + at), "{what}: {name}");
        }
        assert_eq!(value("LINUX_2.5"), 0, "{what}: an absolute symbol is no address");
        let before = ElfFile32::<LittleEndian>::parse(&placed.kernel.bytes[..]).expect("ELF");
        assert_eq!(symbols.len(), before.dynamic_symbols().count(), "{what}");
    }
}

#[test]
fn the_program_headers_cover_what_is_there() {
    for placed in Placed::all(BASES[0]) {
        let what = placed.describe();
        let header = FileHeader32::<LittleEndian>::parse(&placed.bytes[..]).expect("ELF");
        let headers = header.program_headers(LittleEndian, &placed.bytes[..]).expect("program headers");
        let find =
            |kind| headers.iter().find(|header| header.p_type(LittleEndian) == kind).expect("a header");
        let load = find(PT_LOAD);
        assert_eq!((load.p_offset(LittleEndian), load.p_vaddr(LittleEndian)), (0, 0), "{what}");
        assert_eq!(load.p_filesz(LittleEndian) as usize, placed.bytes.len(), "{what}");
        assert_eq!(load.p_memsz(LittleEndian) as usize, placed.bytes.len(), "{what}");
        let index = find(PT_GNU_EH_FRAME);
        let at = index.p_vaddr(LittleEndian);
        assert_eq!(at, index.p_offset(LittleEndian), "{what}");
        assert!(at > placed.image.labels().efault, "{what}: behind the stub");
        assert_eq!(placed.bytes[at as usize..at as usize + 4], [1, 0x1b, 3, 0x3b], "{what}");
        // A count, and as many rows of two words.
        let count = u32::from_le_bytes(placed.bytes[at as usize + 8..][..4].try_into().expect("a word"));
        assert_eq!(index.p_filesz(LittleEndian), 12 + 8 * count, "{what}");
        // The loader's own tables are where they were, or in the page in front as they were.
        let dynamic = find(PT_DYNAMIC);
        let range = dynamic.p_offset(LittleEndian) as usize..;
        let size = dynamic.p_filesz(LittleEndian) as usize;
        assert_eq!(placed.bytes[range.clone()][..size], placed.kernel.bytes[range][..size], "{what}");
    }
}

#[test]
fn the_section_table_is_a_debuggers() {
    for placed in Placed::all(BASES[0]) {
        let what = placed.describe();
        let file = ElfFile32::<LittleEndian>::parse(&placed.bytes[..]).expect("ELF");
        let names: Vec<_> =
            file.sections().map(|section| section.name().expect("a name").to_owned()).collect();
        assert_eq!(names, [".text", ".eh_frame", ".shstrtab", ".dynsym", ".dynstr"], "{what}");
        let text = file.section_by_name(".text").expect("code");
        let labels = placed.image.labels();
        let code = text.address()..text.address() + text.size();
        for place in [labels.entry, labels.trap_entry, labels.efault].into_iter().chain(labels.boot) {
            assert!(code.contains(&place.into()), "{what}: {place:#x}");
        }
        if placed.place == Place::InVdso {
            assert!(code.contains(&placed.vsyscall().into()), "{what}: the kernel's code is code too");
        }
        assert_eq!(file.symbols().count(), 0);
    }
}

/// The kernel's own code and tables in front of it stay as they are, but for what has to lead to the stub.
#[test]
fn the_kernels_code_is_not_touched() {
    for variant in VARIANTS {
        let placed = Placed::new(Place::InVdso, variant, BASES[0]);
        let code = placed.kernel.text.start as usize..placed.kernel.text.end as usize;
        assert_eq!(placed.bytes[code.clone()], placed.kernel.bytes[code]);
        let front = ..placed.kernel.text.start as usize;
        let differing = placed.bytes[front].iter().zip(&placed.kernel.bytes[front]).filter(|(a, b)| a != b);
        // e_shoff, e_shnum, e_shstrndx; sizes and places in two program headers; one symbol's value.
        assert!(differing.count() <= 4 + 2 + 2 + 7 * 4 + 4, "{variant:?}");
    }
    for distance in [4096, 8192] {
        let placed = Placed::new(Place::InFront(distance), Variant::Plain, BASES[0]);
        assert_eq!(placed.bytes[distance as usize..], placed.kernel.bytes, "the kernel's page is left alone");
    }
}

/// What depends on the process differs by exactly as much as its addresses do.
#[test]
fn two_bases_differ_in_addresses_only() {
    let places = [Place::InVdso, Place::InFront(4096)];
    for (place, variant) in places.into_iter().flat_map(|place| VARIANTS.map(|variant| (place, variant))) {
        let placed = Placed::new(place, variant, BASES[0]);
        let delta = BASES[1].wrapping_sub(BASES[0]);
        let mut before = vec![0; placed.distance as usize];
        before.extend(&placed.kernel.bytes);
        // The program's start is named by its distance, and moves along here.
        let [one, other] = [(BASES[0], START), (BASES[1], START.wrapping_add(delta))]
            .map(|(base, start)| written(&before, &placed.image, base, COUNTERS, start));
        let mut fields = 0;
        let mut at = 0;
        while at < one.len() {
            if one[at] == other[at] {
                at += 1;
                continue;
            }
            // Both bases are multiples of a page: the lowest byte of an address is the same, the second differs.
            let field = at - 1;
            let word = |bytes: &[u8]| u32::from_le_bytes(bytes[field..field + 4].try_into().expect("a word"));
            assert_eq!(word(&other).wrapping_sub(word(&one)), delta, "{} at {field:#x}", placed.describe());
            assert!(field as u32 >= placed.kernel.text.start, "{}: in the headers", placed.describe());
            fields += 1;
            at = field + 4;
        }
        // A program may move its vDSO; so only the variant that handles names places: its handler, both
        // dispositions, and where a trap goes on.
        let expected = if variant == Variant::Handling { 4 } else { 0 };
        assert_eq!(fields, expected, "{}", placed.describe());
    }
}

#[test]
fn the_counters_are_where_they_were_said_to_be() {
    let placed = Placed::new(Place::InVdso, Variant::Counting, BASES[0]);
    for counters in [COUNTERS, 0, 0xffff_fffc, 0x1000] {
        let bytes = written(&placed.kernel.bytes, &placed.image, BASES[0], counters, START);
        let named = |counter: u32| {
            // lock incl ADDRESS
            let code = [&[0xf0, 0xff, 0x05][..], &counter.to_le_bytes()].concat();
            bytes.windows(code.len()).filter(|part| *part == code).count()
        };
        assert_eq!((named(counters), named(counters.wrapping_add(4))), (1, 1), "{counters:#x}");
    }
}

/// At each size of the dead tail: an image that is whole, or `NoRoom` that says how much is missing.
#[test]
fn a_small_tail_is_no_room() {
    for variant in VARIANTS {
        let (mut needed, mut fitted) = (None, None);
        for tail in 0..2600 {
            let kernel = KernelLike::new(Shape { tail, sections_in_tail: false, ..Shape::USUAL });
            match kernel.vdso().place(Place::InVdso, variant) {
                Ok(image) => {
                    fitted = fitted.or(Some(tail));
                    let bytes = written(&kernel.bytes, &image, BASES[0], COUNTERS, START);
                    assert_eq!(bytes.len(), kernel.bytes.len());
                    let file = ElfFile32::<LittleEndian>::parse(&bytes[..]).expect("ELF");
                    // Ours; or none, where there is no room for them.
                    assert!([0, 5].contains(&file.sections().count()), "{variant:?} {tail}");
                }
                Err(NoRoom { needed: missing, there }) => {
                    assert_eq!(fitted, None, "{variant:?}: what fits in {fitted:?} bytes fits in {tail}");
                    assert!(there <= tail && missing > there, "{variant:?}: {missing} > {there}");
                    if there > 0 {
                        assert!(needed.is_none_or(|needed| needed == missing), "{variant:?}");
                        needed = Some(missing);
                    }
                }
            }
        }
        // The code begins at a multiple of 16.
        let (needed, fitted) = (needed.expect("too small a tail"), fitted.expect("a tail that is enough"));
        assert!((needed..needed + 16).contains(&fitted), "{variant:?}: {needed} needed, {fitted} enough");
    }
}

/// Where there is no room for sections, the header names none: the kernel's are overwritten.
#[test]
fn without_room_for_sections_the_rest_is_whole() {
    for variant in VARIANTS {
        let fits = |tail: usize| {
            let kernel = KernelLike::new(Shape { tail, ..Shape::USUAL });
            kernel.vdso().place(Place::InVdso, variant).ok().map(|image| (kernel, image))
        };
        let least = (450..3000).find(|&tail| fits(tail).is_some()).expect("a tail that is enough");
        for tail in least..least + 400 {
            let (kernel, image) = fits(tail).expect("room");
            let bytes = written(&kernel.bytes, &image, BASES[0], COUNTERS, START);
            let header = FileHeader32::<LittleEndian>::parse(&bytes[..]).expect("an ELF header");
            header.program_headers(LittleEndian, &bytes[..]).expect("program headers");
            let sections = header.sections(LittleEndian, &bytes[..]).expect("sections, or none");
            let whole = sections.section_by_name(LittleEndian, b".dynsym").is_some();
            assert!(
                whole || sections.is_empty(),
                "{variant:?} {tail}: sections that were overwritten are named"
            );
        }
    }
}

#[test]
fn in_front_there_is_room_for_every_variant() {
    for variant in VARIANTS {
        let kernel = KernelLike::new(Shape { tail: 450, ..Shape::USUAL });
        assert!(kernel.vdso().place(Place::InVdso, variant).is_err(), "{variant:?}: none behind the code");
        assert!(kernel.vdso().place(Place::InFront(4096), variant).is_ok(), "{variant:?}");
    }
}

/// Unwind tables of a form that no kernel has are not copied, and the stub's stand alone.
#[test]
fn unknown_unwind_tables_are_left_where_they_are() {
    let kernel = KernelLike::new(Shape { encoding: 0x0b, ..Shape::USUAL });
    let image = kernel.vdso().place(Place::InVdso, Variant::Plain).expect("room");
    let bytes = written(&kernel.bytes, &image, BASES[0], COUNTERS, START);
    let frames = kernel.frames.start as usize..kernel.frames.end as usize;
    assert_eq!(bytes[frames.clone()], kernel.bytes[frames]);
}
