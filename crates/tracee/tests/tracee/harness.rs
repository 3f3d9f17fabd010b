//! Children to be traced.

use std::io::Write;

use tracee::{Options, Resume, Scope, Stop, Stopped, Tid, Waited, Waiter, interrupt, seize};

/// A child that waits to be released, then acts. Killed when the test is over, or hangs.
pub struct Child {
    pub pid: Tid,
    hold: i32,
}

impl Child {
    /// Forks. The child acts once it is released, and exits with what that answers. `act` may make system calls
    /// only: this process has other threads.
    pub fn new(act: impl FnOnce() -> i32) -> Child {
        let mut ends = [0; 2];
        // SAFETY: pipe2 stores two descriptors. The child makes system calls only.
        unsafe {
            assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
            let pid = libc::fork();
            assert_ne!(pid, -1, "{}", std::io::Error::last_os_error());
            if pid == 0 {
                // Nobody waits for ever.
                libc::alarm(20);
                libc::close(ends[1]);
                let mut byte = 0u8;
                let released = libc::read(ends[0], (&raw mut byte).cast(), 1) == 1;
                libc::_exit(if released { act() } else { 99 });
            }
            libc::close(ends[0]);
            Child { pid, hold: ends[1] }
        }
    }

    /// One that waits for signals.
    pub fn pausing() -> Child {
        Child::new(|| {
            loop {
                // SAFETY: pause takes nothing.
                unsafe { libc::pause() };
            }
        })
    }

    /// Seizes it and lets it act.
    pub fn traced(self, options: Options) -> Child {
        seize(self.pid, options).expect("a child that can be traced");
        self.release();
        self
    }

    pub fn release(&self) {
        // SAFETY: one byte that lives for ever.
        assert_eq!(unsafe { libc::write(self.hold, c"x".as_ptr().cast(), 1) }, 1);
    }

    /// Gives it a process group of its own. In one that is orphaned, as a test's may be, the terminal's stop
    /// signals do nothing (setpgid(2)).
    pub fn in_a_group_of_its_own(self) -> Child {
        // SAFETY: setpgid takes no pointers.
        assert_eq!(unsafe { libc::setpgid(self.pid, 0) }, 0);
        self
    }

    pub fn signal(&self, signal: libc::c_int) {
        // SAFETY: kill takes no pointers.
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0);
    }

    /// Seizes and stops it where it is: waiting to be released.
    pub fn stopped(&self, waiter: &mut Waiter) -> Stopped {
        seize(self.pid, Options::FOLLOW).expect("a child that can be traced");
        self.interrupted(waiter)
    }

    pub fn interrupted(&self, waiter: &mut Waiter) -> Stopped {
        interrupt(self.pid).expect("a tracee");
        match waiter.wait().expect("a tracee") {
            Waited::Stopped(stopped, Stop::Attached) => stopped,
            other => panic!("{other:?}"),
        }
    }

    pub fn waiter(&self) -> Waiter {
        Waiter::new(Scope::One(self.pid))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: kill and close take no pointers; waitpid may be given no place for the status. A tracee's stops
        // come before its end.
        unsafe {
            libc::close(self.hold);
            libc::kill(self.pid, libc::SIGKILL);
            while libc::waitpid(self.pid, std::ptr::null_mut(), libc::__WALL) == self.pid {}
        }
    }
}

/// The next stop, and how it is gone on from there.
pub fn expect_stop(waiter: &mut Waiter, wanted: Stop) -> Stopped {
    match waiter.wait().expect("a tracee") {
        Waited::Stopped(stopped, stop) if stop == wanted => stopped,
        other => panic!("{other:?} instead of {wanted:?}"),
    }
}

pub fn go(stopped: Stopped) {
    stopped.resume(Resume::Continue(0)).expect("a tracee that is there");
}

/// An end by exit.
pub fn expect_exit(waiter: &mut Waiter, status: i32) {
    match waiter.wait().expect("a child") {
        Waited::Exited(_, of) if of == status => {}
        other => panic!("{other:?} instead of exit {status}"),
    }
}

pub fn expect_death(waiter: &mut Waiter, signal: libc::c_int) {
    match waiter.wait().expect("a child") {
        Waited::Killed { signal: of, .. } if of == signal => {}
        other => panic!("{other:?} instead of death by {signal}"),
    }
}

/// Names the running test as skipped. Goes around libtest's capture, which shows what failed tests print only.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    writeln!(std::io::stderr(), "skipped: {test}: {why}").expect("standard error");
}

/// Leaves the test where `int $0x80` does not work.
macro_rules! require_32_bit_entry {
    () => {
        if !$crate::inject::has_32_bit_entry() {
            return $crate::harness::skip("this kernel has no 32-bit entry");
        }
    };
}
