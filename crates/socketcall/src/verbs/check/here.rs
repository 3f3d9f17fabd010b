//! What is known of this process, and of what `run` would do.

use std::fs;

use nix::sys::prctl;
use socketcall::Machine;

/// This process and this kernel.
pub struct Here {
    /// Whether filters judge this process's calls.
    pub seccomp: seccomp::Mode,
    /// How many, where /proc tells (Linux 5.9).
    pub filters: Option<u32>,
    /// Whether execve raises no privileges; none where the kernel does not tell.
    pub no_new_privs: Option<bool>,
    /// The active security modules; none where the kernel does not tell.
    pub security_modules: Option<Vec<String>>,
    /// What `run` can do here.
    pub run: Machine,
    /// Lines about what could not be known.
    pub unknown: Vec<String>,
}

impl Here {
    /// Looks.
    pub fn find() -> Here {
        let mut unknown = vec![];
        let status = fs::read_to_string("/proc/self/status");
        if let Err(error) = &status {
            unknown.push(format!("/proc/self/status: {error}: the number of seccomp filters is not known"));
        }
        let status = status.unwrap_or_default();
        let filters = status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"));
        let listed = fs::read_to_string("/sys/kernel/security/lsm");
        let listed = listed.ok().map(|line| line.trim().split(',').map(str::to_owned).collect());
        let security_modules = listed.or_else(supervise::probe::security_modules);
        if security_modules.is_none() {
            unknown.push(
                "the active security modules are not known: /sys/kernel/security/lsm can't be read, and \
                 lsm_list_modules(2) came with Linux 6.8, or is not permitted"
                    .to_owned(),
            );
        }
        Here {
            seccomp: seccomp::mode(),
            filters: filters.and_then(|count| count.trim().parse().ok()),
            no_new_privs: prctl::get_no_new_privs().ok(),
            security_modules,
            run: Machine::here(),
            unknown,
        }
    }
}
