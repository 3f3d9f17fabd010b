//! What each kind of stop is told as.

use std::ptr::{null, null_mut};

use seccomp::{Action, Arch, Filter, Wants};
use tracee::{CODE_32, Error, Options, Resume, Scope, Stop, Waited, Waiter};

use crate::harness::{Child, expect_death, expect_exit, expect_stop, go};

/// Executes a program that ends at once.
fn execute_true() -> i32 {
    let argv = [c"true".as_ptr(), null()];
    // SAFETY: a path, and lists that end with a null.
    unsafe { libc::execve(c"/bin/true".as_ptr(), argv.as_ptr(), argv[1..].as_ptr()) };
    98
}

#[test]
fn exec() {
    let child = Child::new(execute_true).traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    let stopped = expect_stop(&mut waiter, Stop::Exec { former: child.pid });
    assert_eq!(stopped.tid(), child.pid);
    let registers = stopped.registers().expect("registers");
    assert!(!registers.is_32() && !registers.is_flat_32(), "a 64-bit program: not {CODE_32:#x}");
    go(stopped);
    expect_exit(&mut waiter, 0);
    assert!(matches!(waiter.wait(), Ok(Waited::Nobody)));
}

/// Another thread's exec: the first thread ends, and the other gets its id.
#[test]
fn exec_by_another_thread() {
    extern "C" fn second(_: *mut libc::c_void) -> libc::c_int {
        execute_true()
    }
    static mut STACK: [u128; 4096] = [0; 4096];
    let child = Child::new(|| {
        let flags =
            libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND | libc::CLONE_FS | libc::CLONE_FILES;
        // SAFETY: the stack is this thread's alone, and grows down from its end.
        unsafe {
            let stack = (&raw mut STACK).add(1).cast();
            libc::clone(second, stack, flags, null_mut());
            loop {
                libc::pause();
            }
        }
    });
    let child = child.traced(Options::FOLLOW);
    let mut waiter = Waiter::new(Scope::Thread);
    let (mut thread, mut attached, mut executed) = (None, None, None);
    loop {
        match waiter.wait().expect("tracees") {
            Waited::Stopped(stopped, stop) => {
                match stop {
                    Stop::Clone { child } => thread = Some(child),
                    Stop::Attached => attached = Some(stopped.tid()),
                    Stop::Exec { former } => executed = Some((stopped.tid(), former)),
                    other => panic!("{other:?}"),
                }
                go(stopped);
            }
            Waited::Exited(tid, 0) if tid == child.pid && executed.is_some() => break,
            other => panic!("{other:?}"),
        }
    }
    let thread = thread.expect("a second thread");
    assert_ne!(thread, child.pid);
    assert_eq!((attached, executed), (Some(thread), Some((child.pid, thread))));
}

/// Children by each kind of call that makes them (what vfork shares besides is no matter here): announced by their
/// parent, attached by themselves, in any order.
#[test]
fn fork_vfork_and_clone() {
    const CLONE_VFORK: libc::c_long = libc::CLONE_VFORK as libc::c_long;
    let ways = [
        (libc::SYS_fork, 0),
        (libc::SYS_clone, libc::c_long::from(libc::SIGCHLD)),
        (libc::SYS_clone, CLONE_VFORK | libc::c_long::from(libc::SIGCHLD)),
    ];
    for (call, flags) in ways {
        // SAFETY: without CLONE_VM the child has its own memory; it makes one more call, that ends it.
        let child = Child::new(|| match unsafe { libc::syscall(call, flags, 0, 0, 0, 0) } {
            0 => 7,
            // SAFETY: waits for the one child.
            _ => unsafe {
                libc::wait4(-1, null_mut(), 0, null_mut());
                8
            },
        });
        let child = child.traced(Options::FOLLOW);
        let mut waiter = Waiter::new(Scope::Thread);
        let (mut announced, mut attached, mut ends) = (None, None, vec![]);
        while ends.len() < 2 {
            match waiter.wait().expect("tracees") {
                Waited::Stopped(stopped, stop) => {
                    match stop {
                        Stop::Clone { child } => announced = Some(child),
                        Stop::Attached => attached = Some(stopped.tid()),
                        Stop::Signal(libc::SIGCHLD) => {}
                        other => panic!("{other:?}"),
                    }
                    go(stopped);
                }
                Waited::Exited(tid, status) => ends.push((tid, status)),
                other => panic!("{other:?}"),
            }
        }
        let grandchild = announced.expect("a child");
        assert_eq!(attached, Some(grandchild));
        assert_eq!(ends, [(grandchild, 7), (child.pid, 8)]);
    }
}

#[test]
fn the_end_while_memory_is_there() {
    static VALUE: u64 = 0x1234_5678_9abc_def0;
    let child = Child::new(|| 5).traced(Options::FOLLOW.with_exit());
    let mut waiter = child.waiter();
    let stopped = expect_stop(&mut waiter, Stop::Exit);
    let mut value = [0; 8];
    stopped.read_exact((&raw const VALUE).expose_provenance() as u64, &mut value).expect("memory");
    assert_eq!(u64::from_ne_bytes(value), VALUE);
    go(stopped);
    expect_exit(&mut waiter, 5);
}

#[test]
fn signals_are_delivered_or_not() {
    let child = Child::pausing().traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    for signal in [libc::SIGUSR1, libc::SIGTERM, libc::SIGSEGV, libc::SIGRTMIN()] {
        child.signal(signal);
        let stopped = expect_stop(&mut waiter, Stop::Signal(signal));
        let info = stopped.signal_info().expect("a signal");
        assert_eq!((info.signal, info.errno, info.code), (signal, 0, libc::SI_USER));
        go(stopped);
    }
    child.signal(libc::SIGUSR2);
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR2));
    stopped.resume(Resume::Continue(libc::SIGUSR2)).expect("a tracee");
    expect_death(&mut waiter, libc::SIGUSR2);
}

#[test]
fn a_stopped_group_goes_on_by_sigcont() {
    let child = Child::pausing().in_a_group_of_its_own().traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    for signal in [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        child.signal(signal);
        let stopped = expect_stop(&mut waiter, Stop::Signal(signal));
        stopped.resume(Resume::Continue(signal)).expect("a tracee");
        let stopped = expect_stop(&mut waiter, Stop::Group(signal));
        stopped.resume(Resume::Listen).expect("a tracee");
        child.signal(libc::SIGCONT);
        go(expect_stop(&mut waiter, Stop::Attached));
        go(expect_stop(&mut waiter, Stop::Signal(libc::SIGCONT)));
    }
}

/// An answer of a filter to getppid, which the child asks twice.
fn asking(action: Action) -> Child {
    let mut wants = Wants::new();
    const GETPPID: u32 = 110;
    wants.add(Arch::X86_64, GETPPID, action);
    let filter: Filter = wants.compile().expect("a filter of one rule");
    Child::new(move || {
        if filter.install_unprivileged().is_err() {
            return 97;
        }
        // SAFETY: getppid takes nothing.
        let [first, second] = [(); 2].map(|()| unsafe { libc::syscall(libc::SYS_getppid) });
        if (first, second) == (42, -1) { 1 } else { 2 }
    })
}

#[test]
fn a_filter_asks_the_tracer() {
    let child = asking(Action::Trace(0xabcd)).traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    for result in [42, -38i64] {
        let mut stopped = expect_stop(&mut waiter, Stop::Seccomp);
        assert_eq!(stopped.filter_data().expect("data"), 0xabcd);
        let mut registers = stopped.registers().expect("registers");
        assert_eq!(registers.call_number(), 110);
        registers.set_call_number(-1);
        registers.set_rax(result.cast_unsigned());
        stopped.set_registers(&registers).expect("a tracee");
        go(stopped);
    }
    expect_exit(&mut waiter, 1);
}

#[test]
fn a_filters_trap_tells_the_call() {
    let child = asking(Action::Trap(0x5c66)).traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGSYS));
    let info = stopped.signal_info().expect("a signal");
    const SYS_SECCOMP: i32 = 1;
    assert_eq!((info.errno, info.code, info.sys_number), (0x5c66, SYS_SECCOMP, 110));
    assert_eq!(info.sys_arch, Arch::X86_64.audit());
    assert_eq!(
        stopped.registers().expect("registers").rax(),
        110,
        "the registers are as at the call's entry"
    );
    stopped.resume(Resume::Continue(libc::SIGSYS)).expect("a tracee");
    expect_death(&mut waiter, libc::SIGSYS);
}

/// Entry and exit in turn; a call can be exchanged at its entry, and its result at its exit.
#[test]
fn calls_are_told_twice() {
    // SAFETY: getppid takes nothing.
    let child = Child::new(|| unsafe {
        libc::raise(libc::SIGUSR1);
        let [exchanged, refused, result] = [(); 3].map(|()| libc::syscall(libc::SYS_getppid));
        let own = libc::syscall(libc::SYS_getpid);
        if exchanged == own && refused == -1 && result == 4711 { 1 } else { 2 }
    });
    let child = child.traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR1));
    stopped.resume(Resume::ToCall(0)).expect("a tracee");
    let getppid = libc::SYS_getppid as i32;
    let (mut seen, mut inside) = (0, false);
    while seen < 6 {
        let mut stopped = expect_stop(&mut waiter, Stop::Call);
        let mut registers = stopped.registers().expect("registers");
        let number = registers.call_number();
        // raise's own call is over first.
        if number == getppid || inside {
            match seen {
                0 => registers.set_call_number(libc::SYS_getpid as i32),
                2 => {
                    registers.set_call_number(-1);
                    registers.set_error(libc::EXFULL);
                }
                5 => registers.set_rax(4711),
                _ => {}
            }
            stopped.set_registers(&registers).expect("a tracee");
            inside = !inside;
            seen += 1;
        }
        let how = if seen < 6 { Resume::ToCall(0) } else { Resume::Continue(0) };
        stopped.resume(how).expect("a tracee");
    }
    expect_exit(&mut waiter, 1);
}

#[test]
fn registers_come_back_as_they_were_set() {
    let child = Child::pausing();
    let mut waiter = child.waiter();
    let mut stopped = child.stopped(&mut waiter);
    let original = stopped.registers().expect("registers");
    let mut changed = original;
    changed.set_i386_args([1, 2, 3, 4, 5, 6]);
    changed.set_rax(7);
    changed.set_ip(0x1234_5678);
    stopped.set_registers(&changed).expect("a tracee");
    let read = stopped.registers().expect("registers");
    assert_eq!(read.i386_args(), [1, 2, 3, 4, 5, 6]);
    assert_eq!((read.rax(), read.ip(), read.sp()), (7, 0x1234_5678, original.sp()));
    let back = read.with_args_of(&original);
    assert_eq!((back.i386_args(), back.rax()), (original.i386_args(), 7));
    stopped.set_registers(&original).expect("a tracee");
    assert_eq!(stopped.registers().expect("registers").x86_64_args(), original.x86_64_args());
}

#[test]
fn the_mask_of_signals() {
    let child = Child::pausing();
    let mut waiter = child.waiter();
    let mut stopped = child.stopped(&mut waiter);
    let original = stopped.signal_mask().expect("a mask");
    let usr1 = 1 << (libc::SIGUSR1 - 1);
    stopped.set_signal_mask(original | usr1).expect("a tracee");
    assert_eq!(stopped.signal_mask().expect("a mask"), original | usr1);
    child.signal(libc::SIGUSR1);
    child.signal(libc::SIGUSR2);
    go(stopped);
    // The blocked one is lower, and would come first.
    let mut stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR2));
    stopped.set_signal_mask(original).expect("a tracee");
    go(stopped);
    go(expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR1)));
}

/// A tracee can be killed at any moment: then nothing works on it, and its end is told.
#[test]
fn a_killed_tracee_is_gone() {
    let child = Child::pausing();
    let mut waiter = child.waiter();
    let mut stopped = child.stopped(&mut waiter);
    child.signal(libc::SIGKILL);
    let registers = loop {
        match stopped.registers() {
            Ok(_) => std::thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert!(matches!(registers, Error::Gone), "{registers:?}");
    assert!(matches!(stopped.signal_mask(), Err(Error::Gone)));
    assert!(matches!(stopped.set_signal_mask(0), Err(Error::Gone)));
    assert!(matches!(stopped.signal_info(), Err(Error::Gone)));
    let written = stopped.write((&raw const waiter).expose_provenance() as u64, &[1]);
    assert!(matches!(written, Err(Error::Gone)), "{written:?}");
    let resumed = stopped.resume(Resume::Continue(0));
    assert!(matches!(resumed, Err(Error::Gone)), "{resumed:?}");
    expect_death(&mut waiter, libc::SIGKILL);
    assert!(matches!(tracee::interrupt(child.pid), Err(Error::Gone)));
}
