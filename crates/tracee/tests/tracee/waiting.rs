//! Who is waited for, who may trace, and what becomes of tracees whose tracer ends.

use std::thread;

use tracee::{Error, Options, Scope, Stop, Waited, Waiter, seize};

use crate::harness::{Child, expect_death, expect_exit, expect_stop, go};

/// A thread hears of its own children and tracees only.
#[test]
fn other_threads_children_are_left_alone() {
    let child = Child::new(|| 3).traced(Options::FOLLOW);
    let elsewhere = thread::spawn(|| {
        let mut waiter = Waiter::new(Scope::Thread);
        matches!(waiter.wait(), Ok(Waited::Nobody))
    });
    assert!(elsewhere.join().expect("no panic"));
    expect_exit(&mut child.waiter(), 3);
}

#[test]
fn one_alone_is_waited_for() {
    let [first, second] = [1, 2].map(|status| Child::new(move || status).traced(Options::FOLLOW));
    expect_exit(&mut second.waiter(), 2);
    expect_exit(&mut first.waiter(), 1);
    assert!(matches!(first.waiter().wait(), Ok(Waited::Nobody)));
}

#[test]
fn a_tracee_has_one_tracer() {
    let child = Child::pausing();
    let mut waiter = child.waiter();
    let stopped = child.stopped(&mut waiter);
    let pid = child.pid;
    let again = seize(pid, Options::FOLLOW);
    let by_another = thread::spawn(move || seize(pid, Options::FOLLOW)).join().expect("no panic");
    for refused in [again, by_another] {
        match refused {
            Err(Error::Os { what: "PTRACE_SEIZE", error }) => {
                assert_eq!(error.raw_os_error(), Some(libc::EPERM));
            }
            other => panic!("{other:?}"),
        }
    }
    // Once it is let go, another may.
    stopped.detach(0).expect("a tracee");
    let by_another = thread::spawn(move || seize(pid, Options::FOLLOW).is_ok()).join().expect("no panic");
    assert!(by_another);
}

#[test]
fn nobody_can_be_traced_who_is_not_there() {
    let child = Child::new(|| 0);
    let pid = child.pid;
    drop(child);
    assert!(matches!(seize(pid, Options::FOLLOW), Err(Error::Gone)));
}

/// No filter is ever left without the one it asks.
#[test]
fn tracees_end_with_their_tracer() {
    let child = Child::pausing();
    let pid = child.pid;
    // ptrace is bound to the thread; its end is the tracer's.
    thread::spawn(move || seize(pid, Options::FOLLOW).expect("a child")).join().expect("no panic");
    expect_death(&mut child.waiter(), libc::SIGKILL);
}

#[test]
fn a_detached_tracee_goes_on_alone() {
    // SAFETY: raise takes no pointers.
    let child = Child::new(|| unsafe {
        libc::raise(libc::SIGUSR1);
        4
    });
    let child = child.traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR1));
    stopped.detach(0).expect("a tracee");
    expect_exit(&mut waiter, 4);

    let child = Child::pausing().traced(Options::FOLLOW);
    let mut waiter = child.waiter();
    child.signal(libc::SIGUSR1);
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGUSR1));
    stopped.detach(libc::SIGTERM).expect("a tracee");
    expect_death(&mut waiter, libc::SIGTERM);
}

/// A thread that is interrupted goes on as if nothing had been.
#[test]
fn an_interrupt_is_not_noticed() {
    let child = Child::pausing();
    let mut waiter = child.waiter();
    go(child.stopped(&mut waiter));
    for _ in 0..10 {
        go(child.interrupted(&mut waiter));
    }
    // It still waits to be released, and pauses then.
    child.release();
    child.signal(libc::SIGTERM);
    let stopped = expect_stop(&mut waiter, Stop::Signal(libc::SIGTERM));
    stopped.resume(tracee::Resume::Continue(libc::SIGTERM)).expect("a tracee");
    expect_death(&mut waiter, libc::SIGTERM);
}
