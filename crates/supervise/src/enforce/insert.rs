//! How a new program gets its area: it makes a call of ours, which the filter's listener answers with a descriptor; it maps
//! that for reading, seals the mapping, and closes the descriptor again.

use std::fs;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use seccomp::{Action, Arch, Field, Listener, Test, Wants};
use tracee::{AnyInjection, Injection, Stopped, Tid, Waiter, WideInjection, proc_file};

use super::area::{Area, Memory, SIZE};
use crate::Error;

/// pidfd_getfd, on both architectures, with arguments that nobody has a use for.
const ASK: u32 = 438;
/// mseal(2), on both; from Linux 6.10 on.
const MSEAL: u32 = 462;
/// The first argument of our own call.
const NOBODY: u32 = u32::MAX;

/// A rule about the calls that a program makes for us.
pub(super) fn want(wants: &mut Wants, secret: [u32; 2]) {
    for arch in Arch::ALL {
        let tests = [
            Test::eq(Field::Arg(0), NOBODY),
            Test::eq(Field::Arg(1), secret[0]),
            Test::eq(Field::Arg(2), secret[1]),
        ];
        wants.add_if(arch, ASK, &tests, Action::UserNotif);
    }
}

/// Whether areas can be given here; answers numbers that no program knows.
pub(super) fn check() -> Result<[u32; 2], Error> {
    // SAFETY: an empty range, which is sealed without effect where the call is known.
    let sealed = unsafe { libc::syscall(libc::c_long::from(MSEAL), ptr::null_mut::<u8>(), 0usize, 0usize) };
    if sealed == -1 {
        return Err(Error::NoSeal);
    }
    if proc_file(std::process::id().cast_signed(), "auxv").is_none() {
        return Err(Error::NoProc);
    }
    random().map_err(|error| Error::os("getrandom", error))
}

/// By getrandom(2), which needs no /dev: an image from scratch has none.
fn random() -> io::Result<[u32; 2]> {
    let mut words = [0_u32; 2];
    loop {
        // SAFETY: as many bytes as the array has, in which every pattern is a number.
        match unsafe { libc::getrandom(words.as_mut_ptr().cast(), size_of_val(&words), 0) } {
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            -1 => return Err(io::Error::last_os_error()),
            // So few bytes come all at once (getrandom(2)).
            _ => return Ok(words),
        }
    }
}

/// Gives the new program of `stopped`, which is at its exec's return, an area. Inner errors are the program's own: it has
/// no memory or no descriptors left.
pub(super) fn area(
    waiter: &mut Waiter,
    stopped: &mut Stopped,
    listener: &Listener,
    secret: [u32; 2],
) -> tracee::Result<io::Result<Area>> {
    let is_32 = stopped.registers()?.is_32();
    let Some(instruction) = instruction(stopped, is_32) else {
        return Ok(Err(io::Error::other("it has no vDSO (vdso=0), or hides it")));
    };
    let memory = match Memory::new() {
        Ok(memory) => memory,
        Err(error) => return Ok(Err(error)),
    };
    let mut program = Program { waiter, stopped, instruction, is_32 };
    let [a, b] = secret.map(u64::from);
    let mut is_answered = false;
    let given = program.call_answered([ASK, ASK], [NOBODY.into(), a, b, 0, 0, 0], &mut |tid| {
        if !is_answered {
            is_answered = answer(listener, tid, &memory)?;
        }
        Ok(())
    })?;
    let fd = match given {
        Ok(fd) => fd,
        Err(error) => return Ok(Err(error)),
    };
    let mut map = |flags: libc::c_int| {
        let args = [0, SIZE as u64, libc::PROT_READ as u64, (libc::MAP_SHARED | flags) as u64, fd, 0];
        program.call([192, libc::SYS_mmap as u32], args)
    };
    // Where i386 calls of a 64-bit program can point at it too, if there is room.
    let base = match map(if is_32 { 0 } else { libc::MAP_32BIT })? {
        Err(_) if !is_32 => map(0)?,
        base => base,
    };
    let sealed = match &base {
        Ok(base) => program.call([MSEAL, MSEAL], [*base, SIZE as u64, 0, 0, 0, 0])?,
        Err(_) => Ok(0),
    };
    let _ = program.call([6, libc::SYS_close as u32], [fd, 0, 0, 0, 0, 0])?;
    let area = base.and_then(|base| sealed.and_then(|_| Area::new(memory, base)));
    Ok(area.and_then(|area| is_there(stopped.tid(), &area).map(|()| area)))
}

/// That the area is where the calls have put it, and sealed: a filter of the program's own could have answered in the
/// kernel's place.
fn is_there(tid: Tid, area: &Area) -> io::Result<()> {
    let smaps = proc_file(tid, "smaps").ok_or(io::ErrorKind::NotFound)?;
    if area.is_in(&fs::read_to_string(smaps)?) {
        return Ok(());
    }
    Err(io::Error::other(
        "mmap(2) or mseal(2) did not do what they say, as under a seccomp filter that answers for them",
    ))
}

/// A program that makes calls for us.
struct Program<'a> {
    waiter: &'a mut Waiter,
    stopped: &'a mut Stopped,
    instruction: u64,
    is_32: bool,
}

impl Program<'_> {
    /// Makes a call by its i386 or x86-64 number.
    fn call(&mut self, numbers: [u32; 2], args: [u64; 6]) -> tracee::Result<io::Result<u64>> {
        self.call_answered(numbers, args, &mut |_| Ok(()))
    }

    fn call_answered(
        &mut self,
        numbers: [u32; 2],
        args: [u64; 6],
        answer: &mut dyn FnMut(Tid) -> tracee::Result<()>,
    ) -> tracee::Result<io::Result<u64>> {
        let call = if self.is_32 {
            let (instruction, args) = (self.instruction as u32, args.map(|word| word as u32));
            AnyInjection::I386(Injection { instruction, number: numbers[0], args })
        } else {
            AnyInjection::X86_64(WideInjection { instruction: self.instruction, number: numbers[1], args })
        };
        let result = tracee::inject_any(self.waiter, self.stopped, call, answer)?;
        Ok(match result {
            -4095..=-1 => Err(io::Error::from_raw_os_error(-result as i32)),
            // An address of an i386 program may be above 2 GiB.
            _ if self.is_32 => Ok(u64::from(result as u32)),
            _ => Ok(result.cast_unsigned()),
        })
    }
}

/// Answers the call of `tid`, which is on its way, with the memory's descriptor. Answers false if something else happened to
/// the thread first.
fn answer(listener: &Listener, tid: Tid, memory: &Memory) -> tracee::Result<bool> {
    /// How long to wait until we look whether the thread is still there.
    const LOOK: libc::c_int = 20;
    loop {
        let mut ready = libc::pollfd { fd: listener.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure.
        if unsafe { libc::poll(&raw mut ready, 1, LOOK) } < 1 {
            if has_stopped(tid) {
                return Ok(false);
            }
            continue;
        }
        let received =
            listener.receive().map_err(|error| tracee::Error::Os { what: "SECCOMP_IOCTL_NOTIF_RECV", error });
        let Some(notification) = received? else { continue };
        if notification.tid == tid {
            // It is gone, or has no descriptor left: its call then fails.
            if listener.give(notification.id, memory.fd()).is_err() {
                let _ = listener.fail(notification.id, libc::EMFILE);
            }
            return Ok(true);
        }
        // Somebody else's, who has guessed the numbers.
        let _ = listener.fail(notification.id, libc::ENOSYS);
    }
}

/// Whether a thread of ours has something to tell: it is not on its way any more.
pub(super) fn has_stopped(tid: Tid) -> bool {
    // SAFETY: siginfo_t is plain integers, for which zero is a value; waitid fills it in.
    unsafe {
        let mut info: libc::siginfo_t = mem::zeroed();
        let flags = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
        libc::waitid(libc::P_PID, tid.cast_unsigned(), &raw mut info, flags) == -1 || info.si_pid() != 0
    }
}

/// Where the program has an instruction that makes calls: in its vDSO.
fn instruction(stopped: &Stopped, is_32: bool) -> Option<u64> {
    const AT_SYSINFO_EHDR: u64 = 33;
    const PAGES: usize = 2 * 4096;
    let auxv = fs::read(proc_file(stopped.tid(), "auxv")?).ok()?;
    let words: Vec<u64> = if is_32 {
        auxv.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word).into()).collect()
    } else {
        auxv.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
    };
    let vdso = words.as_chunks::<2>().0.iter().find(|[key, _]| *key == AT_SYSINFO_EHDR)?[1];
    let mut pages = vec![0; PAGES];
    let read = stopped.read(vdso, &mut pages).ok()?;
    let wanted: [u8; 2] = if is_32 { [0xcd, 0x80] } else { [0x0f, 0x05] };
    let at = pages[..read].windows(2).position(|bytes| bytes == wanted)?;
    Some(vdso + at as u64)
}
