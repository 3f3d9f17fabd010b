//! The entries of 32-bit code, and what the lowest level answers.

use abi::{Call, Errno};
use invoke::{Entry, Int80, socketcall, socketcall_at};

#[test]
fn the_order_of_checks() {
    for call in [0, -1, 21, i32::MIN, i32::MAX] {
        // SAFETY: no call has such a number.
        assert_eq!(unsafe { socketcall_at(Int80, call, 0) }, Err(Errno::EINVAL), "{call}");
    }
    for call in Call::ALL {
        // SAFETY: page 0 can't be read.
        assert_eq!(unsafe { socketcall_at(Int80, call.number(), 16) }, Err(Errno::EFAULT), "{}", call.name());
    }
}

#[test]
#[should_panic(expected = "the words of connect")]
fn too_few_words() {
    // SAFETY: not reached.
    let _ = unsafe { socketcall(Int80, Call::Connect, &[1, 2]) };
}

#[test]
fn a_raw_call() {
    // SAFETY: no memory is passed; the descriptor is closed once.
    unsafe {
        let fd = socketcall(Int80, Call::Socket, &[1, 2, 0]).unwrap();
        assert_eq!(socketcall(Int80, Call::Listen, &[fd, 1]), Err(Errno::EOPNOTSUPP));
        libc::close(fd as i32);
        assert_eq!(socketcall(Int80, Call::Listen, &[fd, 1]), Err(Errno::EBADF));
    }
}

/// All six arguments arrive, and each in its place: mmap2's, one after the other wrong.
fn six_arguments<E: Entry>(entry: E) {
    const MMAP2: u32 = 192;
    const MUNMAP: u32 = 91;
    let file = std::env::temp_dir().join(format!("invoke-entries-{}-{}", std::process::id(), line!()));
    std::fs::write(&file, [vec![1u8; 4096], vec![2; 4096]].concat()).unwrap();
    let open = std::fs::File::open(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&open) as u32;
    // PROT_READ, MAP_PRIVATE, and the offset in pages as the sixth argument.
    let good = [0, 4096, 1, 2, fd, 1];
    // SAFETY: a new mapping, which is read and then unmapped.
    unsafe {
        let at = Errno::from_eax(entry.enter(MMAP2, good)).unwrap();
        let first = std::ptr::with_exposed_provenance::<u8>(at as usize).read();
        assert_eq!(first, 2, "the offset");
        assert_eq!(entry.enter(MUNMAP, [at, 4096, !0, !0, !0, !0]), 0);
    }
    for (index, value, errno) in
        [(1, 0, Errno::EINVAL), (2, 3, Errno::EACCES), (3, 0, Errno::EINVAL), (4, !0, Errno::EBADF)]
    {
        let mut bad = good;
        bad[index] = value;
        if index == 2 {
            // Writable and shared, of a file that is open for reading.
            bad[3] = 1;
        }
        // SAFETY: a mapping that can't be made.
        let answer = Errno::from_eax(unsafe { entry.enter(MMAP2, bad) });
        assert_eq!(answer, Err(errno), "argument {index}");
    }
}

#[test]
fn six_arguments_by_int80() {
    six_arguments(Int80);
}

#[cfg(target_arch = "x86")]
mod of_32_bit_code {
    use std::ffi::c_char;

    use invoke::{Bare, Instruction, Vdso};

    use super::*;

    /// `asm/auxvec.h`
    const AT_SYSINFO: libc::c_ulong = 32;

    fn vdso() -> Vdso {
        // SAFETY: AT_SYSINFO is the kernel's, or 0.
        unsafe { Vdso::from_sysinfo(libc::getauxval(AT_SYSINFO) as usize) }.expect("AT_SYSINFO")
    }

    #[test]
    fn the_vdso_is_found_in_every_way() {
        unsafe extern "C" {
            static environ: *const *const c_char;
        }
        // SAFETY: no test changes the environment, so that it is where the kernel has put it.
        assert_eq!(unsafe { Vdso::from_environment(environ) }, Some(vdso()));
        // Linux 6.4 and later tell.
        let mut auxv = [0u8; 1024];
        // SAFETY: writes at most as many bytes as there are.
        let told = unsafe { libc::prctl(0x4155_5856, auxv.as_mut_ptr(), auxv.len(), 0, 0) } > 0;
        assert_eq!(Vdso::find(), told.then(vdso));
        // SAFETY: 0 is none.
        assert_eq!(unsafe { Vdso::from_sysinfo(0) }, None);
    }

    #[test]
    fn six_arguments_by_the_vdso() {
        six_arguments(vdso());
    }

    #[test]
    fn six_arguments_by_the_bare_instruction() {
        six_arguments(Bare::of(vdso()).expect("a processor with a fast entry"));
    }

    /// The instruction that the kernel did not choose is undefined: SIGILL, in a child. (QEMU's AMD processors have
    /// sysenter all the same, and under a 32-bit kernel AMD's do: then it makes the call.)
    #[test]
    fn the_other_instruction_is_undefined() {
        const IT_WORKS: i32 = 7;
        let other = match vdso().instruction().expect("a processor with a fast entry") {
            Instruction::Sysenter => Instruction::Syscall,
            Instruction::Syscall => Instruction::Sysenter,
        };
        let entry = Bare::new(vdso(), other);
        // SAFETY: the child makes system calls only.
        let status = unsafe {
            let child = libc::fork();
            assert!(child >= 0);
            if child == 0 {
                libc::signal(libc::SIGILL, libc::SIG_DFL);
                let getpid = entry.enter(20, [0; 6]);
                libc::_exit(if getpid == Int80.enter(20, [0; 6]) { IT_WORKS } else { 1 });
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            status
        };
        let undefined = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGILL;
        let works = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == IT_WORKS;
        assert!(undefined || (works && other == Instruction::Sysenter), "{status:#x}");
    }

    /// Interrupted and restarted, as the kernel does it: at the vDSO's int $0x80, whatever the entry.
    #[test]
    fn a_call_that_is_interrupted_goes_on() {
        extern "C" fn nothing(_: i32) {}
        let vdso = vdso();
        for turn in 0..2 {
            let mut pair = [0; 2];
            // SAFETY: a handler that does nothing, and a pair of sockets; the signal goes to this thread.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
                action.sa_flags = libc::SA_RESTART;
                assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
                assert_eq!(libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()), 0);
            }
            // SAFETY: as above.
            let thread = unsafe { libc::pthread_self() };
            let waker = std::thread::spawn(move || {
                for _ in 0..20 {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                    // SAFETY: the thread waits for this one to end.
                    assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
                }
                // SAFETY: writes one byte of a constant.
                assert_eq!(unsafe { libc::write(pair[1], c"x".as_ptr().cast(), 1) }, 1);
            });
            let mut byte = 0u8;
            let words = [pair[0] as u32, (&raw mut byte).expose_provenance() as u32, 1, 0];
            // SAFETY: receives one byte into `byte`.
            let received = unsafe {
                match turn {
                    0 => socketcall(vdso, Call::Recv, &words),
                    _ => socketcall(Bare::of(vdso).unwrap(), Call::Recv, &words),
                }
            };
            assert_eq!((received, byte), (Ok(1), b'x'));
            waker.join().unwrap();
            // SAFETY: closed once.
            unsafe {
                libc::close(pair[0]);
                libc::close(pair[1]);
            }
        }
    }
}
