//! What `run` would do here, found out without running the program.

use std::fmt;
use std::path::PathBuf;

use stub::{FRONT_SIZE, NoRoom, Place, Variant};

use crate::demux::{Way, outer_kills, probe, release};
use crate::launch::Launch;
use crate::program::Kind;
use crate::untraced::untraced_works;
use crate::{Error, no_new_privs};

/// What `run` would do with a program on this machine, as this user.
#[derive(Debug)]
pub struct Explanation {
    /// The file that would be executed.
    pub program: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// The kernel's release.
    pub release: (u32, u32),
    /// Where the stub goes, or why there are no 32-bit programs here.
    pub stub: Result<Stub, Error>,
    /// How a raw `int $0x80` is caught.
    pub way: Way,
    /// Whether an outer filter kills on it before that.
    pub outer_kills: bool,
    /// Whether the program gets no_new_privs because of us.
    pub sets_no_new_privs: bool,
    /// Whether `--untraced` works here, or why not.
    pub untraced: Result<(), Error>,
}

/// Where the stub goes on this kernel.
#[derive(Debug)]
pub enum Stub {
    /// Into the dead part of the vDSO.
    InVdso,
    /// Into a page in front of it.
    InFront,
    /// Nowhere, and every call is trapped; because of this, or because the kernel gives no vDSO.
    Nowhere(Option<NoRoom>),
}

impl Explanation {
    /// Finds out. Starts a 32-bit program of its own, which never runs, and traces it.
    ///
    /// # Errors
    /// What `run` would fail with before it came to that.
    pub fn of(launch: &Launch) -> Result<Explanation, Error> {
        let program = launch.find()?;
        Ok(Explanation {
            kind: program.kind(),
            program: program.file(),
            release: release(),
            stub: match probe() {
                Ok(None) => Ok(Stub::Nowhere(None)),
                Ok(Some(vdso)) => Ok(match vdso.place(Place::InVdso, Variant::Plain) {
                    Ok(_) => Stub::InVdso,
                    Err(_) => match vdso.place(Place::InFront(FRONT_SIZE as u32), Variant::Plain) {
                        Ok(_) => Stub::InFront,
                        Err(no_room) => Stub::Nowhere(Some(no_room)),
                    },
                }),
                Err(error) => Err(error),
            },
            way: Way::here(),
            outer_kills: outer_kills()?,
            sets_no_new_privs: no_new_privs::would_be_set(),
            untraced: untraced_works(),
        })
    }
}

/// Lines for people.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::I386 => "a 32-bit x86 program",
            Kind::X86_64 => "a 64-bit program; 32-bit programs that it starts are served",
            Kind::Script => "a script; what its interpreter starts is served",
            Kind::Other => "no ELF file and no script: the kernel decides",
        };
        writeln!(f, "program:   {} is {kind}", self.program.display())?;
        let vdso = match &self.stub {
            Ok(Stub::InVdso) => "taken apart by the stub in the vDSO: no stop, no trap".into(),
            Ok(Stub::InFront) => {
                "taken apart by the stub in a page in front of the vDSO: no stop, no trap".into()
            }
            Ok(Stub::Nowhere(None)) => "trapped: this kernel gives 32-bit programs no vDSO (vdso32=0)".into(),
            Ok(Stub::Nowhere(Some(no_room))) => format!("trapped: {no_room}"),
            Err(error) => format!("none: {error}"),
        };
        writeln!(f, "by vDSO:   {vdso}")?;
        let raw = match (self.way, self.outer_kills) {
            (_, true) => "killed: an outer seccomp filter kills on socketcall, and nothing comes before that",
            (Way::Trace, _) => "taken apart after RET_TRACE: this process is under no seccomp filter",
            (Way::Trap, _) => "taken apart after RET_TRAP: an outer seccomp filter may answer for the call",
        };
        writeln!(f, "int $0x80: {raw}")?;
        let (major, minor) = self.release;
        writeln!(f, "kernel:    Linux {major}.{minor}")?;
        let privileges = match self.sets_no_new_privs {
            true => "no_new_privs is set: this process lacks CAP_SYS_ADMIN",
            false => "left as they are",
        };
        writeln!(f, "privileges: {privileges}")?;
        match &self.untraced {
            Ok(()) => write!(f, "--untraced: works here"),
            Err(error) => write!(f, "--untraced: {error}"),
        }
    }
}
