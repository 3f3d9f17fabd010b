//! A 64-bit program that makes multiplexed calls by `int $0x80`, and looks after each at all its registers. It
//! prints what it sees; Linux itself says what that has to be.

use std::arch::global_asm;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

/// rax, rbx, rcx, rdx, rsi, rdi, rbp, r8 to r15, and the flags.
type Registers = [u64; 16];

const NAMES: [&str; 16] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rflags",
];

global_asm!(
    "socketcall_test_int80:",
    "push rbx; push rbp; push r12; push r13; push r14; push r15",
    "push rdi",
    "mov rax, [rdi]",
    "mov rbx, [rdi + 8]",
    "mov rcx, [rdi + 16]",
    "mov rdx, [rdi + 24]",
    "mov rsi, [rdi + 32]",
    "mov rbp, [rdi + 48]",
    "mov r8, [rdi + 56]",
    "mov r9, [rdi + 64]",
    "mov r10, [rdi + 72]",
    "mov r11, [rdi + 80]",
    "mov r12, [rdi + 88]",
    "mov r13, [rdi + 96]",
    "mov r14, [rdi + 104]",
    "mov r15, [rdi + 112]",
    "push [rdi + 120]",
    "popfq",
    "mov rdi, [rdi + 40]",
    "int 0x80",
    "xchg rdi, [rsp]",
    "pushfq",
    "pop [rdi + 120]",
    "cld",
    "mov [rdi], rax",
    "mov [rdi + 8], rbx",
    "mov [rdi + 16], rcx",
    "mov [rdi + 24], rdx",
    "mov [rdi + 32], rsi",
    "mov [rdi + 48], rbp",
    "mov [rdi + 56], r8",
    "mov [rdi + 64], r9",
    "mov [rdi + 72], r10",
    "mov [rdi + 80], r11",
    "mov [rdi + 88], r12",
    "mov [rdi + 96], r13",
    "mov [rdi + 104], r14",
    "mov [rdi + 112], r15",
    "pop rax",
    "mov [rdi + 40], rax",
    "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
    "ret",
);

unsafe extern "C" {
    /// Loads all registers, executes `int $0x80`, stores all registers.
    fn socketcall_test_int80(registers: *mut Registers);
}

/// What the kernel shows of the flags: those that arithmetic changes, and the direction.
const FLAGS: u64 = 0xcd5;

/// Makes a multiplexed call with the array at `array`; answers its result, and the names of the other
/// registers that it changed.
fn socketcall(call: i32, array: u64) -> (i32, Vec<&'static str>) {
    let mut registers: Registers = std::array::from_fn(|n| 0x1111_1111_1111_1111 * n as u64);
    registers[0] = abi::SOCKETCALL_I386.into();
    // The upper halves are not the call's.
    registers[1] = u64::from(call.cast_unsigned()) | 0xb0b0_b0b0 << 32;
    registers[2] = array | 0xc0c0_c0c0 << 32;
    registers[15] = FLAGS & 0x4d5;
    let before = registers;
    // SAFETY: the pointer is to all the registers. The assembly keeps what its caller owns, and clears the
    // direction flag. What the call itself reads and writes is the tests' own memory.
    unsafe { socketcall_test_int80(&raw mut registers) };
    let mask = |n: usize| if n == 15 { FLAGS } else { u64::MAX };
    let changed = (1..16).filter(|&n| (registers[n] ^ before[n]) & mask(n) != 0).map(|n| NAMES[n]).collect();
    (registers[0] as i32, changed)
}

/// Two pages below 4 GiB, the second of which can't be read.
struct Low {
    base: *mut u8,
}

const PAGE: usize = 4096;

impl Low {
    fn new() -> Low {
        // SAFETY: a new mapping, and its second half made inaccessible.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
            let base = libc::mmap(null_mut(), 2 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
            assert_eq!(libc::mprotect(base.byte_add(PAGE), PAGE, libc::PROT_NONE), 0);
            Low { base: base.cast() }
        }
    }

    fn address(&self, offset: usize) -> u32 {
        u32::try_from(self.base.addr() + offset).expect("a low address")
    }

    /// Writes words at `offset`; answers their address.
    fn put(&self, offset: usize, words: &[u32]) -> u32 {
        assert!(offset + 4 * words.len() <= PAGE);
        for (n, word) in words.iter().enumerate() {
            // SAFETY: within the first page, which is ours alone.
            unsafe { self.base.add(offset + 4 * n).cast::<u32>().write_unaligned(*word) };
        }
        self.address(offset)
    }

    fn get(&self, offset: usize) -> u32 {
        assert!(offset + 4 <= PAGE);
        // SAFETY: within the first page, which is ours alone.
        unsafe { self.base.add(offset).cast::<u32>().read_unaligned() }
    }
}

const ARRAY: usize = 0;
const PAIR: usize = 256;
const BUFFER: usize = 512;
const LENGTH: usize = 520;

/// Calls that work, and calls that fail, each with its result.
pub fn calls() {
    let low = Low::new();
    let show = |name: &str, (result, changed): (i32, Vec<&str>)| println!("{name} {result} {changed:?}");
    let call = |name: &str, call: i32, words: &[u32]| {
        let array = low.put(ARRAY, words);
        show(name, socketcall(call, array.into()));
    };
    let (buffer, length) = (low.address(BUFFER), low.address(LENGTH));
    call("socketpair", 8, &[1, 1, 0, low.address(PAIR)]);
    let [left, right] = [low.get(PAIR), low.get(PAIR + 4)];
    low.put(BUFFER, &[0x676e_6970]);
    call("send", 9, &[left, buffer, 4, 0]);
    low.put(BUFFER, &[0]);
    call("recv", 10, &[right, buffer, 16, 0]);
    println!("{:#x}", low.get(BUFFER));
    call("sendto", 11, &[right, buffer, 2, 0, 0, 0]);
    call("recvfrom", 12, &[left, buffer, 16, 0, 0, 0]);
    low.put(LENGTH, &[4]);
    call("getsockopt", 15, &[left, 1, 3, buffer, length]);
    println!("{:#x} {}", low.get(BUFFER), low.get(LENGTH));
    call("shutdown", 13, &[left, 2]);
    call("recv-at-end", 10, &[right, buffer, 16, 0]);
    call("bad-descriptor", 9, &[999, buffer, 4, 0]);
    call("bad-family", 1, &[12345, 1, 0]);
    // The multiplexer's own checks, in their order.
    for (number, name) in [(0, "call-0"), (21, "call-21"), (-1, "call-minus-1"), (257, "call-257")] {
        show(name, socketcall(number, 0));
        show(name, socketcall(number, 0xffff_fffc));
    }
    for (number, name) in [(1, "socket"), (4, "listen"), (20, "sendmmsg")] {
        for array in [0, 0xffff_fffc, u64::from(low.address(PAGE)), u64::from(low.address(PAGE)) + 100] {
            show(name, socketcall(number, array));
        }
    }
    // An array that ends where memory does, and one that goes on behind it.
    for (number, words) in [(1, 3), (4, 2), (8, 4), (14, 5), (11, 6)] {
        for words in [words, words - 1] {
            let offset = PAGE - 4 * words;
            low.put(offset, &[999, 999, 999, 999, 999][..words.min(5)]);
            show("at-page-end", socketcall(number, low.address(offset).into()));
            // Not aligned.
            show("odd", socketcall(number, u64::from(low.address(offset)) - 1));
            show("odd", socketcall(number, u64::from(low.address(offset)) + 1));
        }
    }
}

/// How often the handler ran, and the descriptor it writes to.
static RUNS: AtomicU32 = AtomicU32::new(0);
static FEED: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_alarm(_: libc::c_int) {
    // The third time, what the call waits for comes.
    if RUNS.fetch_add(1, Relaxed) == 2 {
        // SAFETY: one byte that lives for ever.
        unsafe { libc::write(FEED.load(Relaxed), c"x".as_ptr().cast(), 1) };
    }
}

/// A blocking recv, and signals meanwhile: with SA_RESTART it goes on, without it ends with EINTR.
pub fn interrupted(restart: bool) {
    let low = Low::new();
    let pair = pair();
    FEED.store(pair[0], Relaxed);
    // SAFETY: sigaction and itimerval are plain integers, for which zero is a value, and a handler that does
    // what a handler may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_alarm as *const () as usize;
        action.sa_flags = if restart { libc::SA_RESTART } else { 0 };
        assert_eq!(libc::sigaction(libc::SIGALRM, &raw const action, null_mut()), 0);
        let every = libc::timeval { tv_sec: 0, tv_usec: 20_000 };
        let timer = libc::itimerval { it_interval: every, it_value: every };
        assert_eq!(libc::syscall(libc::SYS_setitimer, libc::ITIMER_REAL, &raw const timer, null::<u8>()), 0);
    }
    let mut results = Vec::new();
    while RUNS.load(Relaxed) < 3 && results.len() < 10 {
        let array = low.put(ARRAY, &[pair[1].cast_unsigned(), low.address(BUFFER), 16, 0]);
        let (result, changed) = socketcall(10, array.into());
        results.push(format!("{result} {changed:?}"));
    }
    println!("{results:?}");
}

/// One call of a program that shows its memory to nobody without CAP_SYS_PTRACE.
pub fn shy() {
    let low = Low::new();
    // SAFETY: no pointers.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) }, 0);
    let array = low.put(ARRAY, &[1, 1, 0, low.address(PAIR)]);
    let (result, changed) = socketcall(8, array.into());
    println!("{result} {changed:?}");
}

/// A blocking recv, the process stopped and continued meanwhile: nobody notices.
pub fn stopped() {
    let low = Low::new();
    let pair = pair();
    // SAFETY: the child makes system calls only, and ends.
    unsafe {
        let parent = libc::getpid();
        if libc::fork() == 0 {
            for signal in [libc::SIGSTOP, libc::SIGCONT, libc::SIGSTOP, libc::SIGCONT] {
                libc::usleep(20_000);
                libc::kill(parent, signal);
            }
            libc::usleep(20_000);
            libc::write(pair[0], c"x".as_ptr().cast(), 1);
            libc::_exit(0);
        }
    }
    let array = low.put(ARRAY, &[pair[1].cast_unsigned(), low.address(BUFFER), 16, 0]);
    let (result, changed) = socketcall(10, array.into());
    println!("{result} {changed:?}");
}

fn pair() -> [i32; 2] {
    let mut pair = [-1; 2];
    // SAFETY: socketpair stores two descriptors.
    let made = unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()) };
    assert_eq!(made, 0);
    pair
}
