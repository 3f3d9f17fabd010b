//! `xtask overhear`: a listener that hears every socketcall that reaches the end of all filters.
//!
//! A filter's RET_TRAP comes in front of another's RET_USER_NOTIF (seccomp(2)): so what `socketcall run` takes
//! apart is not heard here, and what it let through would be.

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};
use std::thread;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use seccomp::{Action, Arch, Listener, Wants};

use crate::deny::SOCKETCALL;

/// What the last line on standard error begins with; then comes the number.
pub const SAYS: &str = "xtask: overheard ";

#[derive(Args)]
pub struct Options {
    /// The command.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Runs the command to its end and that of all that it started, and says how many calls were heard.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut wants = Wants::new();
    wants.add(Arch::I386, SOCKETCALL, Action::UserNotif);
    let filter = wants.compile()?;
    let (program, arguments) = options.command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    // A filter is a thread's: the command is started by one that has it, and the listener stays with us.
    let started = thread::spawn(move || -> Result<_> {
        let listener = filter.install_with_listener()?;
        Ok((listener, command.spawn()?))
    });
    let started = started.join().map_err(|_| anyhow!("the starting thread panicked"))?;
    let (listener, mut child) = started.with_context(|| format!("cannot start {program}"))?;
    let heard = listen(&listener)?;
    let status = child.wait()?;
    eprintln!("{SAYS}{heard}");
    Ok(code(status).into())
}

/// Lets every call go on that is heard, until nobody is left who could make one.
fn listen(listener: &Listener) -> Result<u64> {
    let mut heard = 0;
    loop {
        let mut ready = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        let events = ready[0].revents().unwrap_or(PollFlags::empty());
        if events.contains(PollFlags::POLLIN) {
            if let Some(notification) = listener.receive()? {
                heard += 1;
                // It may have been killed meanwhile.
                let _ = listener.go_on(notification.id);
            }
        } else if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
            return Ok(heard);
        }
    }
}

/// As a shell tells a status.
pub fn code(status: ExitStatus) -> u8 {
    status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .and_then(|code| code.try_into().ok())
        .unwrap_or(125)
}
