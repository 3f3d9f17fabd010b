//! Starting the program with its supervisor in place.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use seccomp::Filter;
use tracee::Options;

use crate::child::{fork_unseen, pipe};
use crate::follow::Follow;
use crate::layer::{End, Layer, Plan};
use crate::program::Program;
use crate::session::Layers;
use crate::spawned::{Kind, Running, spawn};
use crate::supervisor::{Ways, ended, set_tracer, supervise};
use crate::{Error, inherited, trial};

/// What is to be run, and how: a part of what [`std::process::Command`] says.
#[derive(Debug, Default)]
pub struct Launch {
    program: OsString,
    args: Vec<OsString>,
    env: Option<Vec<(OsString, OsString)>>,
    pub(crate) stdio: [Option<OwnedFd>; 3],
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
pub(crate) struct Ready {
    pub(crate) program: Program,
    pub(crate) filter: Option<Filter>,
    pub(crate) options: Options,
    pub(crate) times: bool,
    pub(crate) listener: bool,
    pub(crate) domain: bool,
    /// What an outer filter must not kill for.
    pub(crate) needs: &'static [trial::Call],
    pub(crate) layers: Layers,
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

    pub(crate) fn ready(launch: &Launch, mut layers: Layers, children: bool) -> Result<Ready, Error> {
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
        spawn(launch, layers, Kind { foreground, children })
    }

    /// Starts the program as [`Session::spawn`] does, and waits for it and all that it started.
    ///
    /// # Errors
    /// [`Error`]
    pub fn run(self) -> Result<End, Error> {
        self.spawn()?.wait()
    }
}
