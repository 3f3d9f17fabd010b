//! The stub's i386 code, as bytes with the places that a base address completes.
//!
//! The code lies in this 64-bit program's read-only data and is never executed here: the supervisor writes
//! it into 32-bit processes. So it holds no reference that the linker would have to resolve; whatever
//! depends on the address where it will run is listed, by the assembler itself, in [`Relocation`]s, and
//! the state of its stack, instruction by instruction, in [`Note`]s.

use core::arch::global_asm;
use core::ops::Range;
use core::slice;

use abi::{Call, SOCKETCALL_I386, i386};

/// How far above the stack pointer an array is taken for readable without a probe. glibc and compilers put
/// it there; what lies there beyond the stack's end is a fault that the supervisor turns into EFAULT.
const WINDOW: u32 = 8192;

/// How many bytes below the stack pointer a trapped call needs: what [`Labels::trap_entry`], the probe and
/// the kernel's `__kernel_vsyscall` push, and some.
pub const STACK: u32 = 80;

/// The data of the RET_TRAP that [`Variant::Handling`] serves: `si_errno`.
pub const TRAP_DATA: u16 = 0x5c66;

/// What the stub passes as a fifth argument to rt_sigaction, which has four, when it sets its own handler. A
/// filter knows it by that.
pub const PERMIT: u32 = 0x736f_636b;

/// Flags of a signal's disposition (include/uapi/asm-generic/signal-defs.h).
const SA_SIGINFO: u32 = 4;
const SA_ONSTACK: u32 = 0x0800_0000;
const SA_NODEFER: u32 = 0x4000_0000;

/// What the stub does besides taking calls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Nothing.
    Plain,
    /// It counts the calls that it takes apart, and the direct ones.
    Counting,
    /// It serves the SIGSYS of trapped calls inside the process, and starts the program after having set
    /// that handler.
    Handling,
}

/// An instruction that ends in a 32-bit reference to another place of the stub; `$kind` says which.
macro_rules! refers {
    ($kind:literal, $instruction:expr) => {
        concat!(
            $instruction,
            "\n.pushsection .rodata.socketcall_stub_relocations,\"a\"",
            "\n.short 88f - socketcall_stub_begin - 4, ",
            $kind,
            "\n.popsection\n88:"
        )
    };
}

/// The field gets the address of the stub added.
macro_rules! absolute {
    ($instruction:literal) => {
        refers!(0, $instruction)
    };
}

/// The field becomes the distance to the kernel's `__kernel_vsyscall`.
macro_rules! to_vsyscall {
    ($opcode:literal) => {
        refers!(1, concat!(".byte ", $opcode, "\n.long 0"))
    };
}

/// The field becomes the address of a counter: 2 of the stub's calls, 3 of direct ones.
macro_rules! count_stub {
    () => {
        refers!(2, "lock incl 0x7fffffff")
    };
}
macro_rules! count_direct {
    () => {
        refers!(3, "lock incl 0x7fffffff")
    };
}

/// The field becomes the size of the window above the stack pointer in which no array is probed.
macro_rules! window {
    ($instruction:literal) => {
        refers!(5, $instruction)
    };
}

/// A jump to where the program starts.
macro_rules! start {
    () => {
        refers!(4, ".byte 0xe9\n.long 0")
    };
}

/// A note on the stack's state from here on, for the unwind tables.
macro_rules! note {
    ($op:literal, $register:literal) => {
        concat!(
            "\n77: .pushsection .rodata.socketcall_stub_notes,\"a\"",
            "\n.short 77b - socketcall_stub_begin\n.byte ",
            $op,
            ", ",
            $register,
            "\n.popsection"
        )
    };
}

/// Pushes a register of the caller's. Numbers are DWARF's for i386, which are those of the opcodes.
macro_rules! save {
    ($register:literal) => {
        concat!(".byte 0x50 + ", $register, note!(0, $register))
    };
}
macro_rules! restore {
    ($register:literal) => {
        concat!(".byte 0x58 + ", $register, note!(1, $register))
    };
}

/// The offset of a label, in the order of [`OFFSETS`].
macro_rules! offset {
    ($label:literal) => {
        concat!(".short ", $label, " - socketcall_stub_begin")
    };
}

global_asm!(
    ".pushsection .rodata.socketcall_stub_relocations,\"a\"",
    ".p2align 1",
    "socketcall_stub_relocations:",
    ".popsection",
    ".pushsection .rodata.socketcall_stub_notes,\"a\"",
    ".p2align 1",
    "socketcall_stub_notes:",
    ".popsection",
    ".pushsection .rodata.socketcall_stub,\"a\"",
    ".code32",
    "socketcall_stub_begin:",
    // What `call *%gs:0x10` reaches: eax is the call's number, and all registers are the caller's.
    ".Lsocketcall_entry:",
    note!(3, 0),
    "cmpl ${socketcall}, %eax",
    to_vsyscall!("0x0f, 0x85"), // jne
    ".Lsocketcall_checked:",
    // An array that is not just above the stack pointer may be unreadable: it is probed first.
    "mov %ecx, %eax",
    "sub %esp, %eax",
    window!("cmp $0x7fffffff, %eax"),
    "jae .Lsocketcall_slow",
    ".Lsocketcall_demux:",
    save!(3), // ebx
    save!(1), // ecx
    save!(2), // edx
    save!(6), // esi
    save!(7), // edi
    save!(5), // ebp
    // The call is judged before the array is touched (net/socket.c, "if (call < 1 || ...)").
    "lea -1(%ebx), %eax",
    "cmp $({calls} - 1), %eax",
    "ja .Lsocketcall_einval",
    absolute!("movzwl (.Lsocketcall_table - socketcall_stub_begin)(,%eax,2), %eax"),
    "mov %eax, %edx",
    "and $0xfff, %eax", // the direct call's number
    "shr $12, %edx",    // the array's words
    "xor %esi, %esi",
    "xor %edi, %edi",
    "xor %ebp, %ebp",
    // Exactly the words that the call has are read, each once; ecx, their address, last.
    ".Lsocketcall_load_begin:",
    "mov (%ecx), %ebx",
    "cmp $4, %edx",
    "jb 3f",
    "mov 12(%ecx), %esi",
    "je 4f",
    "mov 16(%ecx), %edi",
    "cmp $6, %edx",
    "jb 4f",
    "mov 20(%ecx), %ebp",
    "jmp 4f",
    "3: cmp $3, %edx",
    "jb 2f",
    "4: mov 8(%ecx), %edx",
    "jmp 5f",
    "2: xor %edx, %edx",
    "5: mov 4(%ecx), %ecx",
    ".Lsocketcall_load_end:",
    to_vsyscall!("0xe8"), // call
    "cmp $-{enosys}, %eax",
    "je .Lsocketcall_enosys",
    ".Lsocketcall_restore:",
    note!(5, 0),
    restore!(5),
    restore!(7),
    restore!(6),
    restore!(2),
    restore!(1),
    restore!(3),
    "ret",
    note!(6, 0),
    ".Lsocketcall_einval:",
    "mov $-{einval}, %eax",
    "jmp .Lsocketcall_restore",
    ".Lsocketcall_efault:",
    "mov $-{efault}, %eax",
    "jmp .Lsocketcall_restore",
    // Kernels without 32-bit time (CONFIG_COMPAT_32BIT_TIME) don't have recvmmsg's direct call, though the
    // multiplexed one works there: the newer call takes its place, with the timeout converted, and written
    // back if something was received (net/socket.c, `__sys_recvmmsg`).
    ".Lsocketcall_enosys:",
    "cmpl ${call_recvmmsg}, 20(%esp)", // ebx, as it was saved
    "jne .Lsocketcall_restore",
    "test %edi, %edi",
    "jnz 1f",
    "mov ${recvmmsg_time64}, %eax",
    to_vsyscall!("0xe8"),
    "jmp .Lsocketcall_restore",
    // Like the array, the timeout is probed: that eight bytes can be read by a `how` that there is not, and
    // later that they can be written by asking for the mask, which then is written over.
    "1: push %ebx",
    note!(2, 0),
    "push %ecx",
    note!(2, 0),
    "push %edx",
    note!(2, 0),
    "push %esi",
    note!(2, 0),
    "or $-1, %ebx",
    "mov %edi, %ecx",
    "xor %edx, %edx",
    "mov $8, %esi",
    "mov ${rt_sigprocmask}, %eax",
    to_vsyscall!("0xe8"),
    "pop %esi",
    note!(8, 0),
    "pop %edx",
    note!(8, 0),
    "pop %ecx",
    note!(8, 0),
    "pop %ebx",
    note!(8, 0),
    "cmp $-{efault}, %eax",
    "je .Lsocketcall_restore",
    ".Lsocketcall_timeout_begin:",
    "mov (%edi), %ebp",
    "mov 4(%edi), %eax",
    ".Lsocketcall_timeout_end:",
    // struct __kernel_timespec: the seconds' two halves, the nanoseconds' two.
    "push $0",
    note!(2, 0),
    "push %eax",
    note!(2, 0),
    "mov %ebp, %eax",
    "sar $31, %eax",
    "push %eax",
    note!(2, 0),
    "push %ebp",
    note!(2, 0),
    "push %edi",
    note!(2, 0),
    "lea 4(%esp), %edi",
    "xor %ebp, %ebp",
    "mov ${recvmmsg_time64}, %eax",
    to_vsyscall!("0xe8"),
    "pop %edi",
    note!(8, 0),
    "pop %ebp",
    note!(8, 0),
    "pop %ecx",
    note!(8, 0),
    "pop %ecx",
    note!(8, 0),
    "pop %edx",
    note!(8, 0),
    "test %eax, %eax",
    "jle .Lsocketcall_restore",
    "push %eax",
    note!(2, 0),
    "push %ecx",
    note!(2, 0),
    "xor %ebx, %ebx", // SIG_BLOCK
    "xor %ecx, %ecx",
    "mov %edi, %edx",
    "mov $8, %esi",
    "mov ${rt_sigprocmask}, %eax",
    to_vsyscall!("0xe8"),
    "pop %ecx",
    note!(8, 0),
    "pop %edx",
    note!(8, 0),
    "test %eax, %eax",
    "jnz .Lsocketcall_efault",
    "mov %edx, %eax",
    ".Lsocketcall_rest_begin:",
    "mov %ebp, (%edi)",
    "mov %ecx, 4(%edi)",
    ".Lsocketcall_rest_end:",
    "jmp .Lsocketcall_restore",
    // An array in the page of the stack pointer can be read: what called us was pushed there.
    ".Lsocketcall_slow:",
    note!(3, 0),
    "mov %esp, %eax",
    "or $4095, %eax",
    "sub $23, %eax", // the last address from which six words lie in the page
    "cmp %eax, %ecx",
    "ja 1f",
    "cmp %esp, %ecx",
    "jae .Lsocketcall_demux",
    // Whether another can be read is asked of rt_sigprocmask with a `how` that there is not: it copies
    // eight bytes, then answers EINVAL, and changes nothing (kernel/signal.c). The array's first and last
    // eight bytes tell, since it touches two pages at most.
    "1:",
    save!(3),
    save!(1),
    save!(2),
    save!(6),
    save!(7),
    "lea -1(%ebx), %eax",
    "cmp $({calls} - 1), %eax",
    "ja 9f",
    absolute!("movzwl (.Lsocketcall_table - socketcall_stub_begin)(,%eax,2), %edi"),
    "shr $12, %edi",
    "or $-1, %ebx",
    "xor %edx, %edx",
    "push $8",
    note!(2, 0),
    "pop %esi",
    note!(8, 0),
    "lea -8(%ecx,%edi,4), %edi",
    // A null set is no set, and can always be read: the page at 0 is probed from 1.
    "cmp $1, %ecx",
    "adc $0, %ecx",
    "3: mov ${rt_sigprocmask}, %eax",
    to_vsyscall!("0xe8"),
    "cmp $-{efault}, %eax",
    "je 2f",
    "cmp %edi, %ecx",
    "mov %edi, %ecx",
    "jne 3b",
    "9: xor %eax, %eax",
    "2:",
    restore!(7),
    restore!(6),
    restore!(2),
    restore!(1),
    restore!(3),
    "cmp $-{efault}, %eax",
    "jne .Lsocketcall_demux",
    "ret",
    // Where the supervisor sends a thread whose call was trapped: eax is the address to return to, and all
    // other registers and the flags are the caller's. The stack is used as a signal would.
    ".Lsocketcall_trap:",
    note!(4, 0),
    "push %eax",
    note!(7, 0),
    "pushf",
    note!(2, 0),
    "call .Lsocketcall_checked",
    "popf",
    note!(8, 0),
    "ret",
    ".p2align 1",
    ".Lsocketcall_table:",
    ".fill {calls}, 2, 0", // filled in by `Code::new`, so that the facts stand in one place
    ".Lsocketcall_plain_end:",
    // As the entry, and counts. Only there where counts were asked for.
    ".Lsocketcall_counted:",
    note!(3, 0),
    "cmpl ${socketcall}, %eax",
    "jne 1f",
    count_stub!(),
    "jmp .Lsocketcall_checked",
    "1: cmpl ${recvmmsg_time64}, %eax",
    "je 2f",
    "cmpl ${last}, %eax",
    "ja 3f",
    "cmpl ${first}, %eax",
    "jae 2f",
    "cmpl ${sendmmsg}, %eax",
    "je 2f",
    "cmpl ${recvmmsg}, %eax",
    "jne 3f",
    "2:",
    count_direct!(),
    "3:",
    to_vsyscall!("0xe9"), // jmp
    ".Lsocketcall_counted_end:",
    // SIGSYS in a process that nobody traces: 4(%esp) is the signal, 8(%esp) its siginfo_t, 12(%esp) the
    // ucontext_t. The thread goes on at the trap's entry once the handler has returned.
    ".Lsocketcall_handler:",
    note!(3, 0),
    "mov 8(%esp), %eax",
    "cmpl ${trap_data}, 4(%eax)",  // si_errno
    "jne 1f",
    "cmpl $1, 8(%eax)",            // si_code: SYS_SECCOMP
    "jne 1f",
    "cmpl ${socketcall}, 16(%eax)", // si_syscall
    "jne 1f",
    "mov 12(%esp), %ecx",
    "mov 76(%ecx), %eax",          // eip
    "mov %eax, 64(%ecx)",          // eax
    absolute!("movl $(.Lsocketcall_trap - socketcall_stub_begin), 76(%ecx)"),
    // rt_sigreturn by the fast entry: the kernel's own trampoline takes int $0x80. It looks for the frame from
    // four bytes below the stack pointer on; `__kernel_vsyscall` and the call to it push sixteen, over the
    // handler's arguments, which nobody needs any more.
    "lea 20(%esp), %esp",
    "mov ${rt_sigreturn}, %eax",
    to_vsyscall!("0xe8"),
    // Somebody else's SIGSYS ends the program, as it would have without a handler.
    "1: mov ${rt_sigaction}, %eax",
    "mov ${sigsys}, %ebx",
    absolute!("mov $(.Lsocketcall_default - socketcall_stub_begin), %ecx"),
    "xor %edx, %edx",
    "mov $8, %esi",
    "mov ${permit}, %edi",
    "int $0x80",
    "mov ${getpid}, %eax",
    "int $0x80",
    "mov %eax, %ebx",
    "mov ${sigsys}, %ecx",
    "mov ${kill}, %eax",
    "int $0x80",
    "ret",
    // Where such a program starts instead of at its own entry: sets the handler, and leaves all registers as
    // the kernel does.
    ".Lsocketcall_boot:",
    note!(3, 0),
    "mov ${rt_sigaction}, %eax",
    "mov ${sigsys}, %ebx",
    absolute!("mov $(.Lsocketcall_action - socketcall_stub_begin), %ecx"),
    "xor %edx, %edx",
    "mov $8, %esi",
    "mov ${permit}, %edi",
    "int $0x80",
    "xor %eax, %eax",
    "xor %ebx, %ebx",
    "xor %ecx, %ecx",
    "xor %esi, %esi",
    "xor %edi, %edi",
    start!(), // jmp
    ".p2align 2",
    ".Lsocketcall_action:",
    absolute!(".long .Lsocketcall_handler - socketcall_stub_begin"),
    ".long {handler_flags}, 0, 0, 0",
    ".Lsocketcall_default:",
    ".long 0, 0, 0, 0, 0",
    "socketcall_stub_end:",
    ".code64",
    ".popsection",
    ".pushsection .rodata.socketcall_stub_offsets,\"a\"",
    ".p2align 1",
    "socketcall_stub_offsets:",
    offset!(".Lsocketcall_entry"),
    offset!(".Lsocketcall_counted"),
    offset!(".Lsocketcall_trap"),
    offset!(".Lsocketcall_load_begin"),
    offset!(".Lsocketcall_load_end"),
    offset!(".Lsocketcall_timeout_begin"),
    offset!(".Lsocketcall_timeout_end"),
    offset!(".Lsocketcall_rest_begin"),
    offset!(".Lsocketcall_rest_end"),
    offset!(".Lsocketcall_efault"),
    offset!(".Lsocketcall_table"),
    offset!(".Lsocketcall_plain_end"),
    offset!(".Lsocketcall_counted_end"),
    offset!(".Lsocketcall_boot"),
    offset!("socketcall_stub_end"),
    ".popsection",
    ".pushsection .rodata.socketcall_stub_relocations,\"a\"",
    "socketcall_stub_relocations_end:",
    ".popsection",
    ".pushsection .rodata.socketcall_stub_notes,\"a\"",
    "socketcall_stub_notes_end:",
    ".popsection",
    socketcall = const SOCKETCALL_I386,
    calls = const Call::ALL.len(),
    einval = const abi::Errno::EINVAL.raw(),
    efault = const abi::Errno::EFAULT.raw(),
    enosys = const abi::Errno::ENOSYS.raw(),
    call_recvmmsg = const Call::Recvmmsg.number(),
    rt_sigprocmask = const 175,
    rt_sigaction = const 174,
    rt_sigreturn = const 173,
    getpid = const 20,
    kill = const 37,
    sigsys = const 31,
    trap_data = const TRAP_DATA,
    permit = const PERMIT,
    handler_flags = const SA_SIGINFO | SA_NODEFER | SA_ONSTACK,
    recvmmsg_time64 = const i386::RECVMMSG_TIME64,
    first = const i386::SOCKET,
    last = const i386::SHUTDOWN,
    sendmmsg = const i386::SENDMMSG,
    recvmmsg = const i386::RECVMMSG,
    options(att_syntax),
);

unsafe extern "C" {
    #[link_name = "socketcall_stub_begin"]
    static BEGIN: u8;
    #[link_name = "socketcall_stub_end"]
    static END: u8;
    #[link_name = "socketcall_stub_relocations"]
    static RELOCATIONS: [u16; 2];
    #[link_name = "socketcall_stub_relocations_end"]
    static RELOCATIONS_END: [u16; 2];
    #[link_name = "socketcall_stub_notes"]
    static NOTES: Note;
    #[link_name = "socketcall_stub_notes_end"]
    static NOTES_END: Note;
    #[link_name = "socketcall_stub_offsets"]
    static OFFSETS: [u16; 15];
}

/// What stands between two symbols of the assembly.
macro_rules! between {
    ($begin:ident, $end:ident) => {{
        let (begin, end) = (&raw const $begin, &raw const $end);
        // SAFETY: both symbols are in this file's read-only assembly, the second behind the first in the
        // same section, and what lies between is initialised, valid for its type and never written.
        unsafe { slice::from_raw_parts(begin, end.offset_from_unsigned(begin)) }
    }};
}

/// What is to be added to a 32-bit field of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The address of the code's first byte.
    Base,
    /// The field becomes the distance from its end to the kernel's `__kernel_vsyscall`.
    ToVsyscall,
    /// The field becomes the address of the counter with this index.
    Counter(u32),
    /// The field becomes the distance from its end to where the program starts.
    Start,
    /// The field becomes this value.
    Value(u32),
}

/// A 32-bit field of the code that depends on where the code will run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relocation {
    /// The field's offset.
    pub at: u16,
    pub kind: Kind,
}

/// What happens to the stack in front of an offset of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Note {
    pub at: u16,
    /// One of the constants below.
    pub op: u8,
    /// DWARF's number of the register that `SAVED` and `RESTORED` are about.
    pub register: u8,
}

impl Note {
    pub(crate) const SAVED: u8 = 0;
    pub(crate) const RESTORED: u8 = 1;
    /// Something was pushed that is no register of the caller's.
    pub(crate) const PUSHED: u8 = 2;
    /// A function begins, as a call leaves the stack.
    pub(crate) const BEGIN: u8 = 3;
    /// A function begins whose return address is in eax.
    pub(crate) const BEGIN_TRAP: u8 = 4;
    /// The state here is needed once more.
    pub(crate) const REMEMBER: u8 = 5;
    /// The state is the remembered one.
    pub(crate) const RECALL: u8 = 6;
    /// The return address was pushed.
    pub(crate) const PUSHED_RETURN: u8 = 7;
    /// What `PUSHED` told of was popped.
    pub(crate) const POPPED: u8 = 8;
}

/// Places in the code, as offsets from its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// What takes the place of `__kernel_vsyscall`: counting, if that was asked for.
    pub entry: u32,
    /// Where a thread goes on whose call was trapped: eax is the address to return to.
    pub trap_entry: u32,
    /// Where the program's memory is read and written for it: the array, recvmmsg's timeout. A fault here
    /// means that it can't be.
    pub faults: Vec<Range<u32>>,
    /// Where a thread goes on after such a fault.
    pub efault: u32,
    /// Where the program is to start, if the stub is to set its handler first.
    pub boot: Option<u32>,
}

/// The code before it is placed.
pub(crate) struct Code {
    pub bytes: Vec<u8>,
    pub relocations: Vec<Relocation>,
    pub notes: &'static [Note],
    pub labels: Labels,
    /// Where instructions end and the table begins.
    pub table: u32,
}

impl Code {
    /// The stub. Code that the variant does not need is left out at the end.
    pub(crate) fn new(variant: Variant) -> Code {
        // SAFETY: the assembly defines these offsets, and nothing writes them.
        let [entry, counted, trap, faults @ .., efault, table, plain_end, counted_end, boot, end] =
            unsafe { OFFSETS }.map(u32::from);
        let end = match variant {
            Variant::Plain => plain_end,
            Variant::Counting => counted_end,
            Variant::Handling => end,
        };
        let mut bytes = between!(BEGIN, END)[..end as usize].to_vec();
        for (row, call) in bytes[table as usize..].as_chunks_mut::<2>().0.iter_mut().zip(Call::ALL) {
            *row = (call.direct_i386() as u16 | (call.words() as u16) << 12).to_le_bytes();
        }
        let relocation = |&[at, kind]: &[u16; 2]| Relocation {
            at,
            kind: match kind {
                0 => Kind::Base,
                1 => Kind::ToVsyscall,
                4 => Kind::Start,
                // A fault in the window is a tracer's to turn into EFAULT. Without one there is no window.
                5 => Kind::Value(if variant == Variant::Handling { 0 } else { WINDOW }),
                counter => Kind::Counter(u32::from(counter) - 2),
            },
        };
        let here = |at: u16| u32::from(at) < end;
        let relocations = between!(RELOCATIONS, RELOCATIONS_END).iter().map(relocation);
        let notes = between!(NOTES, NOTES_END);
        Code {
            bytes,
            relocations: relocations.filter(|relocation| here(relocation.at)).collect(),
            notes: &notes[..notes.iter().take_while(|note| here(note.at)).count()],
            labels: Labels {
                entry: if variant == Variant::Counting { counted } else { entry },
                trap_entry: trap,
                faults: faults.as_chunks().0.iter().map(|&[begin, end]| begin..end).collect(),
                efault,
                boot: (variant == Variant::Handling).then_some(boot),
            },
            table,
        }
    }
}
