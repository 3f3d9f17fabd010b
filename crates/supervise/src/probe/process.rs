//! The processes that ask.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

use abi::Errno;
use guest32::{Entry, Guest, Program};

use super::{Call, Int80Call, Missing, Ring, Socket};
use crate::place::Place;
use crate::program::last_errno;
use crate::{Error, child};

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
    /// A 32-bit process: where the file is that it executes, and its first argument.
    Program { place: Place, number: &'static str },
}

impl Worker {
    pub(super) fn program(entry: Entry, number: &'static str) -> Result<Worker, Missing> {
        let guest = Guest { program: Program::Probe, entry };
        let tried = |place: &Place| match run_program(place, number, &[]) {
            Ok(Told { end: End::Exited(errno), .. }) if !matches!(errno, 0 | NO_VDSO) => match errno {
                libc::ENOEXEC => Err(Error::No32Bit.into()),
                errno => Err(io::Error::from_raw_os_error(errno).into()),
            },
            Ok(told) => Ok(Ok(told.end)),
            // Elsewhere it would be the same.
            Err(missing) => Ok(Err(missing)),
        };
        match Place::find(&[(guest.name(), guest.image())], tried) {
            Ok((place, Ok(End::Exited(0)))) => Ok(Worker::Program { place, number }),
            Ok((_, Ok(End::Exited(_)))) => {
                Err(Missing::NoEntry("this kernel gives 32-bit programs no vDSO (vdso32=0)"))
            }
            Ok((_, Ok(End::Killed(signal)))) => Err(Missing::Dies(signal)),
            Ok((_, Err(missing))) => Err(missing),
            Err(Error::No32Bit) => Err(Missing::NoEntry(NO_32_BIT)),
            Err(Error::NoPlace(refusals)) => Err(Missing::NotExecuted(refusals)),
            Err(error) => Err(error.into()),
        }
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
            // Tried when it was made.
            Worker::Program { .. } => return Ok(()),
        };
        match (self, told.end) {
            (_, End::Exited(0)) => Ok(()),
            (_, End::Exited(NO_ENTRY)) => Err(Missing::NoEntry(no_entry)),
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
            Worker::Program { place, number } => run_program(place, number, sockets),
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
fn execute(place: &Place, argv: &[*const libc::c_char], out: &File) -> i32 {
    // dup2(2) leaves a descriptor that is 1 already as it is: closed by exec.
    // SAFETY: plain descriptors.
    unsafe {
        match out.as_raw_fd() {
            libc::STDOUT_FILENO => libc::fcntl(libc::STDOUT_FILENO, libc::F_SETFD, 0),
            out => libc::dup2(out, libc::STDOUT_FILENO),
        };
    }
    place.execute(argv)
}

/// Asks by the 32-bit program in `place`.
fn run_program(place: &Place, number: &str, sockets: &[Socket]) -> Result<Told, Missing> {
    let words = sockets.iter().flat_map(|socket| [socket.family, socket.kind, socket.protocol]);
    let arguments = ["probe".to_owned(), number.to_owned()];
    let arguments = arguments.into_iter().chain(words.map(|word| word.to_string()));
    // Numbers hold no zero byte.
    let arguments: Vec<_> = arguments.filter_map(|word| CString::new(word).ok()).collect();
    let argv: Vec<_> = arguments.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect();
    run(|out| execute(place, &argv, out))
}

/// Runs `act` in a process of its own, and reads the lines that it wrote to the file it is given. `act` must be
/// async-signal-safe.
fn run(act: impl FnOnce(&File) -> i32) -> Result<Told, Missing> {
    let told = child::told(act)?.ok_or(Missing::Late)?;
    let text = String::from_utf8_lossy(&told.bytes);
    let results = text.lines().map_while(|line| line.parse().ok()).collect();
    let end = told.signal().map_or(End::Exited(libc::WEXITSTATUS(told.status)), End::Killed);
    Ok(Told { results, end })
}
