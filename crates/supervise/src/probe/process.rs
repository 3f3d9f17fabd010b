//! The processes that ask.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use abi::Errno;
use guest32::{Entry, Guest, Program};

use super::{Call, Int80Call, Missing, Ring, Socket};
use crate::Error;
use crate::child::{Child, memory_file, pipe};
use crate::program::last_errno;

/// Far more than any of them needs. A filter's listener may leave a call without an answer.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// What a process exits with where the kernel lacks what it is to try. No errno, and no status of a guest's.
const NO_ENTRY: i32 = 200;
/// Of a guest: the kernel gives no AT_SYSINFO.
const NO_VDSO: i32 = 120;

/// How a process ended.
pub(super) enum End {
    Exited(i32),
    Killed(i32),
}

/// What a process told before it ended: for each socket 0, or a negated errno.
pub(super) struct Told {
    pub(super) results: Vec<i32>,
    pub(super) end: End,
}

/// What asks.
pub(super) enum Worker {
    /// A copy of this process.
    Here(Call),
    /// The same, by the 32-bit entry.
    Int80(Int80Call),
    /// The same, with a ring.
    Ring,
    /// A 32-bit process: the file that it executes, and its first argument.
    Program { file: OwnedFd, number: &'static str },
}

impl Worker {
    pub(super) fn program(entry: Entry, number: &'static str) -> Result<Worker, Missing> {
        let file = memory_file(&Guest { program: Program::Probe, entry }.image())?;
        Ok(Worker::Program { file, number })
    }

    /// Looks whether the kernel has the way, without asking for a socket.
    pub(super) fn try_entry(&self) -> Result<(), Missing> {
        let status = |missing: bool| if missing { NO_ENTRY } else { 0 };
        let (told, no_entry) = match self {
            Worker::Here(call) => {
                (run(|_| status(!call.has_table()))?, "this kernel has no x32 calls (CONFIG_X86_X32_ABI)")
            }
            Worker::Int80(_) => {
                let nothing = |_: &File| {
                    Int80Call::nothing();
                    0
                };
                (run(nothing)?, NO_32_BIT)
            }
            Worker::Ring => {
                let unknown = |_: &File| status(Ring::new().is_ok_and(|ring| !ring.has_socket()));
                (run(unknown)?, "this kernel's io_uring makes no sockets: that came with Linux 5.19")
            }
            Worker::Program { .. } => (self.run(&[])?, NO_32_BIT),
        };
        match (self, told.end) {
            (_, End::Exited(0)) => Ok(()),
            (Worker::Program { .. }, End::Exited(NO_VDSO)) => {
                Err(Missing::NoEntry("this kernel gives 32-bit programs no vDSO (vdso32=0)"))
            }
            (Worker::Program { .. }, End::Exited(libc::ENOEXEC)) | (_, End::Exited(NO_ENTRY)) => {
                Err(Missing::NoEntry(no_entry))
            }
            (Worker::Program { .. }, End::Exited(errno)) => {
                Err(Missing::NotExecuted(io::Error::from_raw_os_error(errno)))
            }
            (Worker::Program { .. }, End::Killed(signal)) => Err(Missing::Dies(signal)),
            (Worker::Int80(_), End::Killed(libc::SIGSEGV)) => Err(Missing::NoEntry(no_entry)),
            // A filter kills on what was tried; it may not on what is asked for.
            _ => Ok(()),
        }
    }

    /// Asks for sockets until all are told, or it dies.
    pub(super) fn run(&self, sockets: &[Socket]) -> Result<Told, Missing> {
        match self {
            Worker::Here(call) => run(|out| each(out, sockets, |socket| call.socket(socket))),
            Worker::Int80(call) => run(|out| each(out, sockets, |socket| call.socket(socket))),
            Worker::Ring => run(|out| {
                let ring = Ring::new();
                each(out, sockets, |socket| match &ring {
                    Ok(ring) => ring.socket(socket),
                    Err(errno) => Err(*errno),
                })
            }),
            Worker::Program { file, number } => {
                let words = sockets.iter().flat_map(|socket| [socket.family, socket.kind, socket.protocol]);
                let arguments = ["probe".to_owned(), (*number).to_owned()];
                let arguments = arguments.into_iter().chain(words.map(|word| word.to_string()));
                // Numbers hold no zero byte.
                let arguments: Vec<_> = arguments.filter_map(|word| CString::new(word).ok()).collect();
                let argv: Vec<_> =
                    arguments.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect();
                run(|out| execute(file, &argv, out))
            }
        }
    }

    /// What to say of a process that exited before it had told everything.
    pub(super) fn broke_off(&self, status: i32) -> Missing {
        Missing::Os(Error::os("a probe ended early", io::Error::other(format!("exit status {status}"))))
    }
}

const NO_32_BIT: &str = "this kernel has no 32-bit entry (ia32_emulation=0, or no CONFIG_IA32_EMULATION)";

/// Makes each call, tells its result, and closes the socket. Async-signal-safe.
fn each(mut out: &File, sockets: &[Socket], call: impl Fn(Socket) -> Result<u32, Errno>) -> i32 {
    for socket in sockets {
        let result = match call(*socket) {
            Ok(fd) => {
                // SAFETY: the socket is the one just made.
                unsafe { libc::close(fd.cast_signed()) };
                0
            }
            Err(errno) => -errno.raw(),
        };
        if writeln!(out, "{result}").is_err() {
            return last_errno();
        }
    }
    0
}

/// Becomes the 32-bit program, with `out` as its standard output. Returns on failure only, with the errno.
fn execute(file: &OwnedFd, argv: &[*const libc::c_char], out: &File) -> i32 {
    let none = [std::ptr::null::<libc::c_char>()];
    // dup2(2) leaves a descriptor that is 1 already as it is: closed by exec.
    // SAFETY: plain descriptors; an empty path, and lists of strings that end with a null.
    unsafe {
        match out.as_raw_fd() {
            libc::STDOUT_FILENO => libc::fcntl(libc::STDOUT_FILENO, libc::F_SETFD, 0),
            out => libc::dup2(out, libc::STDOUT_FILENO),
        };
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            none.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    last_errno()
}

/// Runs `act` in a process of its own, and reads the lines that it wrote to the file it is given. `act` must be
/// async-signal-safe.
fn run(act: impl FnOnce(&File) -> i32) -> Result<Told, Missing> {
    let (read, write) = pipe()?;
    let child = Child::held(|| {
        no_core();
        act(&write)
    })?;
    drop(write);
    child.release()?;
    let text = read_until(read, Instant::now() + LIMIT);
    if text.is_err() {
        child.kill();
    }
    let status = child.reap()?;
    let results = text?.lines().map_while(|line| line.parse().ok()).collect();
    let end = match libc::WIFSIGNALED(status) {
        true => End::Killed(libc::WTERMSIG(status)),
        false => End::Exited(libc::WEXITSTATUS(status)),
    };
    Ok(Told { results, end })
}

/// Lets the process die of a signal without a file, or a report, about it: core(5). The limit of 1 byte
/// is one that a program in core_pattern is not started for, too (`fs/coredump.c`).
fn no_core() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take one such structure. A failure leaves things as they are.
    unsafe {
        libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max.min(1);
        libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
    }
}

/// Everything that comes until the last writer is gone.
fn read_until(mut from: File, deadline: Instant) -> Result<String, Missing> {
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        let mut ready = libc::pollfd { fd: from.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one such structure is passed.
        match unsafe { libc::poll(&raw mut ready, 1, left.try_into().unwrap_or(libc::c_int::MAX)) } {
            0 => return Err(Missing::Late),
            -1 if last_errno() == libc::EINTR => continue,
            -1 => return Err(Error::last("poll").into()),
            _ => {}
        }
        match from.read(&mut buffer).map_err(|error| Error::os("read", error))? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}
