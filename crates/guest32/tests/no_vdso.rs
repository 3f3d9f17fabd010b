//! A kernel booted with `vdso32=0` gives no AT_SYSINFO. Here a tracer takes the entry away after exec, before
//! the guest's first instruction.

#[macro_use]
mod common;

use common::{Executable, Finished, Running};
use guest32::{Entry, Guest};
use std::fs::{File, OpenOptions};
use std::io::{Error, Result};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::null_mut;

const AT_IGNORE: u32 = 1;
const AT_SYSINFO: u32 = 32;

/// Has the program stop at its first instruction, for this thread to see.
fn traced(mut command: Command) -> Command {
    // SAFETY: PTRACE_TRACEME takes no further arguments and does nothing but mark the process.
    unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME) {
            0 => Ok(()),
            _ => Err(Error::last_os_error()),
        });
    }
    command
}

/// The stack pointer of a process that has just executed a program, once it has stopped there.
fn stack_at_start(pid: libc::pid_t) -> u64 {
    let mut status = 0;
    // SAFETY: the pointer is to a local. The registers are plain numbers, for which zeros are values, and
    // PTRACE_GETREGS fills them.
    let registers = unsafe {
        assert_eq!(libc::waitpid(pid, &mut status, 0), pid, "{}", Error::last_os_error());
        assert!(libc::WIFSTOPPED(status), "wait status {status:#x}");
        let mut registers: libc::user_regs_struct = std::mem::zeroed();
        let answer = libc::ptrace(libc::PTRACE_GETREGS, pid, null_mut::<libc::c_void>(), &raw mut registers);
        assert_eq!(answer, 0, "{}", Error::last_os_error());
        registers
    };
    registers.rsp
}

fn word(memory: &File, address: u64) -> Result<u32> {
    let mut bytes = [0; 4];
    memory.read_exact_at(&mut bytes, address)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Where the auxiliary vector names AT_SYSINFO, above argc, argv and the environment.
fn sysinfo_type(memory: &File, stack: u64) -> Result<u64> {
    let argc = word(memory, stack)?;
    let mut address = stack + 4 + (u64::from(argc) + 1) * 4;
    while word(memory, address)? != 0 {
        address += 4;
    }
    address += 4;
    while word(memory, address)? != AT_SYSINFO {
        assert_ne!(word(memory, address)?, 0, "this kernel gives no AT_SYSINFO itself");
        address += 8;
    }
    Ok(address)
}

#[test]
fn without_a_vdso_the_guest_says_so() {
    require_32_bit_kernel!();
    for guest in Guest::ALL.into_iter().filter(|guest| guest.entry == Entry::Vdso) {
        let running = Running::spawn(traced(Executable::new(guest).command(&["1"])));
        let pid = running.pid();
        let stack = stack_at_start(pid);
        let memory =
            OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem")).expect("its memory");
        let address = sysinfo_type(&memory, stack).expect("an auxiliary vector");
        memory.write_all_at(&AT_IGNORE.to_le_bytes(), address).expect("a writable stack");
        // SAFETY: PTRACE_DETACH takes no pointers; the process runs on.
        let detached = unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, null_mut::<libc::c_void>(), 0) };
        assert_eq!(detached, 0, "{}", Error::last_os_error());

        let missing = "no AT_SYSINFO: this kernel offers no 32-bit vDSO\n";
        assert_eq!(running.finish(), Finished::new("", missing, 120), "{guest}");
    }
}
