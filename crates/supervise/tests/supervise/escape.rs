//! Ways out that a program may try: to a filter's answer that comes before ours, to a child that nobody traces.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::ptr;

use seccomp::{Action, Arch, Wants};
use supervise::{Demux, End, Launch, Session};

use crate::harness::{answering, natively, run, run_with};
use crate::{hidden, record};

/// seccomp(2) on x86-64.
const SECCOMP: u32 = 317;
const CLONE3: libc::c_long = 435;
/// No filter of its own, and the data of our answers to shown and judged calls, which a program can learn.
const DATA: [Option<u16>; 4] = [None, Some(0x5c6d), Some(0x5c6e), Some(0x5c6f)];

/// `struct clone_args` of Linux 5.3: flags and the exit signal are its first and fifth words.
fn clone_arguments(flags: u64) -> [u64; 8] {
    [flags, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0]
}

/// clone3, whose child ends at once.
fn clone3(arguments: *const u64) -> std::io::Result<libc::pid_t> {
    // SAFETY: the arguments are that long. The child has its own memory, and only ends.
    unsafe {
        match libc::syscall(CLONE3, arguments, size_of::<[u64; 8]>()) {
            -1 => Err(std::io::Error::last_os_error()),
            0 => libc::_exit(0),
            child => Ok(child as libc::pid_t),
        }
    }
}

fn wait_for(child: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: one int.
    unsafe { libc::waitpid(child, &raw mut status, libc::__WALL) };
    status
}

/// Wants a listener for socketcall, under a filter of its own that answers for seccomp(2) with this data, if any.
pub fn listens(data: Option<u16>) {
    if let Some(data) = data {
        let mut wants = Wants::new();
        wants.add(Arch::X86_64, SECCOMP, Action::Trace(data));
        wants.compile().expect("a filter").install_unprivileged().expect("Linux 3.5");
    }
    match answering(Action::UserNotif).install_with_listener() {
        Ok(_) => println!("made"),
        Err(error) => println!("{error}"),
    }
}

/// Makes a child that nobody traces, by flags that nobody can change: they are in a file that is open for reading.
pub fn untraced() {
    let name = std::env::temp_dir().join(format!("socketcall-escape-{}", std::process::id()));
    let words = clone_arguments(libc::CLONE_UNTRACED as u64);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    File::create(&name).and_then(|mut file| file.write_all(&bytes)).expect("a file");
    let file = File::open(&name).expect("a file");
    std::fs::remove_file(name).expect("a file");
    // SAFETY: a new mapping.
    let mapped =
        unsafe { libc::mmap(ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    assert_ne!(mapped, libc::MAP_FAILED);
    match clone3(mapped.cast()) {
        Ok(child) => println!("made, ended with {}", wait_for(child)),
        Err(error) => println!("{error}"),
    }
}

/// Makes a socket before and after a call that a filter asks about, and that fails.
pub fn between() {
    // SAFETY: no pointers.
    let socket = || unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
    assert!(socket() >= 0);
    assert!(clone3(clone_arguments(1 << 63).as_ptr()).is_err());
    assert!(socket() >= 0);
}

/// Has a child that makes another by clone3.
pub fn child_clones() {
    // SAFETY: the child only clones and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let made = clone3(clone_arguments(0).as_ptr()).is_ok_and(|child| wait_for(child) == 0);
        std::process::exit(i32::from(!made));
    }
    std::process::exit(i32::from(wait_for(child) != 0));
}

/// A listener's answer comes in front of RET_TRACE: with it a program could let its own socketcalls through.
#[test]
fn nobody_gets_a_listener_by_an_answer_that_looks_like_ours() {
    assert_eq!(natively(hidden::command("listens")).stdout, "made\n");
    for data in DATA {
        let launch = hidden::launch("listens").args(data.map(|data| data.to_string()));
        let finished = run(launch);
        assert_eq!(finished.end, End::Exited(0), "{finished:?}");
        assert_ne!(finished.stdout, "made\n", "{data:?}");
    }
}

/// It could be traced by its parent, which the filter's answer would then ask.
#[test]
fn no_child_is_out_of_sight() {
    assert_eq!(natively(hidden::command("untraced")).stdout, "made, ended with 0\n");
    let finished = run_with(hidden::launch("untraced"), Demux::new());
    assert_eq!(finished.stdout, "Function not implemented (os error 38)\n");
}

/// Who is not followed has no filter that asks us.
#[test]
fn what_is_not_followed_is_left_alone() {
    let session =
        |launch: Launch| Session::new(launch).children(false).with(record::nothing().at_every_call());
    let end = session(hidden::launch("child-clones")).run();
    assert_eq!(end.expect("a program"), End::Exited(0));
}
