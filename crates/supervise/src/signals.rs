//! What signals mean to a process that traces others and is waited for.

use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use tracee::{Signal, Tid};

/// Raised when somebody wants an end.
pub(crate) static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// By which signal.
static BY: AtomicI32 = AtomicI32::new(0);
/// Who gets the signals that were sent to us; 0 for nobody.
static PROGRAM: AtomicI32 = AtomicI32::new(0);
/// The thread that waits for tracees.
static WAITS: AtomicI32 = AtomicI32::new(0);

/// Signals that ask for an end.
const ENDS: [Signal; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// Blocks every signal in the calling thread.
pub(crate) fn block_all() {
    // SAFETY: the set is plain integers, filled in before it is used, and lives through the calls.
    unsafe {
        let mut all: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
    }
}

/// From now on a signal that asks for an end raises [`INTERRUPTED`], and takes the calling thread out of its waiting.
/// Signals that are ignored stay so.
pub(crate) fn interrupt_waiting() {
    prepare();
    handle_all(interrupt);
}

/// Makes the calling thread the one that is waked.
fn prepare() {
    WAITS.store(own_tid(), Ordering::Relaxed);
    handle(libc::SIGALRM, interrupt);
}

fn own_tid() -> Tid {
    // SAFETY: gettid takes nothing, and may be called in a handler.
    unsafe { libc::gettid() }
}

/// The signal that raised [`INTERRUPTED`], if one did.
pub(crate) fn interrupted_by() -> Option<Signal> {
    Some(BY.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
}

/// From now on a signal that asks for an end goes to `program`, if it was sent to us alone: what a terminal sends, the
/// program gets anyway.
pub(crate) fn forward_to(program: Tid) {
    prepare();
    PROGRAM.store(program, Ordering::Relaxed);
    handle_all(forward);
}

/// The program has ended: such a signal now asks us, and the calling thread is interrupted.
pub(crate) fn forward_no_more() {
    PROGRAM.store(0, Ordering::Relaxed);
}

type Handler = extern "C" fn(Signal, *mut libc::siginfo_t, *mut libc::c_void);

fn handle_all(handler: Handler) {
    ENDS.into_iter().for_each(|signal| handle(signal, handler));
}

fn handle(signal: Signal, handler: Handler) {
    // SAFETY: sigaction is plain integers, for which zero is a value; the handler has SA_SIGINFO's signature and does what a
    // handler may.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, ptr::null(), &raw mut action);
        if action.sa_sigaction == libc::SIG_IGN {
            return;
        }
        action = mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        // Without SA_RESTART: waitpid is to be left.
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
}

/// What errno was when a handler began, and is again at its end: the thread may be about to look at it.
struct Errno(i32);

impl Errno {
    fn kept() -> Errno {
        // SAFETY: the thread's own, which is always there.
        Errno(unsafe { *libc::__errno_location() })
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = self.0 };
    }
}

extern "C" fn interrupt(signal: Signal, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let _errno = Errno::kept();
    const AGAIN: libc::timeval = libc::timeval { tv_sec: 0, tv_usec: 10_000 };
    if signal != libc::SIGALRM {
        BY.store(signal, Ordering::Relaxed);
        INTERRUPTED.store(true, Ordering::Relaxed);
        // A signal that comes just before the thread waits is not felt: it is to be waked again until it has heard.
        set_timer(AGAIN);
    } else if !INTERRUPTED.load(Ordering::Relaxed) {
        // It was heard.
        set_timer(libc::timeval { tv_sec: 0, tv_usec: 0 });
        return;
    }
    let waits = WAITS.load(Ordering::Relaxed);
    if waits != own_tid() {
        // SAFETY: no pointers; plain system calls.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), waits, libc::SIGALRM) };
    }
}

/// A plain system call, in spite of its absence from signal-safety(7).
fn set_timer(every: libc::timeval) {
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: one structure, read only.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) };
}

extern "C" fn forward(signal: Signal, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let _errno = Errno::kept();
    let program = PROGRAM.load(Ordering::Relaxed);
    // SAFETY: the kernel hands a siginfo_t over. What people send has a code of 0 or less.
    let is_sent = unsafe { (*info).si_code } <= 0;
    if program == 0 {
        interrupt(signal, info, context);
    } else if is_sent {
        // SAFETY: kill takes no pointers, and may be called in a handler.
        unsafe { libc::kill(program, signal) };
    }
}
