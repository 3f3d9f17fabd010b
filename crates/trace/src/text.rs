//! Lines as strace(1) writes them.

use std::fmt::Write;

use decode::text::{self, Style};
use decode::{Abi, Entry, Event, Request, Stamp, What};
use supervise::ByTid;

use crate::clock::{Clock, fraction};
use crate::outputs::Outputs;
use crate::signals::Name;
use crate::{Options, Output, Quiet, SignalSet, Statuses};

/// Writes lines, and knows which of them are unfinished.
#[derive(Debug)]
pub(crate) struct Text {
    style: Style,
    statuses: Statuses,
    signals: SignalSet,
    quiet: Quiet,
    column: usize,
    duration: Option<u8>,
    numbers: bool,
    entry: bool,
    prefix: Prefix,
    clock: Clock,
    pub(crate) outputs: Outputs,
    threads: ByTid<Thread>,
    /// The thread whose line is the last one in the shared output, and has not ended.
    printing: Option<i32>,
}

/// What stands in front of a line to tell whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    /// Nothing: each has its own file, or there is only one.
    None,
    /// The id alone: in a file.
    Id,
    /// `[pid 12]`, as long as there are several.
    IfSeveral,
}

/// What is known of a thread.
#[derive(Debug, Default)]
struct Thread {
    /// How much of its last line is written; 0 if that has ended.
    column: usize,
    /// The call that it is in, and how many of its arguments are written.
    call: Option<UnderWay>,
    /// The number of its last call.
    number: u32,
    /// The kind of its program.
    abi: Option<Abi>,
    /// It took another thread's place: strace begins the next line of a call that returns there anew, which is meant for
    /// that of execve.
    taken_up_again: bool,
    /// Its line, as long as it depends on the result whether it is shown.
    staged: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    name: &'static str,
    written: usize,
    all: usize,
}

const UNFINISHED: &str = " <unfinished ...>";

impl Text {
    pub(crate) fn new(options: &Options, outputs: Outputs) -> Text {
        let prefix = match options.output {
            Output::StandardError => Prefix::IfSeveral,
            _ if outputs.are_separate() => Prefix::None,
            _ if options.follow || options.attached > 1 => Prefix::Id,
            _ => Prefix::None,
        };
        Text {
            style: options.style,
            statuses: options.statuses,
            signals: options.signals,
            quiet: options.quiet,
            column: options.column,
            duration: options.duration,
            numbers: options.numbers,
            entry: options.entry,
            prefix,
            clock: Clock::new(options),
            outputs,
            threads: ByTid::default(),
            printing: None,
        }
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        let (tid, at) = (event.tid, event.at);
        match event.what {
            What::Attached { by_us } => {
                let first = self.threads.is_empty();
                let new = self.threads.insert(tid, Thread::default()).is_none();
                if new && !by_us && !first && !self.quiet.attach {
                    self.outputs.say(&format!("Process {tid} attached"));
                }
            }
            What::Enter(request) => self.enter(tid, at, request),
            What::Exit { request, took, .. } => self.exit(tid, at, request, Some(took), ""),
            What::Refused { request, rule } => {
                if self.threads.get(&tid).is_none_or(|thread| thread.call.is_none()) {
                    self.enter(tid, at, request);
                }
                self.exit(tid, at, request, None, rule);
            }
            What::Ending => self.ending(tid, at),
            // A child of ours that could not become the program.
            What::Exited(_) | What::Killed { .. } if !self.threads.contains_key(&tid) => {}
            What::Exited(status) => {
                if !self.quiet.exit {
                    self.line(tid, at, format_args!("+++ exited with {status} +++"));
                }
                self.gone(tid);
            }
            What::Killed { signal, core } => {
                if self.signals.has(signal) {
                    let core = if core { "(core dumped) " } else { "" };
                    self.line(tid, at, format_args!("+++ killed by {} {core}+++", Name(signal)));
                }
                self.gone(tid);
            }
            What::Detached => {
                if !self.quiet.attach {
                    self.outputs.say(&format!("Process {tid} detached"));
                }
                self.gone(tid);
            }
            What::Mode(abi) => {
                self.threads.entry(tid).or_default().abi = Some(abi);
                if self.quiet.personality {
                    return;
                }
                let mode = match abi {
                    Abi::I386 => "32 bit",
                    Abi::X86_64 => "64 bit",
                    Abi::X32 => "x32",
                };
                self.line(tid, at, format_args!("[ Process PID={tid} runs in {mode} mode. ]"));
            }
            What::Signal(info) => {
                let signal = i32::from_le_bytes([info[0], info[1], info[2], info[3]]);
                if self.signals.has(signal) {
                    let abi = self.threads.get(&tid).and_then(|thread| thread.abi).unwrap_or(Abi::X86_64);
                    let mut said = String::new();
                    text::value(&mut said, &decode::signal::info(info, abi), &self.style);
                    self.line(tid, at, format_args!("--- {} {said} ---", Name(signal)));
                }
            }
            What::Stopped(signal) => {
                if self.signals.has(signal) {
                    self.line(tid, at, format_args!("--- stopped by {} ---", Name(signal)));
                }
            }
            What::Superseded { by } => {
                self.threads.remove(&by);
                if !self.quiet.thread_execve {
                    self.line(tid, at, format_args!("+++ superseded by execve in pid {by} +++"));
                }
                if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.call = None;
                    thread.taken_up_again = true;
                }
            }
        }
    }

    /// Appends to a thread's line.
    fn append(&mut self, tid: i32, write: impl FnOnce(&mut String, &mut Thread, &mut Clock)) {
        let thread = self.threads.entry(tid).or_default();
        let mut staged = thread.staged.take();
        let out = match &mut staged {
            Some(staged) => staged,
            None => self.outputs.text(tid),
        };
        let before = out.len();
        write(out, thread, &mut self.clock);
        thread.column += out.len() - before;
        thread.staged = staged;
    }

    /// A thread's line has ended.
    fn ended(&mut self, tid: i32) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.column = 0;
        }
        if let Some(printing) = self.printing.take()
            && let Some(thread) = self.threads.get_mut(&printing)
        {
            thread.column = 0;
        }
        self.outputs.line_ended(tid);
    }

    /// Ends the last line of the shared output, if that has not ended.
    fn interrupt(&mut self, tid: i32) {
        let separate = self.outputs.are_separate();
        if separate {
            self.printing = Some(tid);
        }
        let Some(printing) = self.printing else { return };
        let Some(thread) = self.threads.get(&printing) else { return };
        if thread.column != 0 && (printing == tid || !separate && thread.staged.is_none()) {
            self.append(printing, |out, _, _| {
                out.push_str(UNFINISHED);
                out.push('\n');
            });
            self.ended(printing);
        }
    }

    /// Begins a line.
    fn leader(&mut self, tid: i32, at: Stamp) {
        self.interrupt(tid);
        self.printing = Some(tid);
        let threads = self.threads.len() + usize::from(!self.threads.contains_key(&tid));
        let (prefix, numbers) = (self.prefix, self.numbers);
        self.append(tid, |out, thread, clock| {
            thread.column = 0;
            match prefix {
                Prefix::Id => {
                    const WIDTH: usize = 5;
                    let before = out.len();
                    text::decimal(out, tid);
                    tab_to(out, WIDTH, out.len() - before);
                    out.push(' ');
                }
                Prefix::IfSeveral if threads > 1 => {
                    let _ = write!(out, "[pid {tid:>5}] ");
                }
                Prefix::None | Prefix::IfSeveral => {}
            }
            clock.write(out, at);
            if numbers {
                let _ = write!(out, "[{:4}] ", thread.number);
            }
        });
    }

    /// A whole line.
    fn line(&mut self, tid: i32, at: Stamp, line: std::fmt::Arguments<'_>) {
        self.leader(tid, at);
        self.append(tid, |out, _, _| {
            let _ = out.write_fmt(line);
            out.push('\n');
        });
        self.ended(tid);
    }

    fn enter(&mut self, tid: i32, at: Stamp, request: &Request) {
        let thread = self.threads.entry(tid).or_default();
        thread.abi = Some(request.asked.seen.abi);
        thread.number = request.asked.seen.number & !Abi::X32_BIT;
        if self.statuses != Statuses::ALL {
            thread.staged = Some(String::new());
        }
        self.leader(tid, at);
        let (style, entry) = (self.style, self.entry);
        self.append(tid, |out, thread, _| {
            if entry {
                way_in(out, request);
            }
            let name = request.asked.form.name;
            out.push_str(name);
            out.push('(');
            let written = text::arguments(out, request, 0, &style);
            let all = request.arguments.len();
            if written < all && written > 0 {
                // The comma is written by who writes what stands behind it.
                out.truncate(out.len() - 2);
            }
            thread.call = Some(UnderWay { name, written, all });
        });
    }

    /// Takes up a call's line again. Answers what is known of the call.
    fn resume(&mut self, tid: i32, at: Stamp) -> Option<UnderWay> {
        let thread = self.threads.get_mut(&tid)?;
        let call = thread.call.take()?;
        let again = std::mem::take(&mut thread.taken_up_again);
        if again || !self.outputs.are_separate() && self.printing != Some(tid) && thread.staged.is_none() {
            self.leader(tid, at);
            self.append(tid, |out, _, _| {
                let _ = write!(out, "<... {} resumed>", call.name);
            });
        }
        self.printing = Some(tid);
        Some(call)
    }

    fn exit(&mut self, tid: i32, at: Stamp, request: &Request, took: Option<u64>, rule: &str) {
        // One that was under way when we attached was never entered here.
        let Some(call) = self.resume(tid, at) else { return };
        let (style, column, duration) = (self.style, self.column, self.duration);
        self.append(tid, |out, thread, _| {
            let before = out.len();
            if call.written > 0 && call.written < request.arguments.len() {
                out.push_str(", ");
            }
            text::arguments(out, request, call.written, &style);
            out.push_str(") ");
            tab_to(out, column, thread.column + out.len() - before);
            out.push_str("= ");
            text::outcome(out, request.outcome.as_ref(), &style);
            if let (Some(took), Some(digits)) = (took, duration) {
                let _ = write!(out, " <{}", took / 1_000_000_000);
                fraction(out, took % 1_000_000_000, digits);
                out.push('>');
            }
            if !rule.is_empty() {
                let _ = write!(out, " (refused by {rule})");
            }
            out.push('\n');
        });
        let failed = request.outcome.as_ref().is_some_and(|outcome| outcome.error().is_some());
        self.publish(tid, if failed { self.statuses.failed } else { self.statuses.successful });
        self.ended(tid);
    }

    /// A thread is about to end: the call that it is in does not return.
    fn ending(&mut self, tid: i32, at: Stamp) {
        if self.printing != Some(tid) {
            match self.threads.get(&tid) {
                Some(Thread { call: Some(_), .. }) if !self.outputs.are_separate() => self.interrupt(tid),
                _ => {}
            }
        }
        let Some(call) = self.resume(tid, at) else { return };
        let column = self.column;
        self.append(tid, |out, thread, _| {
            let before = out.len();
            if call.written < call.all {
                out.push_str(UNFINISHED);
            }
            out.push_str(") ");
            tab_to(out, column, thread.column + out.len() - before);
            out.push_str("= ?\n");
        });
        self.publish(tid, self.statuses.unfinished);
        self.ended(tid);
    }

    /// Decides on a line that was held back.
    fn publish(&mut self, tid: i32, shown: bool) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        if let Some(staged) = thread.staged.take()
            && shown
        {
            self.outputs.text(tid).push_str(&staged);
        }
    }

    /// A thread is traced no more.
    fn gone(&mut self, tid: i32) {
        let shown = match self.threads.get(&tid) {
            Some(Thread { staged: Some(_), .. }) => self.statuses.detached,
            Some(_) => true,
            None => return,
        };
        self.publish(tid, shown);
        let mine = self.outputs.are_separate() || self.printing == Some(tid);
        if mine && shown && self.threads.get(&tid).is_some_and(|thread| thread.column != 0) {
            self.append(tid, |out, _, _| out.push_str(" <detached ...>\n"));
            self.ended(tid);
        }
        if self.printing == Some(tid) {
            self.printing = None;
        }
        self.threads.remove(&tid);
        self.outputs.close(tid);
    }
}

/// Spaces up to a column of a line that has reached another.
fn tab_to(out: &mut String, column: usize, reached: usize) {
    out.extend(std::iter::repeat_n(' ', column.saturating_sub(reached)));
}

/// `--entry`: the way in, and for a call that was taken apart what it was and became.
fn way_in(out: &mut String, request: &Request) {
    let seen = &request.asked.seen;
    let name = seen.entry.name();
    let _ = match seen.taken_apart {
        Some(call) => {
            write!(out, "[{name} {}/{} -> {}] ", abi::SOCKETCALL_I386, call.number(), seen.number)
        }
        None => write!(out, "[{name}] "),
    };
    debug_assert!(seen.taken_apart.is_none() || matches!(seen.entry, Entry::Int80 | Entry::Vdso));
}
