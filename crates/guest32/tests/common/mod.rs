//! Runs guests on this kernel.

// Each test file compiles this module for itself and uses a part of it.
#![allow(dead_code, unused_macros)]

use guest32::{Entry, Guest, Program};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output, Stdio};

/// What the caller has open besides descriptors 0 to 2 would shift the numbers that a guest gets.
const FIRST_OF_A_FRESH_PROCESS: libc::c_uint = 3;

/// A guest's executable in memory. No other process can hold it open for writing when it is executed, as one
/// forked by a test in another thread could hold a file (ETXTBSY).
pub struct Executable {
    file: File,
    path: String,
}

impl Executable {
    pub fn new(guest: Guest) -> Executable {
        // SAFETY: the name is a C string, and the descriptor that comes back belongs to nobody else.
        let mut file = unsafe {
            let fd = libc::memfd_create(c"guest32".as_ptr(), libc::MFD_CLOEXEC);
            assert!(fd >= 0, "memfd_create: {}", std::io::Error::last_os_error());
            File::from_raw_fd(fd)
        };
        file.write_all(&guest.image()).expect("an image written to memory");
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Executable { file, path }
    }

    /// A path that leads to it from this process's children too, before they execute anything else.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// The guest as a process with the descriptors 0 to 2 and no others.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments);
        // SAFETY: close_range is a plain system call. The descriptors stay open until exec, so that std's pipe
        // for errors and the memory file still serve.
        unsafe {
            command.pre_exec(|| {
                let flags = libc::CLOSE_RANGE_CLOEXEC as libc::c_int;
                match libc::close_range(FIRST_OF_A_FRESH_PROCESS, libc::c_uint::MAX, flags) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        command
    }
}

/// Leaves the test where 32-bit programs don't run.
#[macro_export]
macro_rules! require_32_bit_kernel {
    () => {
        if !$crate::common::kernel_runs_32_bit() {
            return $crate::common::say_skipped();
        }
    };
}

/// Names the running test as skipped. Goes around libtest's capture, which shows `eprintln!` of failed tests only.
pub fn say_skipped() {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let mut stderr = std::io::stderr();
    writeln!(stderr, "skipped: {test}: this kernel runs no 32-bit programs").expect("standard error");
}

/// Whether this kernel executes i386 programs: with `ia32_emulation=0` or without CONFIG_IA32_EMULATION it
/// answers ENOEXEC.
pub fn kernel_runs_32_bit() -> bool {
    let article = Executable::new(Guest { program: Program::Article, entry: Entry::Int80 });
    match article.command(&[]).status() {
        Ok(_) => true,
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => false,
        Err(error) => panic!("article-int80 was not executed: {error}"),
    }
}

/// A program with each of its entries.
pub fn both(program: Program) -> [Guest; 2] {
    Entry::ALL.map(|entry| Guest { program, entry })
}

/// Runs a guest to its end.
pub fn run(guest: Guest, arguments: &[&str]) -> Finished {
    finish(Executable::new(guest).command(arguments).output().expect("a guest that can be executed"))
}

/// How a guest ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    pub stdout: String,
    pub stderr: String,
    /// The exit status; the signal that killed it, negated.
    pub status: i32,
}

impl Finished {
    pub fn new(stdout: &str, stderr: &str, status: i32) -> Finished {
        Finished { stdout: stdout.into(), stderr: stderr.into(), status }
    }
}

fn finish(output: Output) -> Finished {
    let status = output.status;
    Finished {
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
        status: status.code().or(status.signal().map(|signal| -signal)).expect("an end"),
    }
}

/// A running guest whose output is read later. It is killed when the test ends before it.
pub struct Running {
    child: Option<Child>,
}

impl Running {
    pub fn spawn(mut command: Command) -> Running {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running { child: Some(command.spawn().expect("a guest that can be executed")) }
    }

    /// Its process id.
    pub fn pid(&self) -> libc::pid_t {
        self.child.as_ref().expect("a child").id() as libc::pid_t
    }

    /// The next line of its output, which has to be a number.
    pub fn number(&mut self) -> u16 {
        let output = self.child.as_mut().and_then(|child| child.stdout.as_mut()).expect("piped output");
        let mut line = String::new();
        while !line.ends_with('\n') {
            let mut byte = [0];
            output.read_exact(&mut byte).expect("a whole line");
            line.push(byte[0].into());
        }
        line.trim_end().parse().expect("a number")
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        let child = self.child.take().expect("not yet waited for");
        finish(child.wait_with_output().expect("a child that can be waited for"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself in the meantime.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
