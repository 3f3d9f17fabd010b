//! no_new_privs: what a filter needs of a process without CAP_SYS_ADMIN (seccomp(2)).

use std::fs;

/// Whether installing a filter sets it.
pub(crate) fn would_be_set() -> bool {
    // SAFETY: PR_GET_NO_NEW_PRIVS takes no pointers.
    let set = unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) } == 1;
    const CAP_SYS_ADMIN: u32 = 21;
    !set && !is_capable(CAP_SYS_ADMIN)
}

/// Whether this process has a capability (capabilities(7)), as /proc tells it.
pub(crate) fn is_capable(capability: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    effective.is_some_and(|mask| mask & 1 << capability != 0)
}
