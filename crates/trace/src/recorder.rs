//! Who is told what happens, and writes it.

use std::os::fd::RawFd;

use decode::{Abi, Descriptors, Event, Limits, What};
use supervise::Clocks;

use crate::counts::Counts;
use crate::fds::Descriptions;
use crate::json::Json;
use crate::outputs::Outputs;
use crate::sockets::Sockets;
use crate::text::Text;
use crate::{Error, Lost, Options, Summary, Time};

/// Records what happens. What it writes it keeps back until [`Recorder::flush`], or until it is much.
#[derive(Debug)]
pub struct Recorder {
    options: Options,
    descriptions: Descriptions,
    format: Format,
    counts: Option<Counts>,
    sockets: Option<Sockets>,
    /// Whether what is attached to from now on was made by somebody who is traced.
    has_program: bool,
    finished: bool,
}

/// How events are written.
#[derive(Debug)]
enum Format {
    Text(Text),
    Json(Json),
}

impl Format {
    fn outputs(&mut self) -> &mut Outputs {
        match self {
            Format::Text(text) => &mut text.outputs,
            Format::Json(json) => &mut json.outputs,
        }
    }
}

impl Recorder {
    /// Opens the output. It is best to do so before anything is started.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Command`]
    pub fn new(options: Options) -> Result<Recorder, Error> {
        let outputs = Outputs::new(&options)?;
        let format = if options.json {
            Format::Json(Json::new(&options, outputs))
        } else {
            Format::Text(Text::new(&options, outputs))
        };
        let descriptions =
            Descriptions::new(options.describe, options.summary != Summary::Only, !options.json);
        let counts = (options.summary != Summary::No).then(|| Counts::new(&options));
        let sockets = options.sockets.then(Sockets::default);
        Ok(Recorder { options, descriptions, format, counts, sockets, has_program: false, finished: false })
    }

    /// Whether calls of this name are recorded, where they are made by this interface.
    #[must_use]
    pub fn wants(&self, abi: Abi, name: &str) -> bool {
        self.options.calls.has(abi, name)
    }

    /// The descriptor that is written to, for a process that closes all others.
    #[must_use]
    pub fn descriptor(&self) -> Option<RawFd> {
        match &self.format {
            Format::Text(text) => text.outputs.descriptor(),
            Format::Json(json) => json.outputs.descriptor(),
        }
    }

    /// Something happened.
    pub fn event(&mut self, event: &Event<'_>) {
        if let What::Exit { request, took, system } = event.what {
            if let Some(counts) = &mut self.counts {
                counts.add(request, took, system);
            }
            if let Some(sockets) = &mut self.sockets {
                sockets.add(event.tid, event.at, took, request, &self.descriptions);
            }
        }
        if self.options.summary == Summary::Only {
            self.announce(event);
        } else {
            match &mut self.format {
                Format::Text(text) => text.event(event),
                Format::Json(json) => json.event(event),
            }
        }
        match event.what {
            What::Exited(_) | What::Killed { .. } | What::Detached => self.descriptions.forget(event.tid),
            What::Superseded { by } => {
                self.descriptions.forget(event.tid);
                self.descriptions.forget(by);
            }
            _ => {}
        }
    }

    /// What the user is told even if nothing else is shown.
    fn announce(&mut self, event: &Event<'_>) {
        let quiet = self.options.quiet.attach;
        match event.what {
            // The program itself is no news.
            What::Attached { by_us: false } if std::mem::replace(&mut self.has_program, true) && !quiet => {
                self.format.outputs().say(&format!("Process {} attached", event.tid));
            }
            What::Attached { by_us: true } => self.has_program = true,
            What::Detached if !quiet => {
                self.format.outputs().say(&format!("Process {} detached", event.tid));
            }
            _ => {}
        }
    }

    /// A process that ran already is traced, with all of its threads.
    pub fn attached(&mut self, process: i32, threads: usize) {
        if self.options.quiet.attach {
            return;
        }
        let outputs = self.format.outputs();
        match threads {
            0 | 1 => outputs.say(&format!("Process {process} attached")),
            threads => outputs.say(&format!("Process {process} attached with {threads} threads")),
        }
    }

    /// Writes what is kept back.
    pub fn flush(&mut self) {
        self.format.outputs().flush();
    }

    /// Writes what stands at the end, and says what could not be written. The same happens when this is dropped.
    pub fn finish(mut self) -> Lost {
        self.end()
    }

    fn end(&mut self) -> Lost {
        if std::mem::replace(&mut self.finished, true) {
            return Lost::default();
        }
        match (&mut self.format, self.counts.take()) {
            (Format::Text(text), Some(counts)) => counts.write(text.outputs.shared()),
            (Format::Json(json), Some(counts)) => json.counts(&counts),
            (_, None) => {}
        }
        match (&mut self.format, self.sockets.take()) {
            (Format::Text(text), Some(sockets)) => sockets.write(text.outputs.shared()),
            (Format::Json(json), Some(sockets)) => json.sockets(&sockets),
            (_, None) => {}
        }
        self.format.outputs().finish()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

impl supervise::Observer for Recorder {
    fn shows(&self, abi: Abi, name: &str) -> bool {
        self.wants(abi, name)
    }

    fn limits(&self) -> Limits {
        // Bytes that nobody sees need not be read.
        let bytes = if self.options.summary == Summary::Only { 0 } else { self.options.limits.bytes };
        Limits { bytes, ..self.options.limits }
    }

    fn descriptors(&self, tid: i32) -> Box<dyn Descriptors + '_> {
        Box::new(self.descriptions.of(tid))
    }

    fn attached(&mut self, process: i32, threads: usize) {
        Recorder::attached(self, process, threads);
    }

    fn event(&mut self, event: &Event<'_>) {
        Recorder::event(self, event);
    }

    fn flush(&mut self) {
        Recorder::flush(self);
    }

    fn clocks(&self) -> Clocks {
        let Options { json, sockets, time, relative, duration, summary, .. } = self.options;
        let both = json || sockets;
        Clocks {
            wall: both || time != Time::None,
            monotonic: both || relative.is_some() || duration.is_some() || summary != Summary::No,
        }
    }

    fn wants_times(&self) -> bool {
        self.options.summary != Summary::No && !self.options.wall_clock
    }
}
