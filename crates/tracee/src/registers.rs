//! A tracee's general registers, seen as 64-bit or as i386 ones.

/// The code segment of 32-bit user code in every x86-64 kernel's GDT (`__USER32_CS`, asm/segment.h).
pub const CODE_32: u64 = 0x23;

/// The data segment of user code (`__USER_DS`), which 32-bit programs have in ds, es and ss.
pub const DATA_32: u64 = 0x2b;

/// The general registers of a stopped tracee, in the kernel's 64-bit shape whatever the tracee runs
/// (PTRACE_GETREGS of a 64-bit tracer; the regset of a 32-bit tracee would have another shape).
#[derive(Clone, Copy, Debug)]
pub struct Registers(pub(crate) libc::user_regs_struct);

impl Registers {
    /// Whether the thread runs code of the ordinary flat 32-bit segments. A program can load others
    /// (modify_ldt), whose addresses are not linear ones.
    #[must_use]
    pub const fn is_flat_32(&self) -> bool {
        self.0.cs == CODE_32 && self.0.ss == DATA_32 && self.0.ds == DATA_32
    }

    /// Whether the thread runs 32-bit code of the ordinary code segment.
    #[must_use]
    pub const fn is_32(&self) -> bool {
        self.0.cs == CODE_32
    }

    /// The accumulator as a 64-bit value: a call's number before it is made, its result after.
    #[must_use]
    pub const fn rax(&self) -> u64 {
        self.0.rax
    }

    /// Sets the accumulator.
    pub const fn set_rax(&mut self, value: u64) {
        self.0.rax = value;
    }

    /// Sets the accumulator to what a call answers on failure: `-errno`.
    pub const fn set_error(&mut self, errno: i32) {
        self.0.rax = -(errno as i64) as u64;
    }

    /// The number of the call that the thread is in, or -1: a restart looks at it, not at the accumulator.
    #[must_use]
    pub const fn call_number(&self) -> i32 {
        self.0.orig_rax as i32
    }

    /// Sets the number of the call that the thread is in. In a stop at a call's entry that is the call
    /// which will be made, and -1 makes none; elsewhere -1 says that there is nothing to restart.
    pub const fn set_call_number(&mut self, number: i32) {
        self.0.orig_rax = number as i64 as u64;
    }

    /// The instruction pointer.
    #[must_use]
    pub const fn ip(&self) -> u64 {
        self.0.rip
    }

    /// Sets the instruction pointer.
    pub const fn set_ip(&mut self, address: u64) {
        self.0.rip = address;
    }

    /// The stack pointer.
    #[must_use]
    pub const fn sp(&self) -> u64 {
        self.0.rsp
    }

    /// The six argument registers of an i386 call: ebx, ecx, edx, esi, edi, ebp.
    #[must_use]
    pub const fn i386_args(&self) -> [u32; 6] {
        let r = &self.0;
        [r.rbx as u32, r.rcx as u32, r.rdx as u32, r.rsi as u32, r.rdi as u32, r.rbp as u32]
    }

    /// Sets the six argument registers of an i386 call. Their upper halves, which 64-bit code can use, stay as they are.
    pub const fn set_i386_args(&mut self, args: [u32; 6]) {
        const fn low(register: u64, word: u32) -> u64 {
            register & !(u32::MAX as u64) | word as u64
        }
        let r = &mut self.0;
        r.rbx = low(r.rbx, args[0]);
        r.rcx = low(r.rcx, args[1]);
        r.rdx = low(r.rdx, args[2]);
        r.rsi = low(r.rsi, args[3]);
        r.rdi = low(r.rdi, args[4]);
        r.rbp = low(r.rbp, args[5]);
    }

    /// Sets the first argument register of a call: rdi if it is a 64-bit one, else ebx.
    pub const fn set_first_arg(&mut self, wide: bool, value: u64) {
        if wide {
            self.0.rdi = value;
        } else {
            self.0.rbx = value;
        }
    }

    /// The six argument registers of an x86-64 call: rdi, rsi, rdx, r10, r8, r9.
    #[must_use]
    pub const fn x86_64_args(&self) -> [u64; 6] {
        let r = &self.0;
        [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9]
    }

    /// Sets the six argument registers of an x86-64 call.
    pub const fn set_x86_64_args(&mut self, args: [u64; 6]) {
        let r = &mut self.0;
        [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9] = args;
    }

    /// `self` with the argument registers of `other`, both widths: what a call that was made in other
    /// words leaves to be put back.
    #[must_use]
    pub const fn with_args_of(mut self, other: &Registers) -> Registers {
        let (r, o) = (&mut self.0, &other.0);
        [r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp] = [o.rbx, o.rcx, o.rdx, o.rsi, o.rdi, o.rbp];
        self
    }

    /// The registers under their manual-page names, for showing: (name, value) in the order of
    /// an i386 call.
    #[must_use]
    pub const fn i386_named(&self) -> [(&'static str, u32); 9] {
        let r = &self.0;
        [
            ("eax", r.orig_rax as u32),
            ("ebx", r.rbx as u32),
            ("ecx", r.rcx as u32),
            ("edx", r.rdx as u32),
            ("esi", r.rsi as u32),
            ("edi", r.rdi as u32),
            ("ebp", r.rbp as u32),
            ("esp", r.rsp as u32),
            ("eip", r.rip as u32),
        ]
    }
}
