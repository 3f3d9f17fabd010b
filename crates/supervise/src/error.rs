//! What can go wrong before the program runs, said in one line that names the thing and the remedy.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Why the program was not started under supervision.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Direct socket calls came with Linux 4.3.
    #[error(
        "this kernel is Linux {0}.{1}, and 32-bit programs have direct socket calls from Linux 4.3 on: \
         run it on a newer kernel"
    )]
    OldKernel(u32, u32),
    /// ENOEXEC for a 32-bit x86 ELF file.
    #[error(
        "this kernel runs no 32-bit x86 programs: boot it with ia32_emulation=1, or use one built with \
         CONFIG_IA32_EMULATION"
    )]
    No32Bit,
    /// A thread has one tracer.
    #[error(
        "ptrace: this process is traced already, by process {0}: start socketcall outside of strace, gdb or \
         another socketcall, or run those inside"
    )]
    AlreadyTraced(i32),
    /// `kernel.yama.ptrace_scope` is 2 without CAP_SYS_PTRACE, or 3.
    #[error(
        "ptrace is forbidden here by Yama (kernel.yama.ptrace_scope is {0}): set it to 1 or 0, or with 2 give \
         CAP_SYS_PTRACE"
    )]
    Yama(u8),
    /// Anything else that forbids ptrace: a seccomp filter, another security module.
    #[error(
        "ptrace is refused here ({0}): allow ptrace in the container's seccomp profile or security module, or \
         start the container with --cap-add SYS_PTRACE"
    )]
    PtraceRefused(io::Error),
    /// A filter kills whoever makes one of these calls, and we would be next.
    #[error(
        "an outer seccomp filter kills by SIGSYS whoever calls {calls}, and run needs that: allow {calls} in the \
         container's seccomp profile or the unit (systemd: SystemCallFilter={})", .0.join(" "),
        calls = .0.join(", ")
    )]
    Killed(Vec<&'static str>),
    /// The supervisor was gone before the program was started.
    #[error(
        "the supervisor has ended before the program was started{}: see whether a seccomp filter, a limit or the \
         kernel's log tells of that", .0.map(|signal| format!(", by signal {signal}")).unwrap_or_default()
    )]
    Supervisor(Option<i32>),
    /// Programs of our own can be executed neither from memory nor from any directory.
    #[error(
        "a program of socketcall's own can't be executed from anywhere ({0}): name a directory by TMPDIR=DIR that is \
         writable and not mounted noexec"
    )]
    NoPlace(String),
    /// A process that runs can't be traced.
    #[error("process {process} can't be traced: {}", attach_remedy(*process, error))]
    Attach {
        /// The process.
        process: tracee::Tid,
        /// What the kernel answered.
        error: io::Error,
    },
    /// Rules that memory decides need the process that the program takes the place of.
    #[error(
        "rules on addresses can't be used with a program that is a child of this one: use become_program"
    )]
    InItsPlace,
    /// mseal(2) is missing.
    #[error(
        "rules on addresses need mseal(2), from Linux 6.10 on: use a newer kernel, or rules without addresses"
    )]
    NoSeal,
    /// /proc is missing, or another pid namespace's.
    #[error("rules on addresses need /proc: mount it")]
    NoProc,
    /// Without a Landlock domain the program could reach processes outside.
    #[error("the program can't enter a Landlock domain: {0}")]
    Domain(io::Error),
    /// There is something that needs a tracer which stays attached.
    #[error("--untraced can't be used here: {0}; run without it")]
    Untraced(&'static str),
    /// The filter was not installed.
    #[error(transparent)]
    Filter(#[from] seccomp::InstallError),
    /// The layers want more than one filter holds.
    #[error(transparent)]
    Build(#[from] seccomp::BuildError),
    /// There is no such program.
    #[error("{}: not found{}", program.display(), if *in_path { " in PATH" } else { "" })]
    NotFound {
        /// As it was given.
        program: PathBuf,
        /// Whether PATH was searched.
        in_path: bool,
    },
    /// The program is there, and what is to load it is not.
    #[error("{}: its interpreter {} is missing: install it{}", program.display(), interpreter.display(),
        if interpreter.ends_with("ld-linux.so.2") { " (Debian: libc6:i386)" } else { "" })]
    NoInterpreter {
        /// The program.
        program: PathBuf,
        /// What its first line or PT_INTERP names.
        interpreter: PathBuf,
    },
    /// execve refused it.
    #[error("{}: can't be executed: {error}{}", program.display(), remedy(error))]
    NotExecutable {
        /// The program.
        program: PathBuf,
        /// What execve answered.
        error: io::Error,
    },
    /// A tracer may not look into a program whose file its user may not read (execve(2)).
    #[error(
        "{}: can't be read by this user, so its calls can't be taken apart: make it readable (chmod +r), or \
         run as root", .0.display()
    )]
    Unreadable(PathBuf),
    /// An argument holds a zero byte.
    #[error("an argument can't be passed on, it holds a zero byte: {0:?}")]
    ZeroByte(OsString),
    /// A tracee did not do as tracees do.
    #[error(transparent)]
    Tracee(#[from] tracee::Error),
    /// A system call that has no reason to fail did.
    #[error("{what}: {error}{}", call_remedy(what, error))]
    Os {
        /// The call.
        what: &'static str,
        /// What the kernel answered.
        error: io::Error,
    },
}

impl Error {
    pub(crate) const fn os(what: &'static str, error: io::Error) -> Error {
        Error::Os { what, error }
    }

    pub(crate) fn last(what: &'static str) -> Error {
        Error::os(what, io::Error::last_os_error())
    }

    pub(crate) const fn attach(process: tracee::Tid, error: io::Error) -> Error {
        Error::Attach { process, error }
    }

    /// The exit status that env(1) and shells give for it: 127 not found, 126 not executable, 125 what is
    /// not the program's own fault.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Error::NotFound { .. } | Error::NoInterpreter { .. } => 127,
            Error::NotExecutable { .. } => 126,
            _ => 125,
        }
    }

    /// Fails if `tid` has a tracer, as far as /proc tells.
    pub(crate) fn if_traced(tid: tracee::Tid) -> Result<(), Error> {
        tracer(tid).map_or(Ok(()), |tracer| Err(Error::AlreadyTraced(tracer)))
    }

    /// Why ptrace was refused for `tid`.
    pub(crate) fn ptrace(error: io::Error, tid: tracee::Tid) -> Error {
        if let Err(traced) = Error::if_traced(tid) {
            return traced;
        }
        let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
        match scope.ok().and_then(|scope| scope.trim().parse().ok()) {
            Some(scope @ 2..) => Error::Yama(scope),
            _ => Error::PtraceRefused(error),
        }
    }
}

/// Who traces `tid`.
fn tracer(tid: tracee::Tid) -> Option<i32> {
    tracee::proc_status(tid, "TracerPid:")?.parse().ok().filter(|tracer| *tracer != 0)
}

/// Why a process can't be attached to, and what helps.
fn attach_remedy(process: tracee::Tid, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ESRCH) if tracee::proc_file(process, "").is_some_and(|directory| directory.exists()) => {
            "it has ended already, and its parent has not asked how".into()
        }
        Some(libc::ENOENT | libc::ESRCH) => "there is no such process".into(),
        Some(libc::EPERM) => match tracer(process) {
            Some(tracer) => format!("process {tracer} traces it already, and a process has one tracer"),
            None => "permission denied: it belongs to another user or is protected; be root, or set \
                     kernel.yama.ptrace_scope to 0"
                .into(),
        },
        _ => error.to_string(),
    }
}

/// What helps against an error of execve.
fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EACCES) => " (is it a file with permission to execute, on a file system without noexec?)",
        Some(libc::ENOEXEC) => " (is it a program for another machine, or an empty file?)",
        Some(libc::EMFILE) => " (raise ulimit -n)",
        Some(libc::E2BIG) => " (fewer or shorter arguments are needed)",
        _ => "",
    }
}

/// What helps against errors of calls: which calls, or any; which errors; the remedy.
const REMEDIES: &[(&[&str], &[i32], &str)] = &[
    (
        &["clone"],
        &[libc::EAGAIN],
        "there are too many processes: run needs one more; raise ulimit -u, or pids.max of the cgroup, by one",
    ),
    (&[], &[libc::EMFILE], "too many files are open in this process: raise ulimit -n"),
    (&[], &[libc::ENFILE], "too many files are open on this machine: raise the sysctl fs.file-max"),
    (&[], &[libc::ENOMEM], "free memory, or raise the limits on it (ulimit -v, memory.max of the cgroup)"),
    (&["write"], &[libc::EFBIG], "files must not get so long: raise ulimit -f"),
    (&["write"], &[libc::ENOSPC], "make room on the file system"),
    (
        &["waitpid"],
        &[libc::ECHILD],
        "something else in this process waits for its children: let it wait for its own alone",
    ),
    (
        &[],
        &[libc::EPERM, libc::EACCES, libc::ENOSYS],
        "allow the call in the container's seccomp profile or security module, or in the unit's SystemCallFilter",
    ),
];

/// What helps against an error of a call.
fn call_remedy(what: &str, error: &io::Error) -> String {
    let fits = |(calls, errors, _): &&(&[&str], &[i32], &str)| {
        (calls.is_empty() || calls.contains(&what))
            && error.raw_os_error().is_some_and(|errno| errors.contains(&errno))
    };
    REMEDIES.iter().find(fits).map(|(.., remedy)| format!(": {remedy}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Error, REMEDIES};
    use std::io;

    #[test]
    fn every_remedy_is_given_and_only_where_it_helps() {
        for (calls, errors, remedy) in REMEDIES {
            for errno in *errors {
                let error = Error::os(
                    calls.first().copied().unwrap_or("pipe2"),
                    io::Error::from_raw_os_error(*errno),
                );
                assert!(error.to_string().ends_with(&format!(" (os error {errno}): {remedy}")), "{error}");
            }
        }
        let error = Error::os("read", io::Error::from_raw_os_error(libc::EAGAIN));
        assert!(error.to_string().ends_with("(os error 11)"), "{error}");
    }
}
