//! Who is told what happens, and writes it.

use decode::{Abi, Descriptors, Event, Limits, What};

use crate::fds::Descriptions;
use crate::text::Text;
use crate::{Error, Lost, Options, Summary};

/// Records what happens. What it writes it keeps back until [`Recorder::flush`], or until it is much.
#[derive(Debug)]
pub struct Recorder {
    options: Options,
    descriptions: Descriptions,
    text: Text,
    finished: bool,
}

impl Recorder {
    /// Opens the output. It is best to do so before anything is started.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Command`]
    pub fn new(options: Options) -> Result<Recorder, Error> {
        let text = Text::new(&options)?;
        let descriptions = Descriptions::new(options.describe, options.summary != Summary::Only);
        Ok(Recorder { options, descriptions, text, finished: false })
    }

    /// Whether calls of this name are recorded, where they are made by this interface.
    #[must_use]
    pub fn wants(&self, abi: Abi, name: &str) -> bool {
        self.options.calls.has(abi, name)
    }

    /// Something happened.
    pub fn event(&mut self, event: &Event<'_>) {
        self.text.event(event);
        match event.what {
            What::Exited(_) | What::Killed { .. } | What::Detached => self.descriptions.forget(event.tid),
            What::Superseded { by } => {
                self.descriptions.forget(event.tid);
                self.descriptions.forget(by);
            }
            _ => {}
        }
    }

    /// Writes what is kept back.
    pub fn flush(&mut self) {
        self.text.flush();
    }

    /// Writes what stands at the end, and says what could not be written. The same happens when this is dropped.
    pub fn finish(mut self) -> Lost {
        self.end()
    }

    fn end(&mut self) -> Lost {
        if std::mem::replace(&mut self.finished, true) {
            return Lost::default();
        }
        self.text.finish()
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
        self.options.limits
    }

    fn descriptors(&self, tid: i32) -> Box<dyn Descriptors + '_> {
        Box::new(self.descriptions.of(tid))
    }

    fn attached(&mut self, process: i32, threads: usize) {
        self.text.attached(process, threads);
    }

    fn event(&mut self, event: &Event<'_>) {
        Recorder::event(self, event);
    }

    fn flush(&mut self) {
        Recorder::flush(self);
    }
}
