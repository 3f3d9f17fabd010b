//! What is written later is written soon: a thread of its own sees to that, so that the one that serves the program
//! neither writes line by line nor has to wake up for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Observer;

/// How long something may be kept back.
const SOON: Duration = Duration::from_millis(25);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Clean,
    Dirty,
    Over,
}

struct Inner {
    observer: Mutex<Box<dyn Observer>>,
    state: Mutex<State>,
    /// Whether the thread was told that there is something, and has not begun to write it.
    known: AtomicBool,
    changed: Condvar,
}

/// An observer that two threads use.
pub(super) struct Shared {
    inner: Arc<Inner>,
    /// What the serving thread knows of the state without asking: it is the only one that sets it to dirty.
    thread: Option<JoinHandle<()>>,
}

impl Shared {
    pub(super) fn new(observer: Box<dyn Observer>) -> Shared {
        let (observer, state) = (Mutex::new(observer), Mutex::default());
        Shared {
            inner: Arc::new(Inner {
                observer,
                state,
                known: AtomicBool::new(false),
                changed: Condvar::new(),
            }),
            thread: None,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Box<dyn Observer>> {
        self.inner.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the thread. If none can be had, all is written at the end.
    pub(super) fn start(&mut self) {
        let inner = Arc::clone(&self.inner);
        let started = thread::Builder::new().name("socketcall-flush".into()).spawn(move || {
            // Signals are for the thread that serves.
            crate::signals::block_all();
            inner.flush();
        });
        self.thread = started.ok();
    }

    /// There is something to be written.
    pub(super) fn is_dirty(&self) {
        if self.inner.known.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut state = self.inner.state();
        if *state == State::Clean {
            *state = State::Dirty;
            drop(state);
            self.inner.changed.notify_one();
        }
    }

    /// Writes all out, for the last time.
    pub(super) fn end(&mut self) {
        *self.inner.state() = State::Over;
        self.inner.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.lock().flush();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush(&self) {
        loop {
            let mut state = self.state();
            while *state == State::Clean {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            // Whoever ends it writes the rest.
            let waited = self.changed.wait_timeout_while(state, SOON, |state| *state != State::Over);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if *state == State::Over {
                return;
            }
            *state = State::Clean;
            self.known.store(false, Ordering::Relaxed);
            drop(state);
            self.observer.lock().unwrap_or_else(PoisonError::into_inner).flush();
        }
    }
}
