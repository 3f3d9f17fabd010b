//! Supervises a 32-bit program from inside another program, which goes on with its own work.
//!
//! `cargo run --release --example supervise`
//!
//! The program is one that ships with socketcall: it forks children at once, who make socket calls of their own
//! by `int $0x80`. One thread of this process supervises them all. It waits for nobody else: a child of our own,
//! started meanwhile by the standard library, is ours to wait for.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use guest32::{Entry, Guest, Program};
use socketcall::{Count, Demux, Launch, Session, Tally};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout().lock())
}

/// How many children the 32-bit program forks.
const CHILDREN: usize = 8;

/// The example, writing to `out`.
pub fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let guest = Guest { program: Program::ForkCalls, entry: Entry::Int80 };
    let file = Executable::new(guest)?;

    // The demultiplexer is a layer of the session; it tells its counts to whoever is handed to it.
    let (tell, told) = channel();
    let demux = Demux::new().count(Counts { tell, processes: 0 });
    let (mut read, write) = io::pipe()?;
    let launch = Launch::new(&file.0).arg(CHILDREN.to_string()).stdout(write);
    let running = Session::new(launch).with(demux).spawn()?;
    writeln!(out, "{guest} is process {}, and supervised by a thread", running.pid())?;

    // This process has children of its own meanwhile, and threads that wait for them.
    let own =
        thread::spawn(|| (0..20).map(|_| Command::new("true").status()).collect::<io::Result<Vec<_>>>());
    let statuses = own.join().expect("a thread that does not panic")?;
    let well = statuses.iter().filter(|status| status.success()).count();
    writeln!(out, "{well} of {} children of our own were started and waited for", statuses.len())?;

    let mut said = String::new();
    read.read_to_string(&mut said)?;
    write!(out, "{guest} says: {said}")?;
    writeln!(out, "{guest} ended: {:?}", running.wait()?)?;
    let (processes, total) = told.recv()?;
    let Count { stub, trap, direct, .. } = total;
    writeln!(out, "{processes} processes made calls: stub {stub}, trap {trap}, direct {direct}")?;
    Ok(())
}

/// Counts processes, and hands the sum over at the end. It is called in the supervising thread.
struct Counts {
    tell: Sender<(usize, Count)>,
    processes: usize,
}

impl Tally for Counts {
    fn process(&mut self, _: &Count) {
        self.processes += 1;
    }

    fn all(&mut self, total: &Count) {
        // Nobody listens any more if the example has failed.
        let _ = self.tell.send((self.processes, total.clone()));
    }
}

/// A guest as a file, which is removed in the end.
struct Executable(PathBuf);

impl Executable {
    fn new(guest: Guest) -> io::Result<Executable> {
        let path = std::env::temp_dir().join(format!("{guest}-{}", process::id()));
        fs::write(&path, guest.image())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(Executable(path))
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
