//! Putting a filter in place, on this process or on a command before it is executed.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::bpf::{Filter, Insn};

/// Why a filter was not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// EACCES: neither CAP_SYS_ADMIN nor no_new_privs.
    #[error("seccomp needs no_new_privs or CAP_SYS_ADMIN: set no_new_privs first")]
    NotPermitted,
    /// EINVAL: the kernel was built without CONFIG_SECCOMP_FILTER, or knows no such flag.
    #[error("this kernel has no seccomp filters: it needs CONFIG_SECCOMP_FILTER")]
    Unsupported,
    /// EBUSY: this process has a listener already.
    #[error("this process is under a filter with a listener already, and there can be one only")]
    Busy,
    /// EPERM or ENOSYS: an outer filter refuses seccomp(2).
    #[error(
        "seccomp filter: {0}: allow seccomp in the container's seccomp profile, or in the unit's SystemCallFilter"
    )]
    Refused(io::Error),
    /// ENOMEM: of all filters together no more than 32,768 instructions may be installed, or memory is short.
    #[error("seccomp filter: {0}: there are too many filters around this process: start it under fewer")]
    TooMany(io::Error),
    /// Anything else.
    #[error("seccomp filter: {0}")]
    Os(io::Error),
}

impl From<io::Error> for InstallError {
    fn from(error: io::Error) -> InstallError {
        match error.raw_os_error() {
            Some(libc::EACCES) => InstallError::NotPermitted,
            Some(libc::EINVAL) => InstallError::Unsupported,
            Some(libc::EBUSY) => InstallError::Busy,
            Some(libc::EPERM | libc::ENOSYS) => InstallError::Refused(error),
            Some(libc::ENOMEM) => InstallError::TooMany(error),
            _ => InstallError::Os(error),
        }
    }
}

/// This process's seccomp mode, as prctl(PR_GET_SECCOMP) and /proc/PID/status tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No filter judges this process's calls.
    None,
    /// One or more filters do.
    Filter,
}

/// Whether filters judge this process already. (In strict mode a process cannot ask.)
#[must_use]
pub fn mode() -> Mode {
    // SAFETY: PR_GET_SECCOMP takes no pointers.
    match unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) } {
        0 => Mode::None,
        // EINVAL means a kernel without seccomp. Any other failure is an outer filter's doing.
        -1 if io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) => Mode::None,
        _ => Mode::Filter,
    }
}

/// Sets no_new_privs on this thread: from now on `execve` raises no privileges. For ever, inherited.
///
/// # Errors
/// EINVAL before Linux 3.5.
pub fn set_no_new_privs() -> io::Result<()> {
    // SAFETY: PR_SET_NO_NEW_PRIVS takes no pointers.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl Filter {
    /// Installs the filter on this thread. Async-signal-safe: allocates nothing.
    ///
    /// # Errors
    /// [`InstallError`]
    pub fn install(&self) -> Result<(), InstallError> {
        self.install_raw().map_err(InstallError::from)
    }

    /// Installs the filter on this thread, and sets no_new_privs first where that is needed (without
    /// CAP_SYS_ADMIN). Async-signal-safe.
    ///
    /// # Errors
    /// [`InstallError`]
    pub fn install_unprivileged(&self) -> Result<(), InstallError> {
        match self.install() {
            Err(InstallError::NotPermitted) => {
                set_no_new_privs()?;
                self.install()
            }
            other => other,
        }
    }

    fn install_raw(&self) -> io::Result<()> {
        set_filter(self, 0).map(drop)
    }
}

/// seccomp(SECCOMP_SET_MODE_FILTER). Answers what the call does: 0, or with NEW_LISTENER a descriptor.
pub(crate) fn set_filter(filter: &Filter, flags: libc::c_ulong) -> io::Result<libc::c_int> {
    /// `struct sock_fprog` of a 64-bit process.
    #[repr(C)]
    struct Program {
        len: u16,
        filter: *const Insn,
    }
    let instructions = filter.instructions();
    let program = Program { len: instructions.len() as u16, filter: instructions.as_ptr() };
    const SECCOMP_SET_MODE_FILTER: libc::c_ulong = 1;
    // SAFETY: `program` and the instructions it points to outlive the call, which only reads them. `Insn` is
    // repr(C) with the layout of struct sock_filter.
    match unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &raw const program) } {
        -1 => Err(io::Error::last_os_error()),
        answer => Ok(answer as libc::c_int),
    }
}

/// Lets `command` run under `filter`: it is installed between fork and exec, with no_new_privs.
pub fn with_filter(command: &mut Command, filter: Filter) -> &mut Command {
    let install = move || {
        set_no_new_privs()?;
        filter.install_raw()
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(install) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Arch, Field, Test, Wants};

    /// The kernel agrees with the interpreter: `dup(fd)` answers what the filter says for `fd`.
    #[test]
    fn a_command_runs_under_the_filter() {
        let mut wants = Wants::new();
        wants.add_if(Arch::X86_64, 33, &[Test::eq(Field::Arg(0), 9)], Action::Errno(54));
        wants.add_if(Arch::X86_64, 32, &[Test::eq(Field::Arg(0), 9)], Action::Errno(54));
        wants.add_if(Arch::X86_64, 72, &[Test::eq(Field::Arg(0), 9)], Action::Errno(54));
        let filter = wants.compile().unwrap();
        let run = |filter: Option<Filter>| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "exec 9</dev/null; exec 8<&9"]);
            if let Some(filter) = filter {
                with_filter(&mut shell, filter);
            }
            shell.output().unwrap()
        };
        assert!(run(None).status.success());
        let filtered = run(Some(filter));
        assert!(!filtered.status.success(), "{filtered:?}");
    }
}
