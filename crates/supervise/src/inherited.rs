//! What this process was started with and the Rust runtime changes before `main`: it ignores SIGPIPE, and
//! opens /dev/null in place of closed standard descriptors. The program is to get what we got.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Bits of [`RECORD`]: the standard descriptors that were closed, and whether SIGPIPE was ignored already.
const CLOSED: u8 = 0b111;
const PIPE_IGNORED: u8 = 0b1000;
const RECORDED: u8 = 0b1_0000;

static RECORD: AtomicU8 = AtomicU8::new(0);

/// Runs before the Rust runtime is set up, as every function that this section lists does.
#[used]
#[unsafe(link_section = ".init_array")]
static INIT: extern "C" fn() = record;

extern "C" fn record() {
    let mut seen = RECORDED;
    for fd in 0..3 {
        // SAFETY: F_GETFD takes no pointers.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            seen |= 1 << fd;
        }
    }
    // SAFETY: sigaction is plain integers, for which zero is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks for the disposition only, and stores it.
    unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) };
    if action.sa_sigaction == libc::SIG_IGN {
        seen |= PIPE_IGNORED;
    }
    RECORD.store(seen, Relaxed);
}

/// Undoes the runtime's changes. For the process that becomes the program, just before it does.
/// Async-signal-safe.
pub(crate) fn restore() {
    let seen = RECORD.load(Relaxed);
    if seen & RECORDED == 0 {
        return;
    }
    if seen & PIPE_IGNORED == 0 {
        // SAFETY: the default disposition has no handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
    for fd in (0..3).filter(|fd| seen & CLOSED & (1 << fd) != 0) {
        // SAFETY: the runtime opened it, and nothing that runs from here on uses it.
        unsafe { libc::close(fd) };
    }
}
