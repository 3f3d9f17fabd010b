//! Calls that a stopped tracee is made to make.

use std::ptr::null_mut;
use std::sync::LazyLock;

use tracee::{Error, Injection, Options, Resume, Stop, Waited, inject};

use crate::harness::{Child, expect_death, expect_exit, expect_stop, go};

/// i386's numbers.
const GETPID: u32 = 20;
const CLOSE: u32 = 6;
const MMAP2: u32 = 192;
const PAUSE: u32 = 29;

/// The address of an `int $0x80` below 4 GiB, which children have too.
static INSTRUCTION: LazyLock<u32> = LazyLock::new(|| {
    // SAFETY: a new mapping, filled before it is made executable.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        let page = libc::mmap(null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        assert_ne!(page, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        page.cast::<[u8; 3]>().write([0xcd, 0x80, 0xc3]);
        assert_eq!(libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_EXEC), 0);
        u32::try_from(page.addr()).expect("a low address")
    }
});

/// Whether `int $0x80` works in this kernel: a child tries.
pub fn has_32_bit_entry() -> bool {
    static ANSWER: LazyLock<bool> = LazyLock::new(|| {
        let child = Child::new(|| {
            let result: u64;
            // SAFETY: getpid takes nothing. r8 to r11 are not preserved by old kernels.
            unsafe {
                std::arch::asm!("int 0x80", inlateout("rax") u64::from(GETPID) => result,
                    out("r8") _, out("r9") _, out("r10") _, out("r11") _);
                i32::from(result == u64::from(libc::getpid().cast_unsigned()))
            }
        });
        child.release();
        matches!(child.waiter().wait(), Ok(Waited::Exited(_, 1)))
    });
    *ANSWER
}

fn call(number: u32, args: [u32; 6]) -> Injection {
    Injection { instruction: *INSTRUCTION, number, args }
}

/// The call is made, and the tracee finds all as it was.
#[test]
fn results_come_back_and_nothing_else_changes() {
    require_32_bit_entry!();
    LazyLock::force(&INSTRUCTION);
    // SAFETY: raise takes no pointers.
    let child = Child::new(|| unsafe {
        libc::raise(libc::SIGUSR1);
        6
    });
    let child = child.traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    let mut stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR1));
    let before = stopped.registers().expect("registers");
    let mask = stopped.signal_mask().expect("a mask");
    assert_eq!(inject(&mut waiter, &mut stopped, call(GETPID, [0; 6])).expect("a result"), child.pid);
    assert_eq!(inject(&mut waiter, &mut stopped, call(CLOSE, [999; 6])).expect("a result"), -libc::EBADF);
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let args = [0, 4096, protection.cast_unsigned(), flags.cast_unsigned(), u32::MAX, 0];
    let page = inject(&mut waiter, &mut stopped, call(MMAP2, args)).expect("a result").cast_unsigned();
    stopped.write(page.into(), b"there").expect("a new page");
    assert_eq!(page % 4096, 0);

    let registers = stopped.registers().expect("registers");
    assert_eq!(registers.call_number(), -1, "there is nothing to restart");
    // All but the call that it is in.
    let mut expected = before;
    expected.set_call_number(-1);
    assert_eq!(format!("{registers:?}"), format!("{expected:?}"));
    assert_eq!(stopped.signal_mask().expect("a mask"), mask);
    go(stopped);
    expect_exit(&mut waiter, 6);
}

/// At a call's exit, where exec's is: the call's own result is not lost.
#[test]
fn at_a_calls_exit() {
    require_32_bit_entry!();
    LazyLock::force(&INSTRUCTION);
    // SAFETY: getppid takes nothing.
    let child = Child::new(|| unsafe {
        libc::raise(libc::SIGUSR1);
        i32::from(libc::syscall(libc::SYS_getppid) == libc::syscall(libc::SYS_getppid))
    });
    let child = child.traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR1));
    stopped.resume(Resume::ToCall(0)).expect("a tracee");
    let mut seen = 0;
    while seen < 2 {
        let mut stopped = expect_stop(&mut waiter, Stop::Call);
        seen += i32::from(stopped.registers().expect("registers").call_number() == libc::SYS_getppid as i32);
        if seen == 2 {
            assert_eq!(inject(&mut waiter, &mut stopped, call(GETPID, [0; 6])).expect("a result"), child.pid);
        }
        let how = if seen < 2 { Resume::ToCall(0) } else { Resume::Continue(0) };
        stopped.resume(how).expect("a tracee");
    }
    expect_exit(&mut waiter, 1);
}

/// Signals that are there wait until the tracee goes on, and none is lost.
#[test]
fn pending_signals_wait() {
    require_32_bit_entry!();
    LazyLock::force(&INSTRUCTION);
    let child = Child::pausing();
    let mut waiter = child.waiter();
    let mut stopped = child.stopped(&mut waiter);
    for signal in [libc::SIGUSR1, libc::SIGTERM] {
        child.signal(signal);
    }
    for _ in 0..3 {
        assert_eq!(inject(&mut waiter, &mut stopped, call(GETPID, [0; 6])).expect("a result"), child.pid);
    }
    go(stopped);
    let mut heard = vec![];
    for _ in 0..2 {
        match waiter.wait().expect("a tracee") {
            Waited::Stopped(mut stopped, Stop::Signal(signal)) => {
                heard.push(signal);
                // In the signal's own stop too.
                assert_eq!(
                    inject(&mut waiter, &mut stopped, call(GETPID, [0; 6])).expect("a result"),
                    child.pid
                );
                go(stopped);
            }
            other => panic!("{other:?}"),
        }
    }
    heard.sort_unstable();
    assert_eq!(heard, [libc::SIGUSR1, libc::SIGTERM]);
}

/// SIGSTOP can't be held back; it is sent again.
#[test]
fn a_stop_comes_after_the_call() {
    require_32_bit_entry!();
    LazyLock::force(&INSTRUCTION);
    let child = Child::pausing();
    let mut waiter = child.waiter();
    let mut stopped = child.stopped(&mut waiter);
    child.signal(libc::SIGSTOP);
    assert_eq!(inject(&mut waiter, &mut stopped, call(GETPID, [0; 6])).expect("a result"), child.pid);
    go(stopped);
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGSTOP));
    stopped.resume(Resume::Continue(libc::SIGSTOP)).expect("a tracee");
    let stopped = expect_stop(&mut waiter, Stop::Group(libc::SIGSTOP));
    stopped.resume(Resume::Listen).expect("a tracee");
    child.signal(libc::SIGCONT);
    go(expect_stop(&mut waiter, Stop::Attached));
    go(expect_stop(&mut waiter, Stop::Signal(libc::SIGCONT)));
}

/// Killed before the call, or in the middle of one that would never end.
#[test]
fn a_tracee_that_is_killed_is_gone() {
    require_32_bit_entry!();
    LazyLock::force(&INSTRUCTION);
    for number in [GETPID, PAUSE] {
        let child = Child::pausing();
        let mut waiter = child.waiter();
        let mut stopped = child.stopped(&mut waiter);
        let pid = child.pid;
        let killer = std::thread::spawn(move || {
            if number == PAUSE {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            // SAFETY: kill takes no pointers.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        });
        if number == GETPID {
            killer.join().expect("no panic");
        }
        let gone = inject(&mut waiter, &mut stopped, call(number, [0; 6]));
        assert!(matches!(gone, Err(Error::Gone)), "{gone:?}");
        // The end was heard, and is told to whoever waits next.
        expect_death(&mut waiter, libc::SIGKILL);
        assert!(matches!(waiter.wait(), Ok(Waited::Nobody)));
    }
}

/// Where there is no such instruction, or another one, nothing else is done in its place, and nobody waits for it.
#[test]
fn what_is_no_instruction_makes_no_call() {
    require_32_bit_entry!();
    LazyLock::force(&INSTRUCTION);
    for instruction in [0, *INSTRUCTION + 1] {
        let child = Child::pausing();
        let mut waiter = child.waiter();
        let mut stopped = child.stopped(&mut waiter);
        let made = inject(&mut waiter, &mut stopped, Injection { instruction, ..call(GETPID, [0; 6]) });
        assert!(matches!(made, Err(Error::Fault(_))), "{made:?}");
    }
}
