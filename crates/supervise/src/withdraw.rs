//! How the supervisor's process leaves the surroundings that it shares with the program.

/// Makes this process one that nobody with the program's rights can disturb: no signal but SIGKILL, no look
/// into it, no tracer.
pub(crate) fn protect() {
    // SAFETY: prctl takes no pointers here.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    crate::signals::block_all();
}

/// Wants no SIGCHLD for a tracee's stop: waitpid tells of it, and the signal would be sent for nothing.
pub(crate) fn without_stop_signals() {
    // SAFETY: sigaction is plain integers, for which zero is a value: the default disposition, an empty mask.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_flags = libc::SA_NOCLDSTOP;
        libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut());
    }
}

/// Leaves the program's surroundings: its session and terminal, its directory and its descriptors, all but
/// `keep` and standard error. Whoever reads what the program writes must not wait for us.
pub(crate) fn withdraw(keep: &[i32]) {
    // SAFETY: the path ends with a zero.
    unsafe {
        libc::setsid();
        libc::chdir(c"/".as_ptr());
    }
    silence(0);
    silence(1);
    let mut from = 3;
    let mut keep = keep.to_vec();
    keep.sort_unstable();
    for fd in keep {
        close_range(from, fd - 1);
        from = fd + 1;
    }
    close_range(from, i32::MAX);
}

/// Points a descriptor at /dev/null, or closes it where there is none.
pub(crate) fn silence(fd: i32) {
    // SAFETY: the path ends with a zero; the descriptors are our own.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if null == -1 {
            libc::close(fd);
        } else if null != fd {
            libc::dup2(null, fd);
            libc::close(null);
        }
    }
}

/// Closes the descriptors from `first` to `last`.
fn close_range(first: i32, last: i32) {
    if first > last {
        return;
    }
    // SAFETY: no pointers; the descriptors are this process's copies, and nothing in it uses them.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    // Before Linux 5.9, or where a filter refuses the call.
    // SAFETY: rlimit is plain integers, filled in by the call.
    let limit = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur.min(1 << 20) as i32
    };
    for fd in first..=last.min(limit) {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}
