//! One JSON object for each event, on a line of its own: docs/trace-json.md.

mod value;

use std::fmt::Write;

use decode::{Abi, Event, Note, Request, Stamp, What};
use supervise::ByTid;

use crate::counts::{Counts, WAYS};
use crate::outputs::Outputs;
use crate::signals::Name;
use crate::sockets::Sockets;
use crate::{Options, Quiet, SignalSet, Statuses};
pub(crate) use value::string;

/// Writes objects.
#[derive(Debug)]
pub(crate) struct Json {
    statuses: Statuses,
    signals: SignalSet,
    quiet: Quiet,
    pub(crate) outputs: Outputs,
    threads: ByTid<Thread>,
}

#[derive(Debug, Default)]
struct Thread {
    abi: Option<Abi>,
    /// The call that it is in, since when.
    call: Option<(Request, Stamp)>,
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status<'a> {
    Returned,
    Unfinished,
    Detached,
    Refused(&'a str),
}

impl Json {
    pub(crate) fn new(options: &Options, outputs: Outputs) -> Json {
        Json {
            statuses: options.statuses,
            signals: options.signals,
            quiet: options.quiet,
            outputs,
            threads: ByTid::default(),
        }
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        let (tid, at) = (event.tid, event.at);
        match event.what {
            What::Attached { by_us } => {
                self.threads.entry(tid).or_default();
                if !self.quiet.attach {
                    self.object(tid, at, "attached", |out| {
                        let _ = write!(out, ",\"by_us\":{by_us}");
                    });
                }
            }
            What::Detached => {
                self.unfinished(tid, at, Status::Detached);
                if !self.quiet.attach {
                    self.object(tid, at, "detached", |_| ());
                }
                self.gone(tid);
            }
            What::Enter(request) => {
                let thread = self.threads.entry(tid).or_default();
                thread.abi = Some(request.asked.seen.abi);
                thread.call = Some((request.clone(), at));
            }
            What::Exit { request, took, .. } => {
                let since = self.threads.get_mut(&tid).and_then(|thread| thread.call.take());
                let since = since.map_or(at, |(_, since)| since);
                self.call(tid, since, took, request, Status::Returned);
            }
            What::Refused { request, rule } => self.call(tid, at, 0, request, Status::Refused(rule)),
            What::Mode(abi) => {
                self.threads.entry(tid).or_default().abi = Some(abi);
                if !self.quiet.personality {
                    self.object(tid, at, "mode", |out| {
                        let _ = write!(out, ",\"abi\":\"{}\"", abi_name(abi));
                    });
                }
            }
            What::Signal(info) => {
                let signal = i32::from_le_bytes([info[0], info[1], info[2], info[3]]);
                if self.signals.has(signal) {
                    let abi = self.threads.get(&tid).and_then(|thread| thread.abi).unwrap_or(Abi::X86_64);
                    self.object(tid, at, "signal", |out| {
                        let _ = write!(out, ",\"signal\":\"{}\",\"number\":{signal},\"info\":", Name(signal));
                        value::value(out, &decode::signal::info(info, abi));
                    });
                }
            }
            What::Stopped(signal) => {
                if self.signals.has(signal) {
                    self.object(tid, at, "stopped", |out| {
                        let _ = write!(out, ",\"signal\":\"{}\",\"number\":{signal}", Name(signal));
                    });
                }
            }
            What::Ending => self.unfinished(tid, at, Status::Unfinished),
            // A child of ours that could not become the program.
            What::Exited(_) | What::Killed { .. } if !self.threads.contains_key(&tid) => {}
            What::Exited(status) => {
                self.unfinished(tid, at, Status::Unfinished);
                if !self.quiet.exit {
                    self.object(tid, at, "exited", |out| {
                        let _ = write!(out, ",\"exit_status\":{status}");
                    });
                }
                self.gone(tid);
            }
            What::Killed { signal, core } => {
                self.unfinished(tid, at, Status::Unfinished);
                if self.signals.has(signal) {
                    self.object(tid, at, "killed", |out| {
                        let name = Name(signal);
                        let _ = write!(out, ",\"signal\":\"{name}\",\"number\":{signal},\"core\":{core}");
                    });
                }
                self.gone(tid);
            }
            What::Superseded { by } => {
                self.unfinished(tid, at, Status::Unfinished);
                self.threads.remove(&by);
                if !self.quiet.thread_execve {
                    self.object(tid, at, "superseded", |out| {
                        let _ = write!(out, ",\"by\":{by}");
                    });
                }
            }
        }
    }

    fn gone(&mut self, tid: i32) {
        self.threads.remove(&tid);
        self.outputs.close(tid);
    }

    /// Writes an object: what is common to all, then what `rest` writes.
    fn object(&mut self, tid: i32, at: Stamp, event: &str, rest: impl FnOnce(&mut String)) {
        let out = self.outputs.text(tid);
        let _ = write!(out, "{{\"event\":\"{event}\",\"pid\":{tid},\"time\":");
        microseconds(out, at.wall);
        out.push_str(",\"monotonic\":");
        seconds(out, at.monotonic);
        rest(out);
        out.push_str("}\n");
        self.outputs.line_ended(tid);
    }

    /// The call that a thread is in does not return, or not to us.
    fn unfinished(&mut self, tid: i32, at: Stamp, status: Status<'_>) {
        let call = self.threads.get_mut(&tid).and_then(|thread| thread.call.take());
        if let Some((request, since)) = call {
            self.call(tid, since, at.monotonic.saturating_sub(since.monotonic), &request, status);
        }
    }

    fn call(&mut self, tid: i32, since: Stamp, took: u64, request: &Request, status: Status<'_>) {
        let outcome = request.outcome.as_ref().filter(|_| status == Status::Returned);
        let error = outcome.and_then(|outcome| outcome.error());
        let (shown, word) = match (status, error) {
            (Status::Returned, None) => (self.statuses.successful, "successful"),
            (Status::Returned, Some(_)) => (self.statuses.failed, "failed"),
            (Status::Unfinished, _) => (self.statuses.unfinished, "unfinished"),
            (Status::Detached, _) => (self.statuses.detached, "detached"),
            (Status::Refused(_), _) => (self.statuses.failed, "refused"),
        };
        if !shown {
            return;
        }
        self.object(tid, since, "call", |out| {
            let seen = &request.asked.seen;
            let _ = write!(
                out,
                ",\"name\":\"{}\",\"abi\":\"{}\",\"entry\":\"{}\",\"number\":{},\"multiplexed\":",
                request.asked.form.name,
                abi_name(seen.abi),
                seen.entry.name(),
                seen.number
            );
            let multiplexed = match (seen.taken_apart, request.asked.form.call) {
                (Some(call), _) => Some(call.number()),
                (None, Some(call)) if seen.abi == Abi::I386 && seen.number == abi::SOCKETCALL_I386 => {
                    Some(call.number())
                }
                _ => None,
            };
            let _ = match multiplexed {
                Some(number) => write!(out, "{number}"),
                None => write!(out, "null"),
            };
            out.push_str(",\"args\":[");
            for (at, argument) in request.arguments.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                let _ = write!(out, "{comma}{{\"name\":\"{}\",\"raw\":{}", argument.name, argument.raw);
                if let Some(decoded) = &argument.value {
                    out.push_str(",\"decoded\":");
                    value::value(out, decoded);
                }
                out.push('}');
            }
            let _ = write!(out, "],\"status\":\"{word}\",\"result\":");
            match outcome {
                Some(outcome) if error.is_none() => {
                    let _ = write!(out, "{}", outcome.raw);
                    if let Some(fd) = &outcome.fd {
                        out.push_str(",\"fd\":");
                        value::value(out, fd);
                    }
                }
                _ => out.push_str("null"),
            }
            let _ = match error {
                Some(error) => write!(out, ",\"errno\":{error},\"error\":"),
                None => write!(out, ",\"errno\":null,\"error\":"),
            };
            match error.and_then(error_name) {
                Some(name) => string(out, name),
                None => out.push_str("null"),
            }
            match outcome.and_then(|outcome| outcome.note.as_ref()) {
                Some(Note::Timeout) => out.push_str(",\"timeout\":true"),
                Some(Note::Left(left)) => {
                    out.push_str(",\"left\":");
                    value::value(out, left);
                }
                None => {}
            }
            if let Status::Refused(rule) = status {
                out.push_str(",\"rule\":");
                string(out, rule);
            }
            out.push_str(",\"duration\":");
            seconds(out, took);
        });
    }

    /// `-c`: an object for each row.
    pub(crate) fn counts(&mut self, counts: &Counts) {
        let out = self.outputs.shared();
        for (abi, _, rows) in counts.tables() {
            for (name, count) in rows {
                let _ = write!(
                    out,
                    "{{\"event\":\"count\",\"name\":\"{name}\",\"abi\":\"{}\",\"calls\":{},\"errors\":{},\"seconds\":",
                    abi_name(abi),
                    count.calls,
                    count.errors
                );
                seconds(out, count.time);
                let traffic = count.traffic;
                let _ = write!(
                    out,
                    ",\"bytes_in\":{},\"bytes_out\":{},\"ways\":{{",
                    traffic.received, traffic.sent
                );
                let ways = WAYS.iter().zip(count.ways).filter(|(_, calls)| *calls > 0);
                for (at, (way, calls)) in ways.enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    let _ = write!(out, "{comma}\"{}\":{calls}", way.name());
                }
                out.push_str("}}\n");
            }
        }
    }

    /// `--sockets`: an object for each.
    pub(crate) fn sockets(&mut self, sockets: &Sockets) {
        let out = self.outputs.shared();
        for socket in sockets.rows() {
            let _ = write!(out, "{{\"event\":\"socket\",\"pid\":{},\"fd\":{}", socket.pid, socket.fd);
            for (name, text) in [("type", &socket.protocol), ("local", &socket.local), ("peer", &socket.peer)]
            {
                let _ = write!(out, ",\"{name}\":");
                if text.is_empty() { out.push_str("null") } else { string(out, text) }
            }
            let traffic = socket.traffic;
            let _ = write!(out, ",\"bytes_in\":{},\"bytes_out\":{}", traffic.received, traffic.sent);
            let _ = write!(out, ",\"calls\":{},\"errors\":{},\"first\":", socket.calls, socket.errors);
            microseconds(out, socket.first.wall);
            out.push_str(",\"last\":");
            microseconds(out, socket.last.wall);
            out.push_str("}\n");
        }
    }
}

const fn abi_name(abi: Abi) -> &'static str {
    match abi {
        Abi::I386 => "i386",
        Abi::X86_64 => "x86-64",
        Abi::X32 => "x32",
    }
}

/// Errors that programs never see: the call is made again, or not (include/linux/errno.h).
const RESTARTS: [(i32, &str); 5] = [
    (512, "ERESTARTSYS"),
    (513, "ERESTARTNOINTR"),
    (514, "ERESTARTNOHAND"),
    (515, "ENOIOCTLCMD"),
    (516, "ERESTART_RESTARTBLOCK"),
];

fn error_name(error: i32) -> Option<&'static str> {
    let restart = RESTARTS.iter().find(|(number, _)| *number == error).map(|(_, name)| *name);
    restart.or_else(|| abi::Errno::from_raw(error)?.name())
}

/// Nanoseconds as seconds, in microseconds: a time since 1970 has no more digits in a binary64.
fn microseconds(out: &mut String, nanoseconds: u64) {
    let _ = write!(out, "{}.{:06}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000 / 1000);
}

/// Nanoseconds as seconds, exactly.
fn seconds(out: &mut String, nanoseconds: u64) {
    let _ = write!(out, "{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
}
