//! Events made up, and what is written of them.

#![allow(dead_code, reason = "each test uses some of it")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use decode::{Abi, Asked, Context, Entry, Event, Limits, Memory, Request, Seen, Stamp, Unknown, What};
use trace::{Options, Output, Recorder};

/// Memory that holds these bytes from 0x1000 on, and nothing else.
pub struct At1000<'a>(pub &'a [u8]);

impl Memory for At1000<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let from = address.checked_sub(0x1000).and_then(|from| usize::try_from(from).ok());
        let Some(there) = from.and_then(|from| self.0.get(from..)) else { return 0 };
        let length = there.len().min(buffer.len());
        buffer[..length].copy_from_slice(&there[..length]);
        length
    }
}

/// A call of x86-64 at its entry.
pub fn enter(number: u32, registers: [u64; 6], memory: &dyn Memory) -> Request {
    let seen = Seen { abi: Abi::X86_64, number, registers, entry: Entry::X86_64, taken_apart: None };
    entered(seen, memory)
}

/// Any call at its entry.
pub fn entered(seen: Seen, memory: &dyn Memory) -> Request {
    let asked = Asked::of(seen, memory).expect("a socket call");
    Request::enter(asked, &context(seen.abi, memory))
}

/// The same call, when it has returned.
pub fn exit(mut request: Request, result: i64, memory: &dyn Memory) -> Request {
    let abi = request.asked.seen.abi;
    request.exit(result, &context(abi, memory));
    request
}

fn context(abi: Abi, memory: &dyn Memory) -> Context<'_> {
    Context { memory, abi, limits: Limits::default(), descriptors: &Unknown }
}

/// So many milliseconds after 2026-11-23 15:51:27.563013 in UTC.
pub const fn at(milliseconds: u64) -> Stamp {
    let after = milliseconds * 1_000_000;
    Stamp { wall: 1_795_449_087_563_013_000 + after, monotonic: 5_000_000_000 + after }
}

/// A recorder that writes to a file, and the file.
pub struct Recording {
    pub recorder: Recorder,
    path: PathBuf,
    now: u64,
}

impl Recording {
    pub fn new(options: Options) -> Recording {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("socketcall-trace-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let options = Options { output: Output::File(path.clone()), ..options };
        Recording { recorder: Recorder::new(options).unwrap(), path, now: 0 }
    }

    /// Something happens, a millisecond after what happened before.
    pub fn event(&mut self, tid: i32, what: What<'_>) -> &mut Recording {
        self.recorder.event(&Event { tid, at: at(self.now), what });
        self.now += 1;
        self
    }

    /// What was written.
    pub fn end(self) -> String {
        let lost = self.recorder.finish();
        assert_eq!(lost.lines, 0);
        let text = std::fs::read_to_string(&self.path).unwrap();
        std::fs::remove_file(&self.path).unwrap();
        text
    }
}
