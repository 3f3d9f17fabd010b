//! What `run` would do here, found out without running the program.

use std::fmt;
use std::path::PathBuf;

use stub::{FRONT_SIZE, NoRoom, Place, Variant};

use crate::child::Child;
use crate::demux::{OuterKill, Way, outer_kills, probe, release};
use crate::launch::Launch;
use crate::program::Kind;
use crate::untraced::untraced_works;
use crate::{Error, no_new_privs, trial};

/// What `run` would do with a program on this machine, as this user.
#[derive(Debug)]
pub struct Explanation {
    /// The file that would be executed.
    pub program: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// What holds for any program.
    pub machine: Machine,
}

/// What `run` can do on this machine, as this user.
#[derive(Debug)]
pub struct Machine {
    /// The kernel's release.
    pub release: (u32, u32),
    /// Whether `run` starts programs here; or what it fails with.
    pub starts: Result<(), Error>,
    /// Where the stub goes. [`Error::No32Bit`] where there are no 32-bit programs; any other error says why it could not
    /// be found out, and need not keep `run` from anything.
    pub stub: Result<Stub, Error>,
    /// How a raw `int $0x80` is caught.
    pub way: Way,
    /// Of what an outer filter kills before that.
    pub outer_kills: OuterKill,
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
    /// The program is not there, or can't be executed.
    pub fn of(launch: &Launch) -> Result<Explanation, Error> {
        let program = launch.find()?;
        program.check()?;
        Ok(Explanation { kind: program.kind(), program: program.file(), machine: Machine::here() })
    }
}

impl Machine {
    /// Finds out, as [`Explanation::of`] does.
    #[must_use]
    pub fn here() -> Machine {
        let (starts, outer_kills) = match starts() {
            Ok(outer_kills) => (Ok(()), outer_kills),
            Err(error) => (Err(error), OuterKill::Nothing),
        };
        let untraced = match starts {
            // For the same reason.
            Err(_) => self::starts().map(|_| ()),
            Ok(()) => untraced_works(),
        };
        Machine {
            release: release(),
            stub: stub(),
            starts,
            way: Way::here(),
            outer_kills,
            sets_no_new_privs: no_new_privs::would_be_set(),
            untraced,
        }
    }

    /// Whether `run` helps 32-bit programs that call through the vDSO.
    #[must_use]
    pub const fn serves_vdso(&self) -> bool {
        self.starts.is_ok()
            && !matches!(self.stub, Err(Error::No32Bit))
            && !matches!(self.outer_kills, OuterKill::Everything)
    }
}

/// Whether `run` can do what it does before it starts a program; and of what an outer filter then kills that.
fn starts() -> Result<OuterKill, Error> {
    trial::need(trial::SUPERVISE)?;
    let outer_kills = outer_kills()?;
    // SAFETY: getpid takes nothing.
    Error::if_traced(unsafe { libc::getpid() })?;
    Child::held(|| 0)?.trace(tracee::Options::FOLLOW)?.end();
    Ok(outer_kills)
}

fn stub() -> Result<Stub, Error> {
    let Some(vdso) = probe()? else { return Ok(Stub::Nowhere(None)) };
    Ok(match vdso.place(Place::InVdso, Variant::Plain) {
        Ok(_) => Stub::InVdso,
        Err(_) => match vdso.place(Place::InFront(FRONT_SIZE as u32), Variant::Plain) {
            Ok(_) => Stub::InFront,
            Err(no_room) => Stub::Nowhere(Some(no_room)),
        },
    })
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
        let machine = &self.machine;
        if let Err(error) = &machine.starts {
            writeln!(f, "run:       fails here: {error}")?;
        } else {
            machine.ways(f)?;
        }
        let (major, minor) = machine.release;
        writeln!(f, "kernel:    Linux {major}.{minor}")?;
        let privileges = match machine.sets_no_new_privs {
            true => "no_new_privs is set: this process lacks CAP_SYS_ADMIN",
            false => "left as they are",
        };
        writeln!(f, "privileges: {privileges}")?;
        match &machine.untraced {
            Ok(()) => write!(f, "--untraced: works here"),
            Err(error) => write!(f, "--untraced: {error}"),
        }
    }
}

impl Machine {
    /// By which way each kind of call goes.
    fn ways(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EVERYTHING: &str = "killed: an outer seccomp filter kills 32-bit programs at any call, and nothing comes before that";
        let vdso = match &self.stub {
            _ if self.outer_kills == OuterKill::Everything => EVERYTHING.into(),
            Ok(Stub::InVdso) => "taken apart by the stub in the vDSO: no stop, no trap".into(),
            Ok(Stub::InFront) => {
                "taken apart by the stub in a page in front of the vDSO: no stop, no trap".into()
            }
            Ok(Stub::Nowhere(None)) => "trapped: this kernel gives 32-bit programs no vDSO (vdso32=0)".into(),
            Ok(Stub::Nowhere(Some(no_room))) => format!("trapped: {no_room}"),
            Err(Error::No32Bit) => format!("none: {}", Error::No32Bit),
            Err(error) => format!("taken apart; where could not be tried: {error}"),
        };
        writeln!(f, "by vDSO:   {vdso}")?;
        let raw = match (self.way, self.outer_kills) {
            (_, OuterKill::Everything) => EVERYTHING,
            (_, OuterKill::Socketcall) => {
                "killed: an outer seccomp filter kills on socketcall, and nothing comes before that"
            }
            (Way::Trace, _) => "taken apart after RET_TRACE: this process is under no seccomp filter",
            (Way::Trap, _) => "taken apart after RET_TRAP: an outer seccomp filter may answer for the call",
        };
        writeln!(f, "int $0x80: {raw}")
    }
}
