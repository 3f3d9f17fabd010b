//! The first part: the article's program, call by call, once for each way into the kernel.
//!
//! The article is "x86 Linux Networking System Calls: Socketcall" (2010), which shows the same in a debugger.

use std::io;

use abi::{Call, Errno, SOCKETCALL_I386, Type};
use anyhow::Result;
use guest32::{Entry, Guest, Program};
use nix::sys::signal::Signal;
use socketcall::End;

use super::instructions::{Fast, disassemble, fast};
use super::observe::{Entered, Seen, Vsyscall, observe};
use super::place::Place;
use super::text::Page;
use super::{Denial, Findings};

/// What the article's program exits with where the kernel gives it no AT_SYSINFO ([`Entry::Vdso`]).
const NO_VDSO: End = End::Exited(120);

const fn guest(entry: Entry) -> Guest {
    Guest { program: Program::Article, entry }
}

/// Shows the program by all of its entries.
///
/// # Errors
/// It could not be traced; or what is shown could not be written.
pub fn show(page: &mut Page, place: &Place, findings: &mut Findings) -> Result<()> {
    page.heading(1, "The multiplexer: registers, parameter array, result")?;
    page.body(
        "The program is that of the article \"x86 Linux Networking System Calls: Socketcall\" (2010), written \
         anew: it makes a TCP socket and closes it. A tracer shows its registers before each system call, and \
         eax after.",
    )?;
    page.subheading("The entry int $0x80")?;
    let seen = observe(place, guest(Entry::Int80), None)?;
    calls(page, &seen)?;
    findings.note(Entry::Int80, &seen);
    page.blank()?;
    page.body(
        "A seccomp filter sees no more than such registers. Which socket is wanted stands behind the pointer \
         in ecx, where it can't look.",
    )?;
    if let Some(denial) = findings.denied {
        page.body(&format!("The call fails: {denial}."))?;
    }

    page.subheading("The entry through the vDSO")?;
    let seen = observe(place, guest(Entry::Vdso), None)?;
    if ended(&seen) == Some(NO_VDSO) {
        page.body(
            "This kernel gives 32-bit programs no vDSO (it was booted with vdso32=0): int $0x80 is the only \
             entry.",
        )?;
        findings.entries = vec![Entry::Int80];
        return Ok(());
    }
    let vsyscall = seen.iter().find_map(|seen| match seen {
        Seen::Entered(entered) => entered.vsyscall.as_ref(),
        _ => None,
    });
    let used = vsyscall.and_then(|vsyscall| fast(&vsyscall.code));
    if let Some(vsyscall) = vsyscall {
        describe(page, vsyscall, used)?;
    }
    calls(page, &seen)?;
    findings.note(Entry::Vdso, &seen);

    for missing in Fast::BOTH.into_iter().filter(|fast| Some(*fast) != used) {
        page.subheading(&format!("The entry {}", missing.name()))?;
        let seen = observe(place, guest(Entry::Int80), Some(missing.code()))?;
        undefined(page, missing, &seen, findings)?;
    }
    Ok(())
}

fn describe(page: &mut Page, vsyscall: &Vsyscall, used: Option<Fast>) -> io::Result<()> {
    page.body(&format!(
        "The program calls __kernel_vsyscall, whose address, {:#x}, the kernel gave it as AT_SYSINFO. glibc and \
         musl do the same. Its code:",
        vsyscall.address
    ))?;
    page.line(disassemble(&vsyscall.code).join("; "))?;
    page.body(&match used {
        Some(fast) => format!("So on this processor the kernel chose {}.", fast.name()),
        None => "So the kernel knows no faster entry here than int $0x80.".into(),
    })
}

/// The calls of a program that was seen from its start to its end.
fn calls(page: &mut Page, seen: &[Seen]) -> io::Result<()> {
    let mut last = None;
    for seen in seen {
        match seen {
            Seen::Entered(entered) => {
                page.blank()?;
                before(page, entered)?;
                last = Some(entered);
            }
            Seen::Returned(eax) => after(page, last.take().map(|call| &**call), *eax)?,
            Seen::Undefined => {}
            Seen::Ended(end) => page.line(how(Some(*end)))?,
        }
    }
    Ok(())
}

/// The registers at a call's entry, with what they mean.
fn before(page: &mut Page, entered: &Entered) -> io::Result<()> {
    let how = if entered.vsyscall.is_some() { "call *AT_SYSINFO" } else { "int $0x80" };
    match entered.site {
        Some(site) => page.line(format_args!("{site:#010x}  {how}"))?,
        None => page.line(how)?,
    }
    let [eax, ebx, ecx] = ["eax", "ebx", "ecx"].map(|name| entered.register(name));
    let mut rows = vec![];
    let mut row = |name: &str, value: u32, number: String, meaning: &str| {
        rows.push([name.into(), format!("{value:#010x}"), number, meaning.into()]);
    };
    row("eax", eax, eax.to_string(), name(eax));
    match (eax, Call::from_number(ebx.cast_signed())) {
        (SOCKETCALL_I386, Some(call)) => {
            row("ebx", ebx, ebx.to_string(), call.facts().constant);
            row("ecx", ecx, String::new(), "where the parameter array is:");
            for (index, (word, argument)) in (0..).zip(entered.array.iter().zip(call.facts().words)) {
                let what = format!("{:<9} {}", argument.name, meaning(argument.ty, *word));
                row("", ecx + 4 * index, word.to_string(), what.trim_end());
            }
        }
        (CLOSE, _) => row("ebx", ebx, ebx.to_string(), "the descriptor"),
        (EXIT, _) => row("ebx", ebx, ebx.to_string(), "the status"),
        _ => row("ebx", ebx, ebx.to_string(), ""),
    }
    page.rows(&rows)?;
    let shown: &[&str] = if eax == SOCKETCALL_I386 { &["eax", "ebx", "ecx"] } else { &["eax", "ebx"] };
    let rest = entered.registers.iter().filter(|(name, _)| !shown.contains(name));
    let rest: Vec<_> = rest.map(|(name, value)| format!("{name} {value:x}")).collect();
    page.line(rest.join("  "))
}

/// What a call left in eax.
fn after(page: &mut Page, call: Option<&Entered>, eax: u32) -> io::Result<()> {
    let meaning = match (Errno::from_eax(eax), call.map(|call| call.register("eax"))) {
        (Err(errno), _) => format!("{errno}: {}", super::explain(errno)),
        (Ok(_), Some(SOCKETCALL_I386)) => "the new descriptor".into(),
        (Ok(_), _) => String::new(),
    };
    page.line(format_args!("-> eax  {}  {meaning}", eax.cast_signed()))
}

/// What became of an instruction in the place of `int $0x80`.
fn undefined(page: &mut Page, instead: Fast, seen: &[Seen], findings: &mut Findings) -> io::Result<()> {
    let name = instead.name();
    if !seen.iter().any(|seen| matches!(seen, Seen::Undefined)) {
        return page.body(&format!("This processor has {name} in 32-bit code; the vDSO makes no use of it."));
    }
    page.body(&format!(
        "This processor does not have it in 32-bit code. The tracer wrote {name} over the first int $0x80, at \
         {:#x}, and executing it raised SIGILL. {}",
        guest(Entry::Int80).kernel_entries()[0],
        match instead {
            Fast::Syscall => "(Intel's have syscall in 64-bit code only.)",
            Fast::Sysenter => "(AMD's have sysenter under a 32-bit kernel only.)",
        }
    ))?;
    match ended(seen) {
        Some(End::Exited(0)) => page.body("With its int $0x80 put back it went on, and exited with 0."),
        // It failed with its int $0x80 in the first place.
        _ if findings.denied.is_some() => Ok(()),
        end => {
            findings.unexpected(format!("part 1: after its {name} the program did not go on: {}", how(end)));
            Ok(())
        }
    }
}

fn how(end: Option<End>) -> String {
    match end {
        Some(End::Exited(status)) => format!("exit status {status}"),
        Some(End::Killed(signal)) => format!("killed by {}", super::signal(signal)),
        None => "its end was not seen".into(),
    }
}

fn ended(seen: &[Seen]) -> Option<End> {
    seen.iter().find_map(|seen| match seen {
        Seen::Ended(end) => Some(*end),
        _ => None,
    })
}

impl Findings {
    /// Compares what was seen with what part 1 says of it.
    fn note(&mut self, entry: Entry, seen: &[Seen]) {
        let answer = seen.iter().find_map(|seen| match seen {
            Seen::Returned(eax) => Some(Errno::from_eax(*eax)),
            _ => None,
        });
        match (answer, ended(seen)) {
            (Some(Ok(_)), Some(End::Exited(0))) => {}
            (Some(Err(errno)), Some(End::Exited(_))) if self.filtered => {
                self.denied = Some(Denial::Errno(errno));
            }
            (None, Some(End::Killed(signal))) if self.filtered && signal == Signal::SIGSYS as i32 => {
                self.denied = Some(Denial::Sigsys);
            }
            (_, end) => {
                let name = guest(entry);
                self.unexpected(format!("part 1: {name} is to make a socket and close it: {}", how(end)));
            }
        }
    }
}

const EXIT: u32 = 1;
const CLOSE: u32 = 6;

/// The i386 calls that the program makes.
const fn name(number: u32) -> &'static str {
    match number {
        EXIT => "exit",
        CLOSE => "close",
        SOCKETCALL_I386 => "socketcall",
        _ => "",
    }
}

/// The names of values that the program passes (linux/socket.h, linux/net.h).
const MEANINGS: [(Type, u32, &str); 3] = [
    (Type::Family, 2, "AF_INET"),
    (Type::SocketType, 1, "SOCK_STREAM"),
    (Type::Protocol, 0, "the default: TCP"),
];

fn meaning(ty: Type, value: u32) -> &'static str {
    MEANINGS.iter().find(|(of, at, _)| (*of, *at) == (ty, value)).map_or("", |(_, _, name)| name)
}
