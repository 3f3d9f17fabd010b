//! Starting the program with its supervisor in place.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use seccomp::{Filter, Listener};
use tracee::{Options, Scope, Tid, Waiter};

use crate::child::{Child, fork_unseen, pipe};
use crate::follow::Follow;
use crate::layer::{End, Layer, Plan};
use crate::program::Program;
use crate::session::{Begun, Layers, follow_all};
use crate::withdraw::{protect, silence, withdraw, without_stop_signals};
use crate::{Error, inherited, say, trial};

/// What is to be run, and how: a part of what [`std::process::Command`] says.
#[derive(Debug, Default)]
pub struct Launch {
    program: OsString,
    args: Vec<OsString>,
    env: Option<Vec<(OsString, OsString)>>,
    stdio: [Option<OwnedFd>; 3],
}

impl Launch {
    /// Runs `program`, which is looked for in PATH if it holds no slash.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Launch {
        Launch { program: program.into(), ..Launch::default() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Launch {
        self.args.push(arg.as_ref().into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Launch {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().into()));
        self
    }

    /// Gives this environment instead of the caller's.
    #[must_use]
    pub fn env(mut self, env: impl IntoIterator<Item = (OsString, OsString)>) -> Launch {
        self.env = Some(env.into_iter().collect());
        self
    }

    /// Gives this as standard input instead of the caller's. Of use with [`Session::spawn`].
    #[must_use]
    pub fn stdin(self, fd: impl Into<OwnedFd>) -> Launch {
        self.standard(0, fd.into())
    }

    /// Gives this as standard output instead of the caller's.
    #[must_use]
    pub fn stdout(self, fd: impl Into<OwnedFd>) -> Launch {
        self.standard(1, fd.into())
    }

    /// Gives this as standard error instead of the caller's.
    #[must_use]
    pub fn stderr(self, fd: impl Into<OwnedFd>) -> Launch {
        self.standard(2, fd.into())
    }

    /// Finds the program.
    pub(crate) fn find(&self) -> Result<Program, Error> {
        Program::find(&self.program, &self.args, self.env.as_deref())
    }

    fn standard(mut self, which: usize, fd: OwnedFd) -> Launch {
        self.stdio[which] = Some(fd);
        self
    }
}

/// A program and the layers in the path of its calls.
pub struct Session {
    launch: Launch,
    layers: Layers,
    keep_stderr: bool,
    foreground: bool,
    children: bool,
    keep: Vec<RawFd>,
}

/// What [`Session`] needs once all is found and planned.
struct Ready {
    program: Program,
    filter: Option<Filter>,
    options: Options,
    times: bool,
    listener: bool,
    domain: bool,
    /// What an outer filter must not kill for.
    needs: &'static [trial::Call],
    layers: Layers,
}

impl Session {
    /// Without layers the program runs as it would anyway, and is followed.
    #[must_use]
    pub fn new(launch: Launch) -> Session {
        Session {
            launch,
            layers: Vec::new(),
            keep_stderr: false,
            foreground: false,
            children: true,
            keep: Vec::new(),
        }
    }

    /// Adds a layer. Of several, the first added is asked first.
    #[must_use]
    pub fn with(mut self, layer: impl Layer + 'static) -> Session {
        self.layers.push(Box::new(layer));
        self
    }

    /// Lets the supervisor of [`Session::become_program`] keep standard error after the program has ended, for
    /// what it has to say of the processes that are left. Who reads there waits for it, then.
    #[must_use]
    pub const fn keep_stderr(mut self, keep: bool) -> Session {
        self.keep_stderr = keep;
        self
    }

    /// Lets the supervisor of [`Session::become_program`] keep these descriptors, which layers write to. They must be closed
    /// by exec.
    #[must_use]
    pub fn keep(mut self, descriptors: impl IntoIterator<Item = RawFd>) -> Session {
        self.keep.extend(descriptors);
        self
    }

    /// For a program that is started in place of this one, as by a shell: it gets signals' dispositions and the
    /// descriptors as this process got them, and the signals that ask this process for an end. Of use with
    /// [`Session::spawn`].
    #[must_use]
    pub const fn foreground(mut self) -> Session {
        self.foreground = true;
        self
    }

    /// Whether what the program starts is followed. If not, no layer may want a filter: who inherits that would have nobody
    /// to ask.
    #[must_use]
    pub const fn children(mut self, children: bool) -> Session {
        self.children = children;
        self
    }

    fn ready(launch: &Launch, mut layers: Layers, children: bool) -> Result<Ready, Error> {
        let program = launch.find()?;
        layers.insert(0, Box::new(Follow::new(children)));
        let mut plan = Plan::default();
        for layer in &mut layers {
            layer.plan(&mut plan)?;
        }
        let needs = if plan.wants.is_empty() { trial::TRACE } else { trial::SUPERVISE };
        let filter = if plan.wants.is_empty() { None } else { Some(plan.wants.compile()?) };
        let options = if plan.at_exit { Options::FOLLOW.with_exit() } else { Options::FOLLOW };
        let options = if children { options } else { options.without_children() };
        let Plan { times, listener, domain, .. } = plan;
        Ok(Ready { program, filter, options, times, listener, domain, needs, layers })
    }

    /// Turns this process into the program, keeping its id, parent, group, terminal and all else, and leaves a
    /// child behind that supervises it: one that the program's wait() does not see, in a session of its own.
    /// Returns on failure only.
    ///
    /// For processes with one thread. Standard descriptors of the [`Launch`] are not used.
    ///
    /// # Errors
    /// [`Error`]
    pub fn become_program(self) -> Result<Infallible, Error> {
        let ready = Session::ready(&self.launch, self.layers, self.children)?;
        let Ready { program, filter, options, times, listener, domain, needs, layers } = ready;
        let needs = if seccomp::mode() == seccomp::Mode::Filter { needs } else { &[] };
        let (up, tell) = pipe()?;
        let (mut heard, answer) = pipe()?;
        // SAFETY: getpid takes nothing.
        let own = unsafe { libc::getpid() };
        let supervisor = match fork_unseen()? {
            0 => {
                drop((tell, heard));
                let (keep, keep_stderr) = (self.keep, self.keep_stderr);
                let ways = Ways { options, times, listener, needs, keep, keep_stderr };
                supervise(layers, own, filter.as_ref(), ways, up, answer)
            }
            pid => pid,
        };
        drop((up, answer));
        // What they have to say at their end, their twins in the supervisor will.
        std::mem::forget(layers);
        if !needs.is_empty() && heard.read_exact(&mut [0]).is_err() {
            // It has died of what we are about to do. Others find out of which of it.
            trial::need(needs)?;
            return Err(ended(supervisor));
        }
        // Where Yama lets only a parent trace, the supervisor is our child and needs our leave.
        set_tracer(supervisor);
        let (mut installed, mut entered) = (Ok(()), Ok(()));
        let attached = (&tell).write_all(&[1]).and_then(|()| {
            // While it attaches.
            if domain {
                entered = crate::domain::enter();
            }
            let mut own = None;
            match &filter {
                Some(filter) if listener => match filter.install_with_listener() {
                    Ok(listener) => own = Some(listener),
                    Err(error) => installed = Err(error),
                },
                Some(filter) => installed = filter.install_unprivileged(),
                None => {}
            }
            if listener {
                let fd = own.as_ref().map_or(-1, |own| own.as_fd().as_raw_fd());
                (&tell).write_all(&fd.to_ne_bytes())?;
            }
            let mut errno = [0; 4];
            heard.read_exact(&mut errno)?;
            Ok(i32::from_ne_bytes(errno))
        });
        let failed = match attached {
            Ok(0) => None,
            Ok(errno) => Some(std::io::Error::from_raw_os_error(errno)),
            Err(error) => Some(error),
        };
        installed?;
        entered?;
        if let Some(error) = failed {
            return Err(match error.kind() {
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::BrokenPipe => ended(supervisor),
                _ => Error::ptrace(error, own),
            });
        }
        set_tracer(0);
        inherited::restore();
        Err(program.error(program.execute()))
    }

    /// Starts the program as a child, supervised by one thread of this process. That thread waits for the
    /// program and what it starts, and for nobody else's children; a `waitpid(-1)` elsewhere in this process
    /// would take away what it waits for.
    ///
    /// # Errors
    /// [`Error`]
    pub fn spawn(self) -> Result<Running, Error> {
        let Session { mut launch, layers, foreground, children, .. } = self;
        // Another thread may be changing the environment when this process is forked.
        launch.env.get_or_insert_with(|| std::env::vars_os().collect());
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::Builder::new()
            .name("socketcall".into())
            .spawn(move || supervise_here(launch, layers, Kind { foreground, children }, &tell))
            .map_err(|error| Error::os("clone", error))?;
        let Ok(pid) = told.recv() else {
            // The thread tells before it ends, unless a layer panics.
            std::panic::resume_unwind(thread.join().expect_err("a thread that told nothing has panicked"));
        };
        Ok(Running { pid: pid?, thread })
    }

    /// Starts the program as [`Session::spawn`] does, and waits for it and all that it started.
    ///
    /// # Errors
    /// [`Error`]
    pub fn run(self) -> Result<End, Error> {
        self.spawn()?.wait()
    }
}

/// A program that was started by [`Session::spawn`].
#[derive(Debug)]
pub struct Running {
    pid: Tid,
    thread: JoinHandle<Result<End, Error>>,
}

impl Running {
    /// The program's process.
    #[must_use]
    pub const fn pid(&self) -> Tid {
        self.pid
    }

    /// Waits until the program, and all that it started, have ended; answers how the program did.
    ///
    /// # Errors
    /// [`Error`]
    ///
    /// # Panics
    /// If a layer did.
    pub fn wait(self) -> Result<End, Error> {
        match self.thread.join() {
            Ok(end) => end,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// The dedicated thread of [`Session::spawn`]: ptrace is bound to it. Tells whether the program runs.
fn supervise_here(
    launch: Launch,
    layers: Layers,
    kind: Kind,
    tell: &std::sync::mpsc::Sender<Result<Tid, Error>>,
) -> Result<End, Error> {
    let started = start(launch, layers, kind);
    let (ready, child, mut failure) = match started {
        Ok(started) => started,
        Err(error) => {
            let _ = tell.send(Err(error));
            return Ok(End::Exited(125));
        }
    };
    let Ready { program, mut layers, filter, times, .. } = ready;
    // The pipe's other end is closed by the program's exec, or by the child's end after it told why not.
    thread::scope(|scope| {
        let pid = child.pid();
        scope.spawn(move || {
            let mut errno = [0; 5];
            let failed = failure.read_exact(&mut errno).is_ok();
            let _ = tell.send(if failed { Err(explain(&program, errno)) } else { Ok(pid) });
        });
        let mut waiter = waiter(Scope::Thread, times);
        if kind.foreground {
            crate::signals::forward_to(pid);
            without_stop_signals();
            waiter.interruptible(&crate::signals::INTERRUPTED);
        }
        let begun = Begun { threads: &[pid], filter: filter.as_ref(), kill_on_exit: true };
        let end = follow_all(&mut layers, waiter, begun, |_| {
            crate::signals::forward_no_more();
        });
        end.map(|end| end.unwrap_or(End::Exited(125))).map_err(|error| Error::os("waitpid", error))
    })
}

/// How [`Session::spawn`] was asked to start.
#[derive(Clone, Copy)]
struct Kind {
    foreground: bool,
    children: bool,
}

fn waiter(scope: Scope, times: bool) -> Waiter {
    let mut waiter = Waiter::new(scope);
    if times {
        waiter.with_times();
    }
    waiter
}

/// What the child writes when it can't become the program: the step, and the errno.
const AT_FILTER: u8 = 1;
const AT_EXEC: u8 = 2;

fn explain(program: &Program, [step, errno @ ..]: [u8; 5]) -> Error {
    let errno = i32::from_ne_bytes(errno);
    match step {
        AT_FILTER => seccomp::InstallError::from(std::io::Error::from_raw_os_error(errno)).into(),
        _ => program.error(errno),
    }
}

/// Forks the program's process, seizes it and lets it go on. The file tells of a failure to exec.
fn start(mut launch: Launch, layers: Layers, kind: Kind) -> Result<(Ready, Child, File), Error> {
    let ready = Session::ready(&launch, layers, kind.children)?;
    trial::need(ready.needs)?;
    if ready.listener || ready.domain {
        return Err(Error::InItsPlace);
    }
    let (failure, tell) = pipe()?;
    let tell = File::from(out_of_the_way(tell.as_fd())?);
    let given = std::mem::take(&mut launch.stdio);
    let mut stdio = [None, None, None];
    for (here, fd) in stdio.iter_mut().zip(&given) {
        *here = fd.as_ref().map(|fd| out_of_the_way(fd.as_fd())).transpose()?;
    }
    let child = Child::held(|| {
        for (number, fd) in (0..).zip(&stdio) {
            if let Some(fd) = fd {
                // SAFETY: dup2 takes no pointers; what it closes is this child's copy.
                unsafe { libc::dup2(fd.as_raw_fd(), number) };
            }
        }
        if kind.foreground {
            inherited::restore();
        } else {
            reset_signals();
        }
        let (step, errno) = match ready.filter.as_ref().map_or(Ok(()), Filter::install_unprivileged) {
            Err(_) => (AT_FILTER, crate::program::last_errno()),
            Ok(()) => (AT_EXEC, ready.program.execute()),
        };
        let [a, b, c, d] = errno.to_ne_bytes();
        let _ = (&tell).write_all(&[step, a, b, c, d]);
        125
    })?;
    drop(tell);
    drop(stdio);
    let child = child.trace(ready.options)?;
    Ok((ready, child, failure))
}

/// A copy of `fd` that is no standard descriptor, so that making those leaves it alone; closed by exec.
fn out_of_the_way(fd: BorrowedFd<'_>) -> Result<OwnedFd, Error> {
    // SAFETY: F_DUPFD_CLOEXEC takes no pointers; the descriptor is new, and ours.
    unsafe {
        match libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) {
            -1 => Err(Error::last("fcntl")),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// As [`std::process::Command`] does: nothing is blocked, and SIGPIPE ends the program.
fn reset_signals() {
    // SAFETY: an empty set, which is all zeros, is set as the mask; the default disposition has no handler.
    unsafe {
        let empty: libc::sigset_t = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// Lets `tid` trace us where Yama restricts that (prctl(2), PR_SET_PTRACER); 0 for nobody. Without Yama
/// there is no such call, and no need.
pub(crate) fn set_tracer(tid: Tid) {
    // SAFETY: PR_SET_PTRACER takes no pointers.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, tid, 0, 0, 0) };
}

/// Why a supervisor that tells nothing more has ended.
pub(crate) fn ended(supervisor: Tid) -> Error {
    let mut status = 0;
    // SAFETY: waitpid writes one int to `status`.
    let waited = unsafe { libc::waitpid(supervisor, &raw mut status, libc::__WALL) };
    let killed = waited == supervisor && libc::WIFSIGNALED(status);
    Error::Supervisor(killed.then(|| libc::WTERMSIG(status)))
}

/// How the supervisor's process does its work.
struct Ways {
    options: Options,
    times: bool,
    /// Whether the program hands over its filter's listener.
    listener: bool,
    /// What it tries before anybody does it, since an outer filter may kill for that.
    needs: &'static [trial::Call],
    keep: Vec<RawFd>,
    keep_stderr: bool,
}

/// Takes over the listener whose descriptor `program` tells.
fn take_listener(program: Tid, up: &mut File) -> std::io::Result<Listener> {
    let mut fd = [0; 4];
    up.read_exact(&mut fd)?;
    let fd = i32::from_ne_bytes(fd);
    // SAFETY: no pointers; each descriptor is made by the call that answers it.
    let [pidfd, listener] = unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, program, 0) as i32;
        [pidfd, libc::syscall(libc::SYS_pidfd_getfd, pidfd, fd, 0) as i32]
    };
    let error = std::io::Error::last_os_error();
    if pidfd != -1 {
        // SAFETY: it was just made, and nobody else knows it.
        drop(unsafe { OwnedFd::from_raw_fd(pidfd) });
    }
    match listener {
        -1 => Err(error),
        // SAFETY: as above.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd) }.into()),
    }
}

/// The supervisor's process, from fork to end.
fn supervise(
    mut layers: Layers,
    program: Tid,
    filter: Option<&Filter>,
    ways: Ways,
    mut up: File,
    answer: File,
) -> ! {
    protect();
    let Ways { options, times, listener, needs, mut keep, keep_stderr } = ways;
    if !needs.is_empty() {
        needs.iter().for_each(trial::Call::make);
        // Whoever doesn't hear it has ended.
        let _ = (&answer).write_all(&[0]);
    }
    let allowed = matches!(up.read(&mut [0]), Ok(1));
    let mut seized = if allowed { tracee::seize(program, options) } else { Err(tracee::Error::Gone) };
    if listener && seized.is_ok() {
        match take_listener(program, &mut up) {
            Ok(listener) => {
                let listener = Arc::new(listener);
                keep.push(listener.as_fd().as_raw_fd());
                layers.iter_mut().for_each(|layer| layer.on_listener(&listener));
            }
            Err(error) => seized = Err(tracee::Error::Os { what: "pidfd_getfd", error }),
        }
    }
    let errno = match &seized {
        Ok(()) => 0,
        Err(tracee::Error::Os { error, .. }) => error.raw_os_error().unwrap_or(libc::EPERM),
        Err(_) => libc::ESRCH,
    };
    let told = (&answer).write_all(&errno.to_ne_bytes());
    drop((up, answer));
    // From here on the program is being executed, and waits for us at the end of that.
    withdraw(&keep);
    without_stop_signals();
    if seized.is_ok() && told.is_ok() {
        let waiter = waiter(Scope::Process, times);
        let begun = Begun { threads: &[program], filter, kill_on_exit: true };
        let followed = follow_all(&mut layers, waiter, begun, |_| {
            if !keep_stderr {
                silence(2);
            }
        });
        if let Err(error) = followed {
            say(format_args!("waitpid: {error}"));
        }
    }
    // Layers may have something to say at their end.
    drop(layers);
    std::process::exit(0)
}
