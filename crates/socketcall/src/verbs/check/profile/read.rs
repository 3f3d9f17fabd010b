//! A profile's text: from a file, a pipe or standard input, and not without end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use profile::Position;

/// The most that is read: a hundred times what the longest profiles have. `/dev/zero` has no end.
const LIMIT: u64 = 4 << 20;
/// How long a pipe may be silent, in milliseconds, before somebody hears what is waited for.
const SILENCE: u16 = 1000;

/// Reads `file`, which is called `name`; `-` is standard input. That a pipe is waited for is said on `err`.
pub fn read(file: &Path, name: &str, err: &mut dyn Write) -> Result<String> {
    let (mut bytes, most) = (Vec::new(), LIMIT + 1);
    if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes).context("standard input")?;
    } else {
        let opened = open(file, name, err).with_context(|| name.to_owned())?;
        opened.take(most).read_to_end(&mut bytes).with_context(|| name.to_owned())?;
    }
    ensure!(bytes.len() as u64 <= LIMIT, "{name}: more than {} MiB, so this is no profile", LIMIT >> 20);
    String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..end]);
        let position = Position::of(&before, before.len());
        anyhow!("{name}:{position}: not UTF-8, so this is no JSON")
    })
}

/// Opens a file. To open a pipe in the file system blocks until somebody writes, which nobody may ever do: so
/// that is not waited for without a word.
fn open(file: &Path, name: &str, err: &mut dyn Write) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(file)?;
    if opened.metadata()?.file_type().is_fifo() {
        let wait = |timeout| {
            let mut asked = [PollFd::new(opened.as_fd(), PollFlags::POLLIN)];
            poll(&mut asked, timeout)
        };
        if wait(PollTimeout::from(SILENCE))? == 0 {
            writeln!(err, "socketcall: {name}: waiting for somebody to write into this pipe")?;
            wait(PollTimeout::NONE)?;
        }
    }
    let flags = OFlag::from_bits_retain(fcntl(&opened, FcntlArg::F_GETFL)?);
    fcntl(&opened, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(opened)
}
