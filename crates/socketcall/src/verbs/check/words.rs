//! What is found, as sentences.

use profile::Family;
use socketcall::{Error, OuterKill, Stub, Way as Caught};
use supervise::probe::Way;

use super::ask::Access;
use super::here::Here;
pub use super::profile::families;

/// A way's name in JSON.
pub const fn name(way: Way) -> &'static str {
    match way {
        Way::X86_64 => "x86_64",
        Way::UpperBits => "upper_bits",
        Way::X32 => "x32",
        Way::I386 => "i386",
        Way::Socketcall => "socketcall",
        Way::IoUring => "io_uring",
        Way::Process32Direct => "process32_i386",
        Way::Process32Int80 => "process32_socketcall_int80",
        Way::Process32Vdso => "process32_socketcall_vdso",
    }
}

/// The answer in one word.
pub fn cell(access: Access) -> String {
    match access {
        Access::Created => "created".to_owned(),
        Access::Passes => "passes".to_owned(),
        Access::Absent => "absent".to_owned(),
        Access::Denied(errno) | Access::Refused(errno) => errno.to_string(),
        Access::Killed(signal) => signal_name(signal),
        Access::NoEntry => "-".to_owned(),
        Access::Unknown => "?".to_owned(),
    }
}

fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |signal| signal.to_string())
}

/// `socketcall (int $0x80 of a 64-bit program)`
const fn described(way: Way) -> &'static str {
    match way {
        Way::X86_64 => "socket(2)",
        Way::UpperBits => "socket(2) with bits above the family's 32",
        Way::X32 => "socket(2) of x32",
        Way::I386 => "the direct call of i386 from a 64-bit program",
        Way::Socketcall => "socketcall from a 64-bit program",
        Way::IoUring => "io_uring",
        Way::Process32Direct => "the direct call of a 32-bit program",
        Way::Process32Int80 => "socketcall of a 32-bit program (int $0x80)",
        Way::Process32Vdso => "socketcall of a 32-bit program (vDSO)",
    }
}

fn listed(parts: &[&str]) -> String {
    match parts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

const SOCKETCALL: [Way; 3] = [Way::Socketcall, Way::Process32Int80, Way::Process32Vdso];
const DIRECT: [Way; 2] = [Way::I386, Way::Process32Direct];

/// Ways by name. What is possible from any program is said once.
pub fn ways(ways: &[Way]) -> String {
    let mut parts = vec![];
    for group in [(&DIRECT[..], "the direct call of i386"), (&SOCKETCALL[..], "socketcall")] {
        if group.0.iter().all(|way| ways.contains(way)) {
            parts.push(group.1);
        } else {
            parts.extend(group.0.iter().filter(|way| ways.contains(way)).map(|way| described(*way)));
        }
    }
    let others = ways.iter().filter(|way| !DIRECT.contains(way) && !SOCKETCALL.contains(way));
    parts.extend(others.map(|way| described(*way)));
    listed(&parts)
}

/// How to close these ways.
pub fn close(doors: &[Way]) -> String {
    let any = |ways: &[Way]| ways.iter().any(|way| doors.contains(way));
    let remedies = [
        (
            any(&SOCKETCALL),
            "deny socketcall, number 102 of i386, in the filter (`socketcall check --profile FILE --fix` writes \
             such a profile); 32-bit programs then work by `socketcall run`",
        ),
        (any(&DIRECT), "let the rules on families hold for i386's socket, number 359, too"),
        (any(&[Way::X32]), "deny x32: numbers with bit 30 set"),
        (any(&[Way::UpperBits]), "compare the family's lower 32 bits alone"),
        (any(&[Way::IoUring]), "deny io_uring_setup, or set the sysctl kernel.io_uring_disabled to 2"),
    ];
    let remedies: Vec<_> = remedies.into_iter().filter(|(is, _)| *is).map(|(_, remedy)| remedy).collect();
    remedies.join("; ")
}

/// What socketcall does that it must not: `answers ENOSYS`.
pub fn answers(answers: &[Access]) -> String {
    let parts: Vec<_> = answers
        .iter()
        .map(|access| match access {
            Access::Killed(signal) => format!("kills by {}", signal_name(*signal)),
            other => format!("answers {}", cell(*other)),
        })
        .collect();
    listed(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What helps 32-bit programs where socketcall is denied.
pub fn help(killed: bool, here: &Here) -> String {
    let machine = &here.run;
    match (&machine.starts, &machine.stub) {
        (Err(error), _) | (_, Err(error @ Error::No32Bit)) => {
            format!("`socketcall run` would help, but not here: {error}")
        }
        // Where the filter traps, people are killed too; but `run` comes in front of that.
        _ if killed && machine.outer_kills == OuterKill::Socketcall => {
            "`socketcall run -- PROGRAM`, for programs that call through the vDSO, as glibc does; who makes a raw \
             int $0x80, as Go's programs do, is killed before anything can help"
                .to_owned()
        }
        _ if machine.outer_kills == OuterKill::Everything => NOTHING_HELPS.to_owned(),
        _ => "`socketcall run -- PROGRAM`".to_owned(),
    }
}

/// Of a filter that kills 32-bit programs at any call.
const NOTHING_HELPS: &str = "the filter kills 32-bit programs at any call, and `socketcall run` can't help: let it \
                             allow them (systemd: SystemCallArchitectures=native x86)";

/// Said where 32-bit programs have none of the sockets that were asked for.
pub fn no_socket(place: &str, asked: usize) -> String {
    let which = if asked < Family::all().count() { "socket of these families" } else { "socket" };
    format!("32-bit programs can create no {which} {place}, by socketcall or directly")
}

/// Whether `run` works here, and in which mode.
pub fn run(here: &Here) -> String {
    let machine = &here.run;
    if let Err(error) = &machine.starts {
        return format!("does not work here: {error}");
    }
    if machine.outer_kills == OuterKill::Everything {
        return format!("starts programs here, but {NOTHING_HELPS}");
    }
    let vdso = match &machine.stub {
        Err(error @ Error::No32Bit) => return format!("has nothing to do here: {error}"),
        Err(error) => format!("in a way that could not be tried ({error})"),
        Ok(Stub::InVdso) => "by the stub in the vDSO".to_owned(),
        Ok(Stub::InFront) => "by the stub in front of the vDSO".to_owned(),
        Ok(Stub::Nowhere(_)) => "by traps".to_owned(),
    };
    let raw = match (machine.outer_kills, machine.way) {
        (OuterKill::Socketcall | OuterKill::Everything, _) => "int $0x80 is killed by the outer filter",
        (_, Caught::Trace) => "int $0x80 by RET_TRACE",
        (_, Caught::Trap) => "int $0x80 by RET_TRAP",
    };
    let untraced = match &machine.untraced {
        Ok(()) => "--untraced works too".to_owned(),
        Err(error) => error.to_string(),
    };
    format!("works here: calls through the vDSO {vdso}, {raw}; {untraced}")
}

/// The families of a row: by name, or "all 45", or "the other 40".
pub fn row(families: &[Family], total: usize) -> String {
    match families.len() {
        count if count == total && total > 1 => format!("all {total}"),
        count if count > total / 2 && total > 1 => format!("the other {count}"),
        _ => self::families(families, 3),
    }
}
