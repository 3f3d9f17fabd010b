//! What the running kernel has: its release, and its 32-bit vDSO with the stub in it.

use std::ffi::CStr;
use std::io;

use stub::{FRONT_SIZE, Image, Labels, Place, Variant, Vdso};
use tracee::{Resume, Scope, Stop, Stopped, Waited, Waiter};

use super::auxv::Auxv;
use crate::child::{Child, kill};
use crate::place::{self, Refusal};
use crate::{Error, say, trial};

/// The release as (major, minor), from uname(2).
pub(crate) fn release() -> (u32, u32) {
    // SAFETY: utsname is arrays of bytes, for which zero is a value.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: uname fills the structure in.
    unsafe { libc::uname(&raw mut names) };
    // SAFETY: the kernel ends the string with a zero within the array.
    let release = unsafe { CStr::from_ptr(names.release.as_ptr()) };
    parse(&release.to_string_lossy())
}

fn parse(release: &str) -> (u32, u32) {
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Whether this kernel is at least this release. What taking calls apart needs came with 4.3.
pub(crate) fn check(needed: (u32, u32)) -> Result<(), Error> {
    match release() {
        release if release < needed => Err(Error::OldKernel(release.0, release.1)),
        _ => Ok(()),
    }
}

/// Where the stub goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Into the vDSO, at exec.
    InVdso,
    /// Into a page in front of the vDSO, when exec returns and calls can be injected.
    InFront,
    /// Nowhere: every call is trapped.
    Nowhere,
}

/// The vDSO, known from the first 32-bit program on: the kernel gives the same one to every program.
#[derive(Default)]
pub(crate) struct Kernel {
    known: Option<Known>,
    plan: Option<Plan>,
    /// The image that was made last, and for what.
    image: Option<(Place, Image)>,
}

/// A vDSO, or that this kernel's is none for us.
type Known = Option<Vdso>;

impl Kernel {
    /// Puts the stub in front of the vDSO even where it has room.
    pub(crate) fn in_front(&mut self) {
        self.plan = Some(Plan::InFront);
    }

    pub(crate) fn know(&mut self, vdso: &Vdso) {
        self.known = Some(Some(vdso.clone()));
    }

    /// The vDSO that lies at `at` in a program that has not run yet.
    fn vdso(&mut self, stopped: &Stopped, at: u32) -> tracee::Result<Option<&Vdso>> {
        if self.known.is_none() {
            self.known = Some(read(stopped, at)?);
        }
        Ok(self.known.as_ref().and_then(Option::as_ref))
    }

    /// The address of the vDSO's `int $0x80`.
    pub(crate) fn int80(&mut self, stopped: &Stopped, at: u32) -> tracee::Result<Option<u32>> {
        Ok(self.vdso(stopped, at)?.map(|vdso| at + vdso.int80()))
    }

    /// Where calls through the vDSO come back to, once it is known.
    pub(crate) fn landing_pad(&self) -> Option<u32> {
        self.known.as_ref()?.as_ref().map(Vdso::landing_pad)
    }

    /// Where the stub goes on this kernel, whose vDSO lies at `at`.
    pub(crate) fn plan(&mut self, stopped: &Stopped, at: u32, variant: Variant) -> tracee::Result<Plan> {
        let planned = self.plan;
        let Some(vdso) = self.vdso(stopped, at)? else { return Ok(Plan::Nowhere) };
        let fits = |place| vdso.place(place, variant);
        let plan = match planned {
            Some(plan) => plan,
            None if fits(Place::InVdso).is_ok() => Plan::InVdso,
            None => match fits(Place::InFront(FRONT_SIZE as u32)) {
                Ok(_) => Plan::InFront,
                Err(no_room) => {
                    say(format_args!("{no_room}: every multiplexed call is trapped instead, which costs"));
                    Plan::Nowhere
                }
            },
        };
        self.plan = Some(plan);
        Ok(plan)
    }

    /// The image for a place that [`Kernel::plan`] found.
    pub(crate) fn image(&mut self, place: Place, variant: Variant) -> Option<&Image> {
        if self.image.as_ref().is_none_or(|(made_for, _)| *made_for != place) {
            let vdso = self.known.as_ref()?.as_ref()?;
            self.image = Some((place, vdso.place(place, variant).ok()?));
        }
        self.image.as_ref().map(|(_, image)| image)
    }

    /// Places in the stub, as offsets from where it was put; the same for all processes.
    pub(crate) fn labels(&self) -> Option<&Labels> {
        self.image.as_ref().map(|(_, image)| image.labels())
    }
}

fn read(stopped: &Stopped, at: u32) -> tracee::Result<Known> {
    let mut bytes = vec![0; stub::SIZE];
    let read = stopped.read(at.into(), &mut bytes)?;
    Ok(match Vdso::parse(&bytes[..read]) {
        Ok(vdso) => Some(vdso),
        Err(bad) => {
            say(format_args!("{bad}: every multiplexed call is trapped instead, which costs"));
            None
        }
    })
}

/// Starts a 32-bit program that never runs, to look at its vDSO. None where the kernel gives none.
///
/// # Errors
/// There is no 32-bit support, tracing is forbidden or kills, or there is no place to execute a program from.
pub(crate) fn probe() -> Result<Option<Vdso>, Error> {
    trial::need(trial::TRACE)?;
    let guest = guest32::Guest::ALL[0];
    place::Place::find(&[(guest.name(), guest.image())], probe_in).map(|(_, vdso)| vdso)
}

fn probe_in(place: &place::Place) -> Result<Option<Vdso>, Refusal> {
    let argv = [c"probe".as_ptr(), std::ptr::null()];
    let child = Child::held(|| place.execute(&argv))?.trace(tracee::Options::FOLLOW)?;
    let mut waiter = Waiter::new(Scope::One(child.pid()));
    let mut vdso = None;
    loop {
        match waiter.wait().map_err(|error| Error::os("waitpid", error))? {
            Waited::Stopped(mut stopped, Stop::Exec { .. }) => {
                let auxv = Auxv::read(&stopped).map_err(Error::from)?;
                vdso = if auxv.vdso == 0 { None } else { read(&stopped, auxv.vdso).map_err(Error::from)? };
                if !kill(child.pid()) {
                    // It ends by itself, of SIGSEGV, before its first instruction.
                    let mut registers = stopped.registers().map_err(Error::from)?;
                    registers.set_ip(0);
                    stopped.set_registers(&registers).map_err(Error::from)?;
                    let _ = stopped.resume(Resume::Continue(0));
                }
            }
            // It waits for nothing else than its end.
            Waited::Stopped(stopped, Stop::Signal(signal)) => drop(stopped.resume(Resume::Continue(signal))),
            Waited::Stopped(stopped, _) => drop(stopped.resume(Resume::Continue(0))),
            Waited::Exited(_, libc::ENOEXEC) => return Err(Error::No32Bit.into()),
            Waited::Exited(_, errno) => return Err(io::Error::from_raw_os_error(errno).into()),
            Waited::Killed { .. } | Waited::Interrupted | Waited::Nobody => return Ok(vdso),
        }
    }
}
