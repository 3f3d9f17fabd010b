//! `xtask enter`: a command inside a directory tree of its own, by chroot(2). Root uses a mount namespace;
//! anyone else a user namespace too, and keeps its own user id there, so that the programs run unprivileged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{chdir, chroot, getegid, geteuid};
use seccomp::Action;

use crate::deny;

#[derive(Args)]
pub struct Options {
    /// Deny socketcall with this errno, as `deny` does.
    #[arg(long, value_name = "N")]
    errno: Option<u16>,
    /// The tree.
    root: PathBuf,
    /// The command, as found inside the tree.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Becomes the command, inside the tree.
pub fn run(options: &Options) -> Result<ExitCode> {
    let root = &options.root;
    own_mounts()?;
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).context("making the mounts private")?;
    for name in ["proc", "dev"] {
        bind(Path::new("/").join(name).as_path(), &root.join(name))?;
    }
    chroot(root).with_context(|| format!("chroot to {}", root.display()))?;
    chdir("/")?;
    if let Some(errno) = options.errno {
        deny::install(Action::Errno(errno))?;
    }
    deny::become_command(&options.command)
}

/// A mount namespace; for an unprivileged user, through a user namespace.
fn own_mounts() -> Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    if uid.is_root() && unshare(CloneFlags::CLONE_NEWNS).is_ok() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
        .context("no user namespace for an unprivileged user (sysctl kernel.unprivileged_userns_clone=1)")?;
    // user_namespaces(7): an unprivileged process gives up setgroups(2) before it maps its group.
    fs::write("/proc/self/setgroups", "deny").context("/proc/self/setgroups")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1")).context("/proc/self/uid_map")?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1")).context("/proc/self/gid_map")
}

/// Recursive, because a mount that came from a more privileged namespace cannot be shown without what is
/// mounted below it.
fn bind(from: &Path, to: &Path) -> Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .with_context(|| format!("binding {} to {}", from.display(), to.display()))
}
