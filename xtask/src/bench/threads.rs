//! `xtask threads`: a process of many threads, each in a call that waits, for those who attach to it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread;

use anyhow::{Result, ensure};
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// How many, the main thread among them.
    count: usize,
}

/// Prints how many threads there are once they all are; ends when its input does.
pub fn run(options: &Options) -> Result<ExitCode> {
    let (mut here, there) = UnixStream::pair()?;
    ensure!(options.count > 0, "a process has a thread");
    let others: Vec<_> = (1..options.count)
        .map(|_| {
            let mut there = there.try_clone()?;
            // Each says one byte when it is there, and waits for what never comes.
            let wait = move || there.write_all(b"!").and_then(|()| there.read(&mut [0]));
            // A stack of the usual size times a thousand is more than a container may give.
            Ok(thread::Builder::new().stack_size(64 << 10).spawn(wait)?)
        })
        .collect::<Result<_>>()?;
    here.read_exact(&mut vec![0; others.len()])?;
    println!("{}", options.count);
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut vec![])?;
    // That is the end of what they wait for.
    drop(here);
    for other in others {
        let read = other.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        ensure!(read == 0, "a thread read {read} bytes that nobody wrote");
    }
    Ok(ExitCode::SUCCESS)
}
