//! A 32-bit vDSO like the kernel's (arch/x86/entry/vdso/vdso32), made here.

use std::sync::LazyLock;

use stub::{Image, Place, Variant, Vdso};

use crate::real::REAL;

/// How much of what differs between kernels differs here.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Dead bytes behind the code, of which the first are zero.
    pub tail: usize,
    /// Whether the section headers are in that tail, as in the kernel's, or in front of the code.
    pub sections_in_tail: bool,
    /// The pointer encoding that the unwind tables name.
    pub encoding: u8,
}

impl Shape {
    /// As in the kernel's: the image fills two pages.
    pub const USUAL: Shape = Shape { tail: 1776, sections_in_tail: true, encoding: PCREL_SDATA4 };
}

pub const PCREL_SDATA4: u8 = 0x1b;

/// `__kernel_vsyscall`: saves what the fast entry needs, enters, restores (system_call.S).
pub const VSYSCALL: [u8; 14] =
    [0x51, 0x52, 0x55, 0x89, 0xe5, 0x0f, 0x34, 0xcd, 0x80, 0x5d, 0x5a, 0x59, 0xc3, 0x90];
/// `__kernel_sigreturn`: pop %eax, 119, int $0x80 (sigreturn.S).
const SIGRETURN: [u8; 8] = [0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80];
const RT_SIGRETURN: [u8; 7] = [0xb8, 0xad, 0, 0, 0, 0xcd, 0x80];
/// `__vdso_clock_gettime`, which here answers 1.
const CLOCK_GETTIME: [u8; 6] = [0xb8, 1, 0, 0, 0, 0xc3];

/// The image, and where its parts lie.
pub struct KernelLike {
    pub bytes: Vec<u8>,
    pub text: std::ops::Range<u32>,
    /// Each function's name, address and size; `__kernel_vsyscall` is the first.
    pub functions: Vec<(String, u32, u32)>,
    pub frames: std::ops::Range<u32>,
}

struct Section {
    name: &'static str,
    kind: u32,
    flags: u32,
    begin: u32,
    end: u32,
    link: u32,
    info: u32,
    entry: u32,
}

const NAMES: &[u8] = b"\0.hash\0.dynsym\0.dynstr\0.dynamic\0.eh_frame_hdr\0.eh_frame\0.text\0.shstrtab\0";

fn name_offset(name: &str) -> u32 {
    let name = [b"\0", name.as_bytes(), b"\0"].concat();
    NAMES.windows(name.len()).position(|part| part == name).expect("a name") as u32 + 1
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn align(out: &mut Vec<u8>, to: usize) -> u32 {
    out.resize(out.len().next_multiple_of(to), 0);
    out.len() as u32
}

impl KernelLike {
    pub fn new(shape: Shape) -> KernelLike {
        const HEADERS: [u32; 4] = [1, 2, 4, 0x6474_e550]; // PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_GNU_EH_FRAME
        // Space for the header, the program headers, and section headers that may stand in front.
        let mut out = vec![0; 52 + 32 * HEADERS.len()];
        let early = align(&mut out, 16);
        if !shape.sections_in_tail {
            out.resize(out.len() + 40 * 9 + NAMES.len(), 0);
        }

        let hash = align(&mut out, 4)..{
            words(&mut out, &[1, 6, 1, 2, 3, 4, 5, 0, 0]);
            out.len() as u32
        };
        let dynstr = align(&mut out, 4);
        let mut symbols = vec![];
        let names = [
            "",
            "LINUX_2.5",
            "__kernel_vsyscall",
            "__kernel_sigreturn",
            "__kernel_rt_sigreturn",
            "__vdso_clock_gettime",
        ];
        for name in names {
            symbols.push(out.len() as u32 - dynstr);
            out.extend(name.as_bytes());
            out.push(0);
        }
        let dynstr = dynstr..out.len() as u32;
        let dynsym = align(&mut out, 4);
        let dynsym = dynsym..dynsym + 16 * names.len() as u32;
        out.resize(dynsym.end as usize, 0);
        let dynamic = out.len() as u32..out.len() as u32 + 48;
        words(&mut out, &[4, hash.start, 5, dynstr.start, 6, dynsym.start, 10, dynstr.end - dynstr.start]);
        words(&mut out, &[11, 16, 0, 0]);

        // The index of the kernel's frames, which placing replaces; its content is of no interest here.
        let index = out.len() as u32..out.len() as u32 + 12;
        words(&mut out, &[0x3b03_1b01, 0, 0]);
        let frames = align(&mut out, 4);
        let common = frames..{
            append_frames(&mut out, frames, shape.encoding, &[(0, 0); 4]);
            out.len() as u32
        };
        // The code begins on a line of its own.
        let text = align(&mut out, 16);
        let mut functions = vec![];
        for (name, code) in
            names[2..].iter().zip([&VSYSCALL[..13], &SIGRETURN, &RT_SIGRETURN, &CLOCK_GETTIME])
        {
            let at = align(&mut out, 16);
            out.extend(code);
            functions.push(((*name).to_owned(), at, code.len() as u32));
        }
        let text = text..out.len() as u32;
        let mut described = vec![];
        let places = std::array::from_fn(|n| (functions[n].1, functions[n].2));
        append_frames(&mut described, frames, shape.encoding, &places);
        out[common.start as usize..common.end as usize].copy_from_slice(&described);
        for (n, name) in symbols.iter().enumerate().skip(1) {
            let at = dynsym.start as usize + 16 * n;
            let (value, size, section) = match n {
                1 => (0, 0, 0xfff1u16), // a version's name is absolute
                _ => (functions[n - 2].1, functions[n - 2].2, 7),
            };
            out[at..at + 12].copy_from_slice(&[*name, value, size].map(u32::to_le_bytes).concat());
            out[at + 12] = if n == 1 { 0x11 } else { 0x12 }; // global object, global function
            out[at + 14..at + 16].copy_from_slice(&section.to_le_bytes());
        }

        let end = out.len() + shape.tail;
        let headers = if shape.sections_in_tail {
            // As far behind as possible.
            align(&mut out, 4).max((end.saturating_sub(40 * 9) & !3) as u32)
        } else {
            early
        };
        let shstrtab = if shape.sections_in_tail { headers - NAMES.len() as u32 } else { headers + 360 };
        let shstrtab = shstrtab..shstrtab + NAMES.len() as u32;
        let section = |name, kind, flags, place: &std::ops::Range<u32>, link, info, entry| Section {
            name,
            kind,
            flags,
            begin: place.start,
            end: place.end,
            link,
            info,
            entry,
        };
        let none = 0..0;
        let sections = [
            section("", 0, 0, &none, 0, 0, 0),
            section(".hash", 5, 2, &hash, 2, 0, 4),
            section(".dynsym", 11, 2, &dynsym, 3, 1, 16),
            section(".dynstr", 3, 2, &dynstr, 0, 0, 0),
            section(".dynamic", 6, 2, &dynamic, 3, 0, 8),
            section(".eh_frame_hdr", 1, 2, &index, 0, 0, 0),
            section(".eh_frame", 1, 2, &common, 0, 0, 0),
            section(".text", 1, 6, &text, 0, 0, 0),
            section(".shstrtab", 3, 0, &shstrtab, 0, 0, 0),
        ];
        out.resize(end.max(out.len()), 0);
        let mut table = vec![];
        for s in &sections {
            let name = if s.name.is_empty() { 0 } else { name_offset(s.name) };
            words(
                &mut table,
                &[name, s.kind, s.flags, s.begin, s.begin, s.end - s.begin, s.link, s.info, 4, s.entry],
            );
        }
        let mut put = |at: u32, bytes: &[u8]| {
            out[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        };
        put(headers, &table);
        put(shstrtab.start, NAMES);
        let all = out.len() as u32;
        let mut header = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x03\0".to_vec(); // ET_DYN, EM_386
        words(&mut header, &[1, text.start, 52, headers, 0]);
        header.extend(
            [52u16, 32, HEADERS.len() as u16, 40, sections.len() as u16, 8].map(u16::to_le_bytes).concat(),
        );
        for kind in HEADERS {
            let place = match kind {
                1 => 0..all,
                2 => dynamic.clone(),
                4 => none.clone(),
                _ => index.clone(),
            };
            let size = place.end - place.start;
            words(&mut header, &[kind, place.start, place.start, place.start, size, size, 5, 4]);
        }
        out[..header.len()].copy_from_slice(&header);
        KernelLike { bytes: out, text, functions, frames: common }
    }

    pub fn vdso(&self) -> Vdso {
        Vdso::parse(&self.bytes).expect("a vDSO like the kernel's")
    }

    pub fn vsyscall(&self) -> u32 {
        self.functions[0].1
    }
}

/// `.eh_frame` for four functions that will lie at `frames`: two with a common part "zR", and the two trampolines
/// with one that says "signal frame", "zRS".
fn append_frames(out: &mut Vec<u8>, frames: u32, encoding: u8, functions: &[(u32, u32); 4]) {
    let start = out.len() as u32;
    let entry = |out: &mut Vec<u8>, body: &[u8]| {
        let size = body.len().next_multiple_of(4);
        words(out, &[size as u32]);
        out.extend(body);
        out.resize(out.len() + size - body.len(), 0);
    };
    let ordinary = [12, 4, 4, 0x88, 1]; // def_cfa esp+4, the return address at cfa-4
    // vsyscall: three pushes and three pops; the last one's function: nothing.
    let vsyscall: &[u8] = &[
        0x41, 14, 8, 0x81, 2, 0x41, 14, 12, 0x82, 3, 0x41, 14, 16, 0x85, 4, // ecx, edx, ebp
        0x47, 14, 12, 0xc5, 0x41, 14, 8, 0xc2, 0x41, 14, 4, 0xc1,
    ];
    // A signal's frame: the cfa and eip by expressions (esp + 32, at esp + 60).
    let signal: &[u8] = &[15, 2, 0x74, 32, 0x10, 8, 2, 0x74, 60];
    // rt_sigreturn's are all where they really lie.
    let mut rt_signal = vec![15, 4, 0x74, 0xbc, 1, 6]; // what lies at esp + 188
    for (register, at) in [(0, 204), (1, 200), (2, 196), (3, 192), (5, 184), (6, 180), (7, 176), (8, 216u8)] {
        rt_signal.extend([0x10, register, 3, 0x74, at | 0x80, at >> 7]);
    }
    for (augmentation, rules, described) in [
        (&b"zR\0"[..], &ordinary[..], [(functions[0], vsyscall), (functions[3], &[])]),
        (b"zRS\0", &[], [(functions[1], signal), (functions[2], &rt_signal[..])]),
    ] {
        let common = out.len() as u32;
        let mut body = vec![0, 0, 0, 0, 1];
        body.extend(augmentation);
        body.extend([1, 0x7c, 8, 1, encoding]);
        body.extend(rules);
        entry(out, &body);
        for ((at, size), rules) in described {
            let here = out.len() as u32;
            let mut body = (here + 4 - common).to_le_bytes().to_vec();
            let field = frames + (here - start) + 8;
            body.extend(at.wrapping_sub(field).to_le_bytes());
            body.extend(size.to_le_bytes());
            body.push(0);
            body.extend(rules);
            entry(out, &body);
        }
    }
    words(out, &[0]);
}

/// The bytes that a process has where the image was written at `base`: of the kernel's vDSO, or in an empty page
/// in front of one.
pub fn written(before: &[u8], image: &Image, base: u32, counters: u32, start: u32) -> Vec<u8> {
    let mut bytes = before.to_vec();
    for write in image.writes(base, counters, start) {
        let begin = write.offset as usize;
        bytes[begin..begin + write.bytes.len()].copy_from_slice(&write.bytes);
    }
    bytes
}

/// What the tests look at: a variant in a place, and the memory that it makes.
pub struct Placed {
    pub kernel: &'static KernelLike,
    pub image: Image,
    pub place: Place,
    pub variant: Variant,
    /// The image's address.
    pub base: u32,
    /// The memory from there on, up to the end of the kernel's vDSO.
    pub bytes: Vec<u8>,
    /// How far behind the image's first byte the kernel's vDSO begins.
    pub distance: u32,
}

/// Where the counters lie, and where the program starts.
pub const COUNTERS: u32 = 0xe765_4000;
pub const START: u32 = 0x0804_9123;

pub const VARIANTS: [Variant; 3] = [Variant::Plain, Variant::Counting, Variant::Handling];

/// One with room for any variant, and one without.
static ROOMY: LazyLock<KernelLike> = LazyLock::new(|| KernelLike::new(Shape { tail: 3500, ..Shape::USUAL }));
static CROWDED: LazyLock<KernelLike> = LazyLock::new(|| KernelLike::new(Shape { tail: 450, ..Shape::USUAL }));

impl Placed {
    pub fn new(place: Place, variant: Variant, base: u32) -> Placed {
        let kernel = if place == Place::InVdso { &*ROOMY } else { &*CROWDED };
        Placed::of(kernel, place, variant, base).expect("room")
    }

    fn of(kernel: &'static KernelLike, place: Place, variant: Variant, base: u32) -> Option<Placed> {
        let image = kernel.vdso().place(place, variant).ok()?;
        let distance = match place {
            Place::InVdso => 0,
            Place::InFront(distance) => distance,
        };
        let mut before = vec![0; distance as usize];
        before.extend(&kernel.bytes);
        let bytes = written(&before, &image, base, COUNTERS, START);
        Some(Placed { kernel, image, place, variant, base, bytes, distance })
    }

    /// Every variant in place and in front (directly, and with other mappings between), in vDSOs made here and in
    /// this kernel's own, if it has one.
    pub fn all(base: u32) -> Vec<Placed> {
        let places = [Place::InVdso, Place::InFront(4096), Place::InFront(5 * 4096)];
        let mut all = vec![];
        for (place, variant) in places.into_iter().flat_map(|place| VARIANTS.map(|variant| (place, variant)))
        {
            all.push(Placed::new(place, variant, base));
            all.extend(REAL.as_ref().and_then(|kernel| Placed::of(kernel, place, variant, base)));
        }
        all
    }

    pub fn describe(&self) -> String {
        let whose =
            if REAL.as_ref().is_some_and(|real| std::ptr::eq(real, self.kernel)) { "real" } else { "made" };
        format!("{whose} {:?} {:?} at {:#x}", self.place, self.variant, self.base)
    }

    /// `__kernel_vsyscall`, from the image's first byte.
    pub fn vsyscall(&self) -> u32 {
        self.distance + self.kernel.vsyscall()
    }
}
