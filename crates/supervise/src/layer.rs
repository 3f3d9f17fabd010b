//! What a part of the project adds to the following of processes.

use std::sync::Arc;

use seccomp::{Listener, Wants};
use tracee::{Signal, SignalInfo, Stopped, Tid, Waiter};

use crate::Error;

/// What all layers want, gathered before the program is started.
#[derive(Debug, Default)]
pub struct Plan {
    /// Merged into the one filter that the program gets.
    pub wants: Wants,
    /// Whether every thread is to be stopped at its end, while its memory is still there.
    pub at_exit: bool,
    /// Whether the processor time of tracees is asked for at each stop.
    pub times: bool,
    /// Whether the filter is to have a listener ([`Layer::on_listener`]).
    pub listener: bool,
    /// Whether the program enters a Landlock domain, from where it can't reach processes outside by ptrace(2) and what goes
    /// by its rules.
    pub domain: bool,
}

/// How a layer wants a thread to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Then {
    /// Until something is to be reported.
    Go,
    /// And to stop at the next entry to or exit from a call.
    StopAtCall,
}

/// Whether a stop was a layer's own doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// The layer neither caused it nor did anything about it.
    No,
    /// It is dealt with. A signal is not delivered.
    Yes(Then),
    /// It was a multiplexed call that is carried out in place: all layers are told of it. If it is `made`, the thread stops
    /// at calls; if not, it was answered.
    InPlace {
        /// Whether it is made at all.
        made: bool,
    },
}

/// What a layer says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is made.
    Made(Then),
    /// It is not made, for this reason.
    Refused(String),
    /// It is not made, and the process is to be killed, for this reason.
    Killed(String),
}

/// How a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

/// A part of the project in the path of the program's calls.
///
/// A method that fails because the thread was killed meanwhile ([`tracee::Error::Gone`]) is done; the end is
/// reported as for any thread. After any other failure the program is killed: a call that was not dealt with
/// must not go through.
pub trait Layer: Send {
    /// Adds what the layer wants, before anything is started. May find that it can't work here.
    ///
    /// # Errors
    /// What is missing, and the remedy.
    fn plan(&mut self, plan: &mut Plan) -> Result<(), Error>;

    /// How every thread goes on at least, whatever it stopped for and whichever layer dealt with that. It does not change once
    /// all is planned.
    fn least(&self) -> Then {
        Then::Go
    }

    /// Whether the multiplexed calls that stop get other registers: then those are asked for at once.
    fn sets_registers(&self) -> bool {
        true
    }

    /// The program is being started, and has not run yet. Other than [`Layer::plan`], this takes none of its
    /// time.
    fn on_start(&mut self) {}

    /// We became the tracer of all `threads` of a process that ran before.
    fn on_seized(&mut self, process: Tid, threads: &[Tid]) {
        let _ = (process, threads);
    }

    /// The filter's listener ([`Plan::listener`]).
    fn on_listener(&mut self, listener: &Arc<Listener>) {
        let _ = listener;
    }

    /// A new program is in place in `stopped`, and has not run. `former` made the call; every other thread of
    /// its process is gone.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_exec(&mut self, stopped: &mut Stopped, former: Tid) -> tracee::Result<Then> {
        let _ = (stopped, former);
        Ok(Then::Go)
    }

    /// `parent` has made `child`, a thread or a process, which as a rule has not run yet. (If the parent is killed
    /// in that moment, nobody tells, and [`Layer::on_attached`] is the first that is heard of the child. The same
    /// goes for one whose parent is late; then this comes after it, and what is known of the child is to be kept.)
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let _ = (parent, child);
        Ok(Then::Go)
    }

    /// A new tracee's first stop, or a stopped group goes on.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_attached(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        let _ = stopped;
        Ok(Then::Go)
    }

    /// A multiplexed call was trapped, and is about to be dealt with. All layers are told, before one is asked.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_multiplexed(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        let _ = stopped;
        Ok(())
    }

    /// A multiplexed call was dealt with by a layer that says that the thread is to stop at calls: it is carried out in
    /// place, as a direct call whose words are in the registers now, or will be at the next stop at a call. Or, if `made`
    /// is false, it was answered and not made.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_in_place(&mut self, stopped: &mut Stopped, made: bool) -> tracee::Result<()> {
        let _ = (stopped, made);
        Ok(())
    }

    /// A filter answered RET_TRACE with `data`. If no layer handles it, the call answers ENOSYS, as it does
    /// without a tracer: then it was another filter's.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_trace(&mut self, stopped: &mut Stopped, data: u16) -> tracee::Result<Handled> {
        let _ = (stopped, data);
        Ok(Handled::No)
    }

    /// A filter answered RET_TRACE for a direct call, or one was put in the place of a multiplexed call. All layers have
    /// seen it; now it may be refused or changed. Answers the refusal's reason, if it is refused: the layer has set the
    /// registers so that the call is not made.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_judge(&mut self, stopped: &mut Stopped) -> tracee::Result<Judged> {
        let _ = stopped;
        Ok(Judged::Made(Then::Go))
    }

    /// Whether the call that the thread is about to make is a part of one that it is in, for others.
    ///
    /// # Errors
    /// See [`Layer`].
    fn continues(&mut self, stopped: &mut Stopped) -> tracee::Result<bool> {
        let _ = stopped;
        Ok(false)
    }

    /// A call was refused by a layer: its registers hold what it answers.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_refused(&mut self, stopped: &Stopped, reason: &str) -> tracee::Result<()> {
        let _ = (stopped, reason);
        Ok(())
    }

    /// The thread is at a call's entry or exit. Answers true, if a layer has the call made once more or in parts, so that
    /// for others nothing has happened yet.
    ///
    /// # Errors
    /// See [`Layer`].
    fn before_call(&mut self, stopped: &mut Stopped) -> tracee::Result<bool> {
        let _ = stopped;
        Ok(false)
    }

    /// The thread is at a call's entry or exit, because a layer said [`Then::StopAtCall`].
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_call(&mut self, waiter: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<Then> {
        let _ = (waiter, stopped);
        Ok(Then::Go)
    }

    /// A signal is about to be delivered.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_signal(
        &mut self,
        waiter: &mut Waiter,
        stopped: &mut Stopped,
        info: &SignalInfo,
    ) -> tracee::Result<Handled> {
        let _ = (waiter, stopped, info);
        Ok(Handled::No)
    }

    /// A signal is delivered when the thread goes on, since no layer dealt with it.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_delivery(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        let _ = stopped;
        Ok(Then::Go)
    }

    /// The thread's group is stopped by `signal`, until SIGCONT.
    fn on_group_stop(&mut self, stopped: &Stopped, signal: Signal) {
        let _ = (stopped, signal);
    }

    /// A thread is about to end ([`Plan::at_exit`]); its memory is still there.
    ///
    /// # Errors
    /// See [`Layer`].
    fn on_exit(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        let _ = stopped;
        Ok(())
    }

    /// The thread that is about to be told gone, by a signal, left a core dump.
    fn on_core_dump(&mut self, tid: Tid) {
        let _ = tid;
    }

    /// We let the thread go: it runs on untraced.
    fn on_detached(&mut self, tid: Tid) {
        let _ = tid;
    }

    /// A thread is gone.
    fn on_end(&mut self, tid: Tid, end: End) {
        let _ = (tid, end);
    }
}
