//! The stub's i386 code, and what the assembler itself says about it.
//!
//! The code lies in this 64-bit program's read-only data and is never executed here: the supervisor writes
//! it into 32-bit processes. So it holds no reference that the linker would have to resolve; whatever
//! depends on the address where it will run is listed in a section of relocations, and the state of its
//! stack, instruction by instruction, in one of notes. Labels that others need are listed as offsets.

use core::arch::global_asm;
use core::slice;

use abi::{Call, SOCKETCALL_I386, i386};

use crate::code::{Note, PERMIT, TRAP_DATA};

/// Flags of a signal's disposition (include/uapi/asm-generic/signal-defs.h).
const SA_SIGINFO: u32 = 4;
const SA_ONSTACK: u32 = 0x0800_0000;
const SA_NODEFER: u32 = 0x4000_0000;

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
    "lea -1(%ebx), %edx",
    "cmp $({calls} - 1), %edx",
    "ja .Lsocketcall_einval",
    // The table is found from here, since a program may move its vDSO.
    "call 1f",
    note!(2, 0),
    "1: pop %eax",
    note!(8, 0),
    "movzwl .Lsocketcall_table - 1b(%eax,%edx,2), %eax",
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
    "call 1f",
    note!(2, 0),
    "1: pop %edi",
    note!(8, 0),
    "movzwl .Lsocketcall_table - 1b(%edi,%eax,2), %edi",
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
    note!(9, 0),
    "mov ${rt_sigreturn}, %eax",
    to_vsyscall!("0xe8"),
    note!(3, 0),
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

/// A relocation as the assembler lists it: the field's offset, and what `refers!` was given.
pub(crate) type Listed = [u16; 2];

unsafe extern "C" {
    #[link_name = "socketcall_stub_begin"]
    static BEGIN: u8;
    #[link_name = "socketcall_stub_end"]
    static END: u8;
    #[link_name = "socketcall_stub_relocations"]
    static RELOCATIONS: Listed;
    #[link_name = "socketcall_stub_relocations_end"]
    static RELOCATIONS_END: Listed;
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

/// All of the code.
pub(crate) fn bytes() -> &'static [u8] {
    between!(BEGIN, END)
}

/// Its fields that depend on where it will run, in order.
pub(crate) fn relocations() -> &'static [Listed] {
    between!(RELOCATIONS, RELOCATIONS_END)
}

/// What happens to the stack, in order.
pub(crate) fn notes() -> &'static [Note] {
    between!(NOTES, NOTES_END)
}

/// The labels' offsets, in the order of the assembly's list.
pub(crate) fn offsets() -> [u32; 15] {
    // SAFETY: the assembly defines these offsets, and nothing writes them.
    unsafe { OFFSETS }.map(u32::from)
}
