//! What a program must not do to the place where copies lie. The kernel keeps it in its place, since it is sealed; but for one
//! thing: a child can be made that does not have it, and puts something of its own there.

use decode::Abi;
use seccomp::{Action, Arch, Field, Test, Wants};
use tracee::Tid;

use super::Enforce;
use super::call::Words;
use crate::data;

/// MADV_DONTFORK (asm-generic/mman-common.h).
const DONTFORK: u32 = 10;
/// madvise(2), by interface (arch/x86/entry/syscalls).
const MADVISE: [(Abi, u32); 3] = [(Abi::I386, 219), (Abi::X86_64, 28), (Abi::X32, 28 | Abi::X32_BIT)];
/// process_madvise(2), which takes any advice for the calling process since Linux 6.13.
const PROCESS_MADVISE: [(Abi, u32); 3] =
    [(Abi::I386, 440), (Abi::X86_64, 440), (Abi::X32, 440 | Abi::X32_BIT)];
/// Which argument the advice is.
const ADVICE: u8 = 2;
const PROCESS_ADVICE: u8 = 3;

/// Has the calls stopped that would do so.
pub(super) fn want(wants: &mut Wants) {
    let all = MADVISE
        .map(|call| (call, ADVICE))
        .into_iter()
        .chain(PROCESS_MADVISE.map(|call| (call, PROCESS_ADVICE)));
    for ((abi, number), advice) in all {
        let arch = if abi == Abi::I386 { Arch::I386 } else { Arch::X86_64 };
        wants.add_if(arch, number, &[Test::eq(Field::Arg(advice), DONTFORK)], Action::Trace(data::JUDGED));
    }
}

impl Enforce {
    /// What a call answers that would keep a child from having the thread's area; `None` for any other.
    pub(super) fn keeps_area(&mut self, tid: Tid, words: &Words) -> Option<i32> {
        const PAGE: u64 = 4096;
        let is = |calls: &[(Abi, u32)], advice: u8| {
            calls.contains(&(words.abi, words.number)) && words.args[usize::from(advice)] as u32 == DONTFORK
        };
        if is(&PROCESS_MADVISE, PROCESS_ADVICE) {
            // Where it is about is in memory. Older kernels know no such advice (mm/madvise.c).
            return Some(libc::EINVAL);
        }
        if !is(&MADVISE, ADVICE) {
            return None;
        }
        let [start, length, ..] = words.args;
        let start = untagged(start);
        let end = start.checked_add(length)?.checked_next_multiple_of(PAGE)?;
        // As for what else a sealed mapping doesn't permit (mm/mseal.c).
        self.area(tid)?.overlaps(start..end).then_some(libc::EPERM)
    }
}

/// An address without the tag that the kernel ignores once the program has asked for that (linear address masking,
/// arch_prctl(2), from Linux 6.4 on). No program's address has these bits.
const fn untagged(address: u64) -> u64 {
    const BITS: u32 = 57;
    address & ((1 << BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::untagged;

    #[test]
    fn a_tag_hides_no_address() {
        let address = 0x7f12_3456_7000;
        assert_eq!([untagged(address), untagged(address | 0x3f << 57)], [address; 2]);
        assert_eq!(untagged(0xf7fb_4000), 0xf7fb_4000);
    }
}
