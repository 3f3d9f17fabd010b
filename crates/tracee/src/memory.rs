//! A tracee's memory.
//!
//! process_vm_readv(2) and /proc/PID/mem ask for permission each time, and refuse where the tracee has
//! changed its user and the tracer lacks CAP_SYS_PTRACE (gosu, setpriv, every server that drops root).
//! PTRACE_PEEKDATA and POKEDATA ask nothing of one who is the tracer already, eight bytes at a time.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr;

use crate::{Error, Result, Tid};

const PAGE: u64 = 4096;
const WORD: usize = 8;

/// Reads up to `buffer.len()` bytes; stops where memory ends.
pub(crate) fn read(tid: Tid, address: u64, buffer: &mut [u8]) -> Result<usize> {
    if buffer.is_empty() {
        return Ok(0);
    }
    match read_vm(tid, address, buffer) {
        Ok(read) => Ok(read),
        Err(error) => match error.raw_os_error() {
            Some(libc::ESRCH) => Err(Error::Gone),
            Some(libc::EFAULT) => Err(Error::Fault(address)),
            _ => read_words(tid, address, buffer),
        },
    }
}

/// By process_vm_readv, a page at a time: the kernel promises a partial transfer only between elements.
fn read_vm(tid: Tid, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    const PARTS: usize = 16;
    let mut done = 0;
    while done < buffer.len() {
        let mut parts = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; PARTS];
        let (mut used, mut wanted) = (0, 0);
        while used < PARTS && done + wanted < buffer.len() {
            let from = address.wrapping_add((done + wanted) as u64);
            let to_page_end = (PAGE - from % PAGE) as usize;
            let length = to_page_end.min(buffer.len() - done - wanted);
            let iov_base = ptr::without_provenance_mut(from as usize);
            parts[used] = libc::iovec { iov_base, iov_len: length };
            used += 1;
            wanted += length;
        }
        let local = libc::iovec { iov_base: buffer[done..].as_mut_ptr().cast(), iov_len: wanted };
        // SAFETY: `local` is `wanted` bytes of `buffer`; `parts` are addresses in the tracee.
        let read = unsafe { libc::process_vm_readv(tid, &local, 1, parts.as_ptr(), used as u64, 0) };
        match usize::try_from(read) {
            Err(_) if done == 0 => return Err(io::Error::last_os_error()),
            Err(_) => break,
            Ok(read) => {
                done += read;
                if read < wanted {
                    break;
                }
            }
        }
    }
    Ok(done)
}

fn read_words(tid: Tid, address: u64, buffer: &mut [u8]) -> Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        let at = address.wrapping_add(done as u64);
        let skip = at as usize % WORD;
        let word = match peek(tid, at - skip as u64) {
            Ok(word) => word.to_ne_bytes(),
            Err(Error::Fault(_)) if done > 0 => break,
            Err(error) => return Err(error),
        };
        let length = (WORD - skip).min(buffer.len() - done);
        buffer[done..done + length].copy_from_slice(&word[skip..skip + length]);
        done += length;
    }
    Ok(done)
}

/// The word at `address`.
pub(crate) fn peek(tid: Tid, address: u64) -> Result<u64> {
    let mut word = 0u64;
    // The system call itself stores the word at `data` (ptrace(2), "C library/kernel differences"); glibc's
    // wrapper would return it, and make us tell -1 from a failure by errno.
    // SAFETY: PTRACE_PEEKDATA writes one word to `word`, which lives through the call.
    let result =
        unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_PEEKDATA, tid, address, &raw mut word) };
    if result == -1 { Err(word_error(address, "PTRACE_PEEKDATA")) } else { Ok(word) }
}

fn poke(tid: Tid, address: u64, word: u64) -> Result<()> {
    // SAFETY: PTRACE_POKEDATA takes the word by value and touches the tracee's memory only.
    let result = unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_POKEDATA, tid, address, word) };
    if result == -1 { Err(word_error(address, "PTRACE_POKEDATA")) } else { Ok(()) }
}

fn word_error(address: u64, what: &'static str) -> Error {
    match Error::last(what) {
        // EIO, or EFAULT from a bad address (ptrace(2), ERRORS).
        Error::Os { error, .. } if matches!(error.raw_os_error(), Some(libc::EIO | libc::EFAULT)) => {
            Error::Fault(address)
        }
        other => other,
    }
}

/// Writes all of `bytes`, by /proc/PID/mem where there is much to write and it is permitted.
pub(crate) fn write(tid: Tid, address: u64, bytes: &[u8]) -> Result<()> {
    /// From here on three calls (open, write, close) cost less than a request for each word.
    const MANY: usize = 8 * WORD;
    if bytes.len() >= MANY && write_mem(tid, address, bytes).is_ok() {
        return Ok(());
    }
    write_words(tid, address, bytes)
}

fn write_mem(tid: Tid, address: u64, bytes: &[u8]) -> io::Result<()> {
    let file = crate::proc_file(tid, "mem").ok_or(io::ErrorKind::NotFound)?;
    let memory = OpenOptions::new().write(true).open(file)?;
    memory.write_all_at(bytes, address)
}

fn write_words(tid: Tid, address: u64, bytes: &[u8]) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let at = address.wrapping_add(done as u64);
        let skip = at as usize % WORD;
        let start = at - skip as u64;
        let length = (WORD - skip).min(bytes.len() - done);
        let mut word = if length == WORD { [0; WORD] } else { peek(tid, start)?.to_ne_bytes() };
        word[skip..skip + length].copy_from_slice(&bytes[done..done + length]);
        poke(tid, start, u64::from_ne_bytes(word))?;
        done += length;
    }
    Ok(())
}
