//! Processes that run already, and are let go.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use supervise::{Attach, Ended};

use crate::harness::PATIENCE;
use crate::{hidden, record};

/// Attaches to a process, as `socketcall trace -p` does, while it has a child of its own.
pub fn attach(pid: i32) {
    let own = Command::new("sleep").arg("60").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut own = own.expect("sleep");
    let ended = Attach::new([pid]).with(record::nothing().at_every_call()).run();
    match ended {
        Ok(Ended::Nobody) => println!("nobody"),
        Ok(Ended::Interrupted(signal)) => println!("signal {signal}"),
        Err(error) => println!("{error}"),
    }
    assert!(matches!(own.try_wait(), Ok(None)), "it is nobody else's business");
    let _ = own.kill();
    let _ = own.wait();
}

/// A process whose first thread ends when it has read a byte, and whose second is killed with it.
pub fn leaderless() {
    thread::spawn(|| thread::sleep(2 * PATIENCE));
    let mut byte = [0];
    // SAFETY: one byte; the thread ends without anything else of its process.
    unsafe {
        libc::read(0, byte.as_mut_ptr().cast(), 1);
        libc::syscall(libc::SYS_exit, 0);
    }
}

/// A child that is killed at the end of its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> (Killed, ChildStdin) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program");
    let stdin = child.stdin.take().expect("a pipe");
    (Killed(child), stdin)
}

fn attached_to(child: &Killed) -> Killed {
    let (tracer, _) = start(hidden::command("attach").arg(child.0.id().to_string()));
    wait_until("it is traced", || tracer_of(child.0.id()) != 0);
    tracer
}

fn tracer_of(tid: u32) -> i32 {
    let tracer = tracee::proc_status(tid.cast_signed(), "TracerPid:").expect("a thread");
    tracer.parse().expect("a number")
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn said(tracer: &mut Killed) -> String {
    wait_until("the tracer ends", || tracer.0.try_wait().expect("a child").is_some());
    let mut said = String::new();
    tracer.0.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    said
}

/// The tracer's own children are no tracees: it waits for none of them.
#[test]
fn the_last_tracee_s_end_is_the_end() {
    let (cat, stdin) = start(&mut Command::new("cat"));
    let mut tracer = attached_to(&cat);
    drop(stdin);
    assert_eq!(said(&mut tracer), "nobody\n");
}

/// Nothing is heard of a first thread that has ended until all others have.
#[test]
fn a_process_whose_first_thread_has_ended_is_let_go() {
    let (target, mut stdin) = start(&mut hidden::command("leaderless"));
    let pid = target.0.id();
    let second = || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
        let tids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
        tids.filter(|tid: &u32| *tid != pid).last()
    };
    wait_until("it has two threads", || second().is_some());
    let mut tracer = attached_to(&target);
    stdin.write_all(b"x").expect("a pipe");
    wait_until("the first ends", || tracee::has_ended(pid.cast_signed()));
    // SAFETY: kill takes no pointers.
    unsafe { libc::kill(tracer.0.id().cast_signed(), libc::SIGTERM) };
    assert_eq!(said(&mut tracer), "signal 15\n");
    assert_eq!(tracer_of(second().expect("it runs on")), 0);
}
