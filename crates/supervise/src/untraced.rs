//! A program whose processes nobody traces: gdb and strace can attach to them, and signals and forks cost
//! nothing.
//!
//! A filter asks of every exec. While a thread is in that call it is traced, so that the new program gets its
//! stub; then it is let go. What does not take the stub's way traps, and the stub's own handler serves the
//! signal inside the process. The program believes that it sets dispositions of SIGSYS, and does not.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use abi::SOCKETCALL_I386;
use policy::Compiled;
use seccomp::{Action, Arch, Field, Filter, Listener, Test, Wants};
use stub::{PERMIT, TRAP_DATA, Variant};
use tracee::{Options, Resume, Scope, Stop, Stopped, Tid, Waited, Waiter};

use crate::child::{fork_unseen, pass_descriptor, receive_descriptor, socket_pair};
use crate::demux::{Placer, Placing, check_kernel, execs, warn_of_outer_kill};
use crate::follow::say_not_raised;
use crate::launch::Launch;
use crate::no_new_privs::is_capable;
use crate::supervisor::{ended, set_tracer};
use crate::withdraw::{protect, withdraw};
use crate::{Error, domain, inherited, say, trial};

/// The filter of a program that nobody traces.
fn filter() -> Result<Filter, Error> {
    let mut wants = Wants::new();
    wants.add(Arch::I386, SOCKETCALL_I386, Action::Trap(TRAP_DATA));
    for (arch, number) in execs() {
        wants.add(arch, number, Action::UserNotif);
    }
    // The handler stays ours. signal, sigaction; rt_sigaction, if it sets one and is not the stub's.
    let sigsys = Test::eq(Field::Arg(0), libc::SIGSYS.cast_unsigned());
    let sets = Test::masked_ne(Field::Arg(1), u32::MAX, 0);
    let not_ours = Test::masked_ne(Field::Arg(4), u32::MAX, PERMIT);
    for (number, tests) in [(48, &[sigsys][..]), (67, &[sigsys, sets]), (174, &[sigsys, sets, not_ours])] {
        wants.add_if(Arch::I386, number, tests, Action::Errno(0));
    }
    Ok(wants.compile()?)
}

/// A program to be run without a tracer.
#[derive(Debug)]
pub struct Untraced {
    launch: Launch,
    in_front: bool,
    /// The rules that it is held to.
    rules: Option<Filter>,
}

impl Untraced {
    /// Runs it with its calls taken apart.
    #[must_use]
    pub const fn new(launch: Launch) -> Untraced {
        Untraced { launch, in_front: false, rules: None }
    }

    /// See [`crate::Demux::in_front`].
    #[must_use]
    pub const fn in_front(mut self) -> Untraced {
        self.in_front = true;
        self
    }

    /// Holds the program to a policy's rules, silently: nobody is there to tell of a refusal.
    ///
    /// # Errors
    /// [`Error::Untraced`], if memory decides of some call; [`Error::Build`].
    pub fn rules(mut self, policy: &Compiled) -> Result<Untraced, Error> {
        if policy.needs_memory() {
            return Err(Error::Untraced("rules on addresses need a tracer that stays attached"));
        }
        self.rules = Some(policy.register_wants(0).compile()?);
        Ok(self)
    }

    /// Turns this process into the program, as [`crate::Session::become_program`] does. Returns on failure
    /// only.
    ///
    /// # Errors
    /// [`Error`]; among them [`Error::Untraced`], where only a tracer can do it.
    pub fn become_program(self) -> Result<Infallible, Error> {
        let program = self.launch.find()?;
        untraced_works()?;
        warn_of_outer_kill()?;
        let filter = filter()?;
        let (here, there) = socket_pair()?;
        // SAFETY: getpid takes nothing.
        let own = unsafe { libc::getpid() };
        let supervisor = match fork_unseen()? {
            0 => {
                drop(here);
                supervise(own, there, self.in_front)
            }
            pid => pid,
        };
        drop(there);
        // For as long as this process lives: each of its execs is looked at.
        set_tracer(supervisor);
        let listener = filter.install_with_listener().map_err(|error| match error {
            seccomp::InstallError::Busy => {
                Error::Untraced("this process is under a filter with a listener, and there can be one only")
            }
            error => error.into(),
        })?;
        pass_descriptor(&here, listener.as_fd())?;
        drop(listener);
        if let Some(rules) = &self.rules {
            if domain::version()? > 0 {
                domain::enter()?;
            }
            rules.install_unprivileged()?;
        }
        let mut errno = [0; 4];
        // SAFETY: reads four bytes into four.
        let read = unsafe { libc::read(here.as_raw_fd(), errno.as_mut_ptr().cast(), errno.len()) };
        match i32::from_ne_bytes(errno) {
            0 if read == 4 => {}
            0 => return Err(ended(supervisor)),
            errno => return Err(Error::ptrace(io::Error::from_raw_os_error(errno), own)),
        }
        drop(here);
        inherited::restore();
        Err(program.error(program.execute()))
    }
}

/// Whether programs can be served here without staying attached to them. A listener that this process has
/// already is found out by trying only.
pub(crate) fn untraced_works() -> Result<(), Error> {
    check_kernel((5, 9)).map_err(|_| Error::Untraced("it needs Linux 5.9"))?;
    trial::need(trial::UNTRACED)?;
    const CAP_SYS_PTRACE: u32 = 19;
    // Yama 1 lets a process trace its descendants only, and the supervisor is nobody's ancestor.
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    match scope.trim() {
        "1" if !is_capable(CAP_SYS_PTRACE) => {
            Err(Error::Untraced("Yama lets only parents trace here (kernel.yama.ptrace_scope is 1)"))
        }
        _ => Ok(()),
    }
}

/// The supervisor's process.
fn supervise(program: Tid, channel: OwnedFd, in_front: bool) -> ! {
    protect();
    withdraw(&[channel.as_raw_fd()]);
    let errno = match receive_descriptor(&channel) {
        Ok(fd) => match try_to_attach(program) {
            Ok(()) => {
                tell(&channel, 0);
                drop(channel);
                let mut placer = Placer::new(Variant::Handling);
                if in_front {
                    placer.kernel.in_front();
                }
                let listener = Listener::from(fd);
                let serving = Serving {
                    listener,
                    placer,
                    waiter: Waiter::new(Scope::Process),
                    in_exec: HashSet::new(),
                };
                if let Err(error) = serving.serve(program) {
                    say(format_args!("the supervisor ends, and with it every exec of the program: {error}"));
                }
                std::process::exit(0)
            }
            Err(errno) => errno,
        },
        Err(_) => 0,
    };
    if errno != 0 {
        tell(&channel, errno);
    }
    std::process::exit(0)
}

fn tell(channel: &OwnedFd, errno: i32) {
    // SAFETY: writes four bytes. If nobody reads them, the program is gone.
    unsafe { libc::write(channel.as_raw_fd(), (&raw const errno).cast(), 4) };
}

/// Whether the program can be traced: attaches to it, and lets it go.
fn try_to_attach(program: Tid) -> Result<(), i32> {
    let errno = |error: tracee::Error| match error {
        tracee::Error::Os { error, .. } => error.raw_os_error().unwrap_or(libc::EPERM),
        _ => libc::ESRCH,
    };
    tracee::seize(program, Options::EXEC).map_err(errno)?;
    tracee::interrupt(program).map_err(errno)?;
    match Waiter::new(Scope::One(program)).wait() {
        Ok(Waited::Stopped(stopped, Stop::Signal(signal))) => stopped.detach(signal).map_err(errno),
        Ok(Waited::Stopped(stopped, _)) => stopped.detach(0).map_err(errno),
        _ => Err(libc::ESRCH),
    }
}

/// How a stopped thread goes on.
enum Then {
    LetGo,
    StopAtCall,
    /// As it is, which will not do for long.
    NoStub,
}

/// The supervisor at work.
struct Serving {
    listener: Listener,
    placer: Placer,
    waiter: Waiter,
    /// Threads that are traced while they are in exec.
    in_exec: HashSet<Tid>,
}

impl Serving {
    /// Serves every exec until no process is left that could make one.
    fn serve(mut self, program: Tid) -> io::Result<()> {
        let children = signal_descriptor()?;
        let mut end = process_descriptor(program);
        loop {
            let poll = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            let listener = self.listener.as_fd().as_raw_fd();
            let last = end.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            let mut ready = [poll(listener), poll(children.as_raw_fd()), poll(last)];
            // SAFETY: three structures. A descriptor of -1 is passed over.
            if unsafe { libc::poll(ready.as_mut_ptr(), ready.len() as libc::nfds_t, -1) } == -1 {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
                continue;
            }
            let [events, stops, ended] = ready.map(|ready| ready.revents);
            if stops != 0 {
                drain(&children);
                while let Some(waited) = self.waiter.wait_at_most(Duration::ZERO)? {
                    match waited {
                        Waited::Stopped(stopped, stop) => self.stopped(stopped, stop),
                        Waited::Exited(tid, _) | Waited::Killed { tid, .. } => {
                            self.in_exec.remove(&tid);
                        }
                        Waited::Nobody | Waited::Interrupted => break,
                    }
                }
            }
            if ended != 0 {
                // Once: nothing more can be heard from it.
                if let Some(fd) = end.take() {
                    explain_end(program, &fd);
                }
            }
            if events & libc::POLLIN != 0 {
                self.exec()?;
            } else if events & (libc::POLLHUP | libc::POLLERR) != 0 {
                // Filters are let go of a little before a process has ended.
                if let Some(fd) = end.take() {
                    await_end(&fd);
                    explain_end(program, &fd);
                }
                return Ok(());
            }
        }
    }

    /// A thread waits in exec: it goes on traced. One that can't be traced would run without its stub.
    fn exec(&mut self) -> io::Result<()> {
        let Some(notification) = self.listener.receive()? else { return Ok(()) };
        let tid = notification.tid;
        // It may be here for the second time: a signal takes a thread out of its wait, and then it makes its call
        // again. An answer to the first then finds nobody, which does not matter.
        if self.in_exec.contains(&tid) {
            let _ = self.listener.go_on(notification.id);
            return Ok(());
        }
        match tracee::seize(tid, Options::EXEC) {
            Ok(()) => {
                self.in_exec.insert(tid);
                let _ = self.listener.go_on(notification.id);
                // The stop comes after exec's own, or instead of it if exec fails.
                let _ = tracee::interrupt(tid);
            }
            Err(tracee::Error::Gone) => {}
            Err(error) => {
                say(format_args!(
                    "process {tid} can't be looked at ({error}), and so can't execute a program: if it has \
                     another user, run without --untraced; if it has another tracer, let that attach once the \
                     program runs"
                ));
                let _ = self.listener.fail(notification.id, libc::EPERM);
            }
        }
        Ok(())
    }

    fn stopped(&mut self, mut stopped: Stopped, stop: Stop) {
        let tid = stopped.tid();
        let then = match stop {
            Stop::Exec { former } => {
                self.in_exec.remove(&former);
                self.in_exec.insert(tid);
                self.new_program(&mut stopped)
            }
            Stop::Call => {
                let placed = self.placer.at_return(&mut self.waiter, &mut stopped);
                placed.map(|placed| if placed.is_some() { Then::LetGo } else { Then::NoStub })
            }
            // Exec has failed, and the thread is on its way back.
            _ => Ok(Then::LetGo),
        };
        let done = match then {
            Ok(Then::StopAtCall) => stopped.resume(Resume::ToCall(0)),
            Ok(Then::LetGo) => self.let_go(stopped, stop),
            Ok(Then::NoStub) => {
                say(format_args!(
                    "the program of process {tid} has no room for the stub, and will die of SIGSYS at its first \
                     socketcall: run without --untraced"
                ));
                self.let_go(stopped, stop)
            }
            Err(tracee::Error::Gone) => Ok(()),
            Err(error) => {
                say(format_args!(
                    "process {tid} can't be served, and will die of SIGSYS at its first socketcall: {error}"
                ));
                self.let_go(stopped, stop)
            }
        };
        if let Err(error) = done
            && !matches!(error, tracee::Error::Gone)
        {
            say(format_args!("process {tid}: {error}"));
        }
    }

    /// A new program is in place.
    fn new_program(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        say_not_raised(stopped.tid());
        if !stopped.registers()?.is_32() {
            return Ok(Then::LetGo);
        }
        Ok(match self.placer.at_exec(stopped)? {
            Placing::Done(_) => Then::LetGo,
            Placing::AtReturn => Then::StopAtCall,
            Placing::Nowhere => Then::NoStub,
        })
    }

    /// Detaches. A signal that is about to be delivered is.
    fn let_go(&mut self, stopped: Stopped, stop: Stop) -> tracee::Result<()> {
        self.in_exec.remove(&stopped.tid());
        stopped.detach(if let Stop::Signal(signal) = stop { signal } else { 0 })
    }
}

/// SIGCHLD as a descriptor: the supervisor has all signals blocked.
fn signal_descriptor() -> io::Result<OwnedFd> {
    // SAFETY: sigset_t is plain integers; the descriptor is new, and ours.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Takes the signals that have come, whose number does not matter.
fn drain(signals: &OwnedFd) {
    let mut info = [0u8; 4096];
    // SAFETY: reads into a buffer of that size; the descriptor does not block.
    while unsafe { libc::read(signals.as_raw_fd(), info.as_mut_ptr().cast(), info.len()) } > 0 {}
}

/// The program as a descriptor that is readable when it has ended.
fn process_descriptor(program: Tid) -> Option<OwnedFd> {
    // SAFETY: no pointers; the descriptor is new, and ours.
    unsafe {
        match libc::syscall(libc::SYS_pidfd_open, program, 0) {
            -1 => None,
            fd => Some(OwnedFd::from_raw_fd(fd as i32)),
        }
    }
}

/// Waits until a process has ended that is about to.
fn await_end(process: &OwnedFd) {
    const SOON: libc::c_int = 1000;
    let mut ready = libc::pollfd { fd: process.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure.
    unsafe { libc::poll(&raw mut ready, 1, SOON) };
}

/// The program has ended. If by SIGSYS, it was probably a trap that its handler could not serve.
fn explain_end(program: Tid, fd: &OwnedFd) {
    let status = status_by_proc(program).or_else(|| status_by_descriptor(fd));
    if status.is_some_and(|status| libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSYS) {
        say(format_args!(
            "the program died of SIGSYS: a trapped call while it blocked that signal, or in 64-bit code, or \
             another filter's trap; run without --untraced serves the first two"
        ));
    }
}

/// The wait status of a process that its parent has not waited for yet (proc_pid_stat(5), the 52nd field).
fn status_by_proc(program: Tid) -> Option<i32> {
    tracee::proc_stat(program)?.get(52 - 3)?.parse().ok()
}

/// The wait status of one that is gone, from Linux 6.15 on (include/uapi/linux/pidfd.h, PIDFD_GET_INFO).
fn status_by_descriptor(fd: &OwnedFd) -> Option<i32> {
    const PIDFD_GET_INFO: libc::c_ulong = 0xc040_ff0b;
    const PIDFD_INFO_EXIT: u64 = 1 << 3;
    /// `struct pidfd_info` in its first size: what is asked and answered, then what is of no use here.
    #[repr(C)]
    struct Info {
        mask: u64,
        others: [u32; 13],
        exit_code: i32,
    }
    let mut info = Info { mask: PIDFD_INFO_EXIT, others: [0; 13], exit_code: 0 };
    // SAFETY: the request fills in the 64 bytes that its number says.
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), PIDFD_GET_INFO, &raw mut info) } == 0;
    (done && info.mask & PIDFD_INFO_EXIT != 0).then_some(info.exit_code)
}
