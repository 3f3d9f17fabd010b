//! The proof that no multiplexed call reaches the kernel: a listener around everything, which would be told of
//! each one that no other filter answers, hears of none. Of RET_TRAP and RET_USER_NOTIF the kernel takes the
//! first; so what is not trapped, the listener hears.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::mpsc;
use std::thread;

use guest32::{Entry, Program};
use seccomp::{Action, Filter};
use supervise::{End, Launch};

use crate::harness::{Executable, Finished, PATIENCE, answering, natively, run};
use crate::hidden;

/// `struct seccomp_notif` and `seccomp_notif_resp` (include/uapi/linux/seccomp.h), as words.
type Notification = [u64; 10];
type Response = [u64; 3];

/// The two requests: `_IOWR('!', number, size)`.
const fn request(number: u64, size: usize) -> u64 {
    3 << 30 | (size as u64) << 16 | (b'!' as u64) << 8 | number
}
const RECV: u64 = request(0, size_of::<Notification>());
const SEND: u64 = request(1, size_of::<Response>());

/// Installs a filter on this thread; its listener.
fn install(filter: &Filter) -> OwnedFd {
    #[repr(C)]
    struct Program {
        len: u16,
        instructions: *const seccomp::Insn,
    }
    const SET_MODE_FILTER: i32 = 1;
    const NEW_LISTENER: i32 = 1 << 3;
    seccomp::set_no_new_privs().expect("Linux 3.5");
    let instructions = filter.instructions();
    let program = Program { len: instructions.len() as u16, instructions: instructions.as_ptr() };
    // SAFETY: the program and its instructions live through the call. The descriptor that comes back belongs to
    // nobody else.
    unsafe {
        let fd = libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, NEW_LISTENER, &raw const program);
        assert!(fd >= 0, "seccomp: {}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd as i32)
    }
}

/// Answers every notification by ENOSYS until nobody is left whom the filter judges; how many there were.
fn listen(listener: &OwnedFd) -> usize {
    let mut heard = 0;
    loop {
        let mut poll = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd.
        let ready = unsafe { libc::poll(&raw mut poll, 1, PATIENCE.as_millis() as i32) };
        assert_eq!(ready, 1, "somebody hangs");
        if poll.revents & libc::POLLIN == 0 {
            return heard;
        }
        let mut notification: Notification = [0; 10];
        // SAFETY: the notification has the size that the request names.
        if unsafe { libc::ioctl(listener.as_raw_fd(), RECV as _, &raw mut notification) } != 0 {
            continue; // Killed meanwhile.
        }
        heard += 1;
        let errno = u64::from((-libc::ENOSYS).cast_unsigned());
        let response: Response = [notification[0], 0, errno];
        // SAFETY: as above.
        unsafe { libc::ioctl(listener.as_raw_fd(), SEND as _, &raw const response) };
    }
}

/// Acts in a thread around which a listener is told of multiplexed calls. How many it heard of.
fn heard(act: impl FnOnce() -> Finished + Send + 'static) -> (Finished, usize) {
    let (send, listener) = mpsc::channel();
    let inside = thread::spawn(move || {
        send.send(install(&answering(Action::UserNotif))).expect("a test that waits");
        act()
    });
    let heard = listen(&listener.recv().expect("a listener"));
    (inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), heard)
}

fn guest(program: Program, entry: Entry, arguments: &'static [&'static str]) {
    let file = Executable::guest(program, entry);
    let path = file.path();
    let native = natively({
        let mut command = std::process::Command::new(&path);
        command.args(arguments);
        command
    });
    let launch = Launch::new(path.as_str()).args(arguments);
    assert_eq!(heard(move || run(launch)), (native, 0), "{program:?} {entry:?}");

    // Without a session the listener is told: it can hear.
    let (finished, calls) = heard(move || {
        let mut command = std::process::Command::new(path);
        command.args(arguments);
        natively(command)
    });
    assert_ne!((finished.end, calls), (End::Exited(0), 0), "{program:?} {entry:?}");
    assert!(calls > 0, "{program:?} {entry:?}");
}

#[test]
fn all_twenty_calls() {
    require_32_bit_kernel!();
    guest(Program::AllCalls, Entry::Vdso, &[]);
    guest(Program::AllCalls, Entry::Int80, &[]);
}

#[test]
fn processes_that_fork() {
    require_32_bit_kernel!();
    guest(Program::ForkCalls, Entry::Vdso, &["50"]);
    guest(Program::ForkCalls, Entry::Int80, &["50"]);
}

#[test]
fn a_64_bit_program() {
    require_32_bit_kernel!();
    let native = natively(hidden::command("caller"));
    assert_eq!(heard(|| run(hidden::launch("caller"))), (native, 0));
    let (_, calls) = heard(|| natively(hidden::command("caller")));
    assert!(calls > 0, "the listener can hear");
}

/// Interrupted and restarted: no attempt gets through.
#[test]
fn calls_that_are_restarted() {
    require_32_bit_kernel!();
    for argument in [None, Some("restart")] {
        let (finished, calls) = heard(move || run(hidden::launch("interrupted").args(argument)));
        assert_eq!((finished.end, calls), (End::Exited(0), 0), "{finished:?}");
    }
}

#[test]
fn what_becomes_the_program() {
    require_32_bit_kernel!();
    for entry in Entry::ALL {
        let file = Executable::guest(Program::AllCalls, entry);
        let path = file.path();
        let native = natively(std::process::Command::new(&path));
        let supervised = heard(move || {
            let mut command = hidden::command("become");
            command.arg(path);
            natively(command)
        });
        assert_eq!(supervised, (native, 0), "{entry:?}");
    }
}
