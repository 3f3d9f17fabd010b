//! no_new_privs: what a filter needs of a process without CAP_SYS_ADMIN (seccomp(2)).

/// Whether installing a filter sets it.
pub(crate) fn would_be_set() -> bool {
    // SAFETY: PR_GET_NO_NEW_PRIVS takes no pointers.
    let set = unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) } == 1;
    const CAP_SYS_ADMIN: u32 = 21;
    !set && !is_capable(CAP_SYS_ADMIN)
}

/// Whether this process has a capability (capget(2)).
pub(crate) fn is_capable(capability: u32) -> bool {
    /// `struct __user_cap_header_struct` and two of `__user_cap_data_struct`.
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let mut sets = [[0u32; 3]; 2];
    // SAFETY: with this version the call reads the header and fills in two structures of three words each:
    // effective, permitted and inheritable.
    let done = unsafe { libc::syscall(libc::SYS_capget, &raw const header, sets.as_mut_ptr()) } == 0;
    done && sets[(capability / 32) as usize][0] & 1 << (capability % 32) != 0
}
