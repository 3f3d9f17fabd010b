//! The output, or one for each thread.

use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::Child;

use supervise::ByTid;

use crate::sink::{Losses, Marker, Sink, say};
use crate::{Error, Lost, Options, Output};

/// Where lines go.
#[derive(Debug)]
pub(crate) struct Outputs {
    shared: Sink,
    separate: Option<Separate>,
    command: Option<Child>,
    losses: Losses,
    /// Whether what is said to the user goes where lines go.
    to_user: bool,
}

/// Files by thread.
#[derive(Debug)]
struct Separate {
    path: PathBuf,
    append: bool,
    sinks: ByTid<Sink>,
}

impl Outputs {
    pub(crate) fn new(options: &Options) -> Result<Outputs, Error> {
        let (mut separate, mut command) = (None, None);
        let shared = match &options.output {
            Output::StandardError => Sink::standard_error(),
            Output::File(path) if options.separately => {
                let (path, append) = (path.clone(), options.append);
                separate = Some(Separate { path, append, sinks: ByTid::default() });
                Sink::standard_error()
            }
            Output::File(path) => Sink::file(path, options.append)?,
            Output::Command(shell) => {
                let (sink, child) = Sink::command(shell)?;
                command = Some(child);
                sink
            }
        };
        let marker = if options.json { Marker::Json } else { Marker::Text };
        let to_user = options.output == Output::StandardError;
        Ok(Outputs { shared, separate, command, losses: Losses::new(marker), to_user })
    }

    /// Whether each thread has its own.
    pub(crate) const fn are_separate(&self) -> bool {
        self.separate.is_some()
    }

    fn sink(&mut self, tid: i32) -> &mut Sink {
        let Some(Separate { path, append, sinks }) = &mut self.separate else { return &mut self.shared };
        sinks.entry(tid).or_insert_with(|| {
            let mut name = path.clone().into_os_string();
            name.push(format!(".{tid}"));
            Sink::file(name.as_ref(), *append).unwrap_or_else(|error| {
                let reason = match error {
                    Error::Open { error, .. } => error,
                    error => std::io::Error::other(error),
                };
                Sink::broken(name.to_string_lossy().into_owned(), reason, &mut self.losses)
            })
        })
    }

    /// The descriptor behind the shared one.
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.shared.descriptor()
    }

    /// What is to be written of a thread.
    pub(crate) fn text(&mut self, tid: i32) -> &mut String {
        &mut self.sink(tid).text
    }

    /// A thread's line has ended: writes, if it is time to.
    pub(crate) fn line_ended(&mut self, tid: i32) {
        if self.sink(tid).is_due() {
            let sink = match &mut self.separate {
                Some(separate) => separate.sinks.get_mut(&tid),
                None => Some(&mut self.shared),
            };
            if let Some(sink) = sink {
                sink.flush(&mut self.losses);
            }
        }
    }

    /// The output for what is no thread's, such as tables.
    pub(crate) fn shared(&mut self) -> &mut String {
        &mut self.shared.text
    }

    /// Says something to the user, in its order.
    pub(crate) fn say(&mut self, line: &str) {
        if self.to_user {
            self.shared.text.push_str("socketcall: ");
            self.shared.text.push_str(line);
            self.shared.text.push('\n');
            self.shared.flush(&mut self.losses);
        } else {
            self.flush();
            say(line);
        }
    }

    /// A thread writes no more.
    pub(crate) fn close(&mut self, tid: i32) {
        if let Some(separate) = &mut self.separate
            && let Some(mut sink) = separate.sinks.remove(&tid)
        {
            sink.flush(&mut self.losses);
        }
    }

    /// Writes all that is kept back.
    pub(crate) fn flush(&mut self) {
        self.shared.flush(&mut self.losses);
        if let Some(separate) = &mut self.separate {
            separate.sinks.values_mut().for_each(|sink| sink.flush(&mut self.losses));
        }
    }

    /// Writes all, waits for who reads it, and answers what could not be written.
    pub(crate) fn finish(&mut self) -> Lost {
        self.flush();
        if let Some(mut command) = self.command.take() {
            // Its input ends.
            self.shared = Sink::standard_error();
            let _ = command.wait();
        }
        std::mem::take(&mut self.losses).end()
    }
}
