//! A Landlock domain: its members can't trace, look into or take descriptors from processes outside (landlock(7),
//! "Ptrace restrictions").

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::{Error, trial};

/// `struct landlock_path_beneath_attr`
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// Files may be linked and renamed into other directories. Every domain takes that away where it does not allow it.
const REFER: u64 = 1 << 13;
const RULE_PATH_BENEATH: libc::c_int = 1;
/// Asks for the version.
const VERSION: libc::c_uint = 1;

/// The version of Landlock that is there; 0 where there is none (landlock_create_ruleset(2)), or the first, in any domain
/// of which no file can be renamed into another directory.
///
/// # Errors
/// A filter kills for the question.
pub fn version() -> Result<u32, Error> {
    trial::need(trial::DOMAIN)?;
    const WITHOUT_REFER: u32 = 1;
    // SAFETY: with this flag the pointer must be null and the size 0.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION) };
    Ok(u32::try_from(version).ok().filter(|version| *version > WITHOUT_REFER).unwrap_or(0))
}

/// Takes this thread into a domain of its own, which restricts no file. no_new_privs is set first where that is needed.
pub(crate) fn enter() -> Result<(), Error> {
    try_enter().map_err(Error::Domain)
}

fn try_enter() -> io::Result<()> {
    let handled = REFER;
    // SAFETY: eight bytes, as their size says.
    let ruleset = check(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, size_of_val(&handled), 0)
    })?;
    // SAFETY: the call made the descriptor.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset) };
    // SAFETY: the path ends with a zero, and the descriptor is new.
    let root = unsafe {
        let root = libc::open(c"/".as_ptr(), libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC);
        OwnedFd::from_raw_fd(check(root.into())?)
    };
    let rule = PathBeneath { allowed_access: REFER, parent_fd: root.as_raw_fd() };
    // SAFETY: a structure of the rule's kind.
    check(unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), RULE_PATH_BENEATH, &raw const rule, 0)
    })?;
    // SAFETY: no pointers.
    let restrict =
        || check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) });
    if restrict().is_err() {
        seccomp::set_no_new_privs()?;
        restrict()?;
    }
    Ok(())
}

fn check(answer: libc::c_long) -> io::Result<i32> {
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer as i32) }
}
