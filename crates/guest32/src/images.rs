//! The programs' code, assembled when this crate is compiled.
//!
//! Every program is one file of `asm/`, assembled once per [`Entry`](crate::Entry) between `begin.s` and
//! `end.s`. What comes out is a constant of this crate: machine code for another mode of the processor,
//! which the host never runs.

use crate::elf::{DATA_ADDRESS, TEXT_ADDRESS};
use std::slice;

/// One program with one entry, as assembled.
pub(crate) struct Image {
    /// The machine code and, from `code_len` on, the strings.
    pub(crate) text: &'static [u8],
    /// How much of `text` is machine code.
    pub(crate) code_len: usize,
    /// Where the program starts, counted from the beginning of `text`.
    pub(crate) start: u32,
    /// The addresses of the instructions that enter the kernel, in the order of the source.
    pub(crate) entries: &'static [u32],
    /// How many zeroed bytes the program has for its variables.
    pub(crate) bss_len: u32,
}

/// What `begin.s` writes in front of the code. Offsets are counted from the code's first byte, which
/// follows the header at the next multiple of 16.
#[repr(C, align(16))]
struct Header {
    code_len: u32,
    text_len: u32,
    entries_offset: u32,
    entries_count: u32,
    start: u32,
    bss_len: u32,
}

impl Header {
    /// The image that the header stands in front of.
    ///
    /// # Safety
    /// `header` is a label that `begin.s` put before its header, in an image closed by `end.s`.
    unsafe fn image(header: *const Header) -> Image {
        // SAFETY: the caller passes a header as the assembler wrote it. The code, the strings and the table
        // of entries follow it in the same section, with the lengths that the assembler counted; the
        // section is read-only, and the table is aligned to 4 by `end.s`.
        unsafe {
            let base = header.cast::<u8>().add(size_of::<Header>());
            let Header { code_len, text_len, entries_offset, entries_count, start, bss_len } = header.read();
            Image {
                text: slice::from_raw_parts(base, text_len as usize),
                code_len: code_len as usize,
                start,
                entries: slice::from_raw_parts(
                    base.add(entries_offset as usize).cast(),
                    entries_count as usize,
                ),
                bss_len,
            }
        }
    }
}

/// Assembles a program for both entries, and makes `fn $name(vdso: bool) -> Image` of it.
macro_rules! program {
    ($name:ident: $int80:ident, $vdso:ident = $($file:literal),+) => {
        unsafe extern "C" {
            static $int80: Header;
            static $vdso: Header;
        }
        program!(@assemble $int80, 0, $($file),+);
        program!(@assemble $vdso, 1, $($file),+);

        pub(crate) fn $name(vdso: bool) -> Image {
            let header = if vdso { &raw const $vdso } else { &raw const $int80 };
            // SAFETY: both are labels that the two lines above have put in front of their images.
            unsafe { Header::image(header) }
        }
    };
    (@assemble $image:ident, $through_vdso:literal, $($file:literal),+) => {
        core::arch::global_asm!(
            include_str!("asm/begin.s"),
            include_str!("asm/linux.s"),
            $(include_str!($file),)+
            include_str!("asm/end.s"),
            image = sym $image,
            text = const TEXT_ADDRESS,
            data = const DATA_ADDRESS,
            vdso = const $through_vdso,
            options(att_syntax)
        );
    };
}

// The article's program stands alone, so that what a person sees of it is its own code.
program!(article: guest32_article_int80, guest32_article_vdso = "asm/start.s", "asm/article.s");

/// The other programs come with functions for text, in front of the place where they start.
macro_rules! programs_with_text {
    ($($name:ident: $int80:ident, $vdso:ident = $file:literal;)+) => {
        $(program!($name: $int80, $vdso = "asm/text.s", "asm/start.s", $file);)+
    };
}

programs_with_text! {
    echo_server: guest32_echo_server_int80, guest32_echo_server_vdso = "asm/echo_server.s";
    echo_client: guest32_echo_client_int80, guest32_echo_client_vdso = "asm/echo_client.s";
    all_calls: guest32_all_calls_int80, guest32_all_calls_vdso = "asm/all_calls.s";
    fork_calls: guest32_fork_calls_int80, guest32_fork_calls_vdso = "asm/fork_calls.s";
    exec_chain: guest32_exec_chain_int80, guest32_exec_chain_vdso = "asm/exec_chain.s";
    probe: guest32_probe_int80, guest32_probe_vdso = "asm/probe.s";
}

/// The benchmarks have a frame around them, which reads how many rounds they are to make.
macro_rules! benchmarks {
    ($($name:ident: $int80:ident, $vdso:ident = $file:literal;)+) => {
        $(program!($name: $int80, $vdso = "asm/text.s", "asm/start.s", "asm/rounds.s", $file);)+
    };
}

benchmarks! {
    bench_getsockopt: guest32_bench_getsockopt_int80, guest32_bench_getsockopt_vdso = "asm/bench_getsockopt.s";
    bench_sendrecv: guest32_bench_sendrecv_int80, guest32_bench_sendrecv_vdso = "asm/bench_sendrecv.s";
    bench_pingpong: guest32_bench_pingpong_int80, guest32_bench_pingpong_vdso = "asm/bench_pingpong.s";
    bench_getppid: guest32_bench_getppid_int80, guest32_bench_getppid_vdso = "asm/bench_getppid.s";
    bench_fork: guest32_bench_fork_int80, guest32_bench_fork_vdso = "asm/bench_fork.s";
    bench_signal: guest32_bench_signal_int80, guest32_bench_signal_vdso = "asm/bench_signal.s";
}
