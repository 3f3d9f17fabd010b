//! Putting the stub into a new program.

use stub::{FRONT_SIZE, Labels, Place, Variant};
use tracee::{Injection, Stopped, Waiter};

use super::auxv::Auxv;
use super::kernel::{Kernel, Plan};

/// Where the stub was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The address that [`Labels`] count from.
    pub base: u32,
    /// The address of the stub's counters, or 0.
    pub counters: u32,
}

/// How far placing got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placing {
    Done(Placed),
    /// Exec's return is to be waited for: pages are needed.
    AtReturn,
    /// There is nowhere to put it.
    Nowhere,
}

/// Puts the stub into programs, one after the other.
pub(crate) struct Placer {
    pub(crate) kernel: Kernel,
    variant: Variant,
}

impl Placer {
    pub(crate) fn new(variant: Variant) -> Placer {
        Placer { kernel: Kernel::default(), variant }
    }

    /// From now on the stub is another.
    pub(crate) fn set_variant(&mut self, variant: Variant) {
        self.variant = variant;
    }

    /// Places in the stub, as offsets from where it was put; the same for all processes.
    pub(crate) fn labels(&self) -> Option<&Labels> {
        self.kernel.labels()
    }

    /// A new 32-bit program is in place, in exec's own stop.
    pub(crate) fn at_exec(&mut self, stopped: &mut Stopped) -> tracee::Result<Placing> {
        let auxv = Auxv::read(stopped)?;
        if !auxv.has_vdso() {
            return Ok(Placing::Nowhere);
        }
        match self.kernel.plan(stopped, auxv.vdso, self.variant)? {
            Plan::InVdso if self.variant != Variant::Counting => {
                let placed = self.place(stopped, auxv, Place::InVdso, 0)?;
                Ok(placed.map_or(Placing::Nowhere, Placing::Done))
            }
            Plan::Nowhere => Ok(Placing::Nowhere),
            Plan::InVdso | Plan::InFront => Ok(Placing::AtReturn),
        }
    }

    /// At exec's return, where calls can be injected: makes the pages that the stub needs, and places it. None
    /// if there is no room for them.
    pub(crate) fn at_return(
        &mut self,
        waiter: &mut Waiter,
        stopped: &mut Stopped,
    ) -> tracee::Result<Option<Placed>> {
        let auxv = Auxv::read(stopped)?;
        let plan = self.kernel.plan(stopped, auxv.vdso, self.variant)?;
        let Some(int80) = self.kernel.int80(stopped, auxv.vdso)? else { return Ok(None) };
        let mut map = |at: u32, protection: libc::c_int, flags: libc::c_int| -> tracee::Result<Option<u32>> {
            const MMAP2: u32 = 192;
            let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let args = [at, FRONT_SIZE as u32, protection as u32, flags as u32, u32::MAX, 0];
            let call = Injection { instruction: int80, number: MMAP2, args };
            let page = tracee::inject(waiter, stopped, call)?.cast_unsigned();
            // What lies in the last page of addresses is an errno.
            Ok(Some(page).filter(|page| *page < u32::MAX - 4095))
        };
        let counters = match self.variant {
            Variant::Counting => match map(0, libc::PROT_READ | libc::PROT_WRITE, 0)? {
                Some(page) => page,
                // It has no memory left: every call is trapped, and counted so.
                None => return Ok(None),
            },
            _ => 0,
        };
        let mut place = Some(Place::InVdso);
        if plan == Plan::InFront {
            // In front of the vDSO lie the kernel's own data pages; in front of those is room.
            const NEAR: u32 = 32;
            place = None;
            for pages in 1..=NEAR {
                let distance = pages * FRONT_SIZE as u32;
                let at = auxv.vdso - distance;
                let protection = libc::PROT_READ | libc::PROT_EXEC;
                if map(at, protection, libc::MAP_FIXED_NOREPLACE)? == Some(at) {
                    place = Some(Place::InFront(distance));
                    break;
                }
            }
        }
        match place {
            Some(place) => self.place(stopped, auxv, place, counters),
            None => Ok(None),
        }
    }

    /// Writes the stub, and points the auxiliary vector at it.
    fn place(
        &mut self,
        stopped: &mut Stopped,
        auxv: Auxv,
        place: Place,
        counters: u32,
    ) -> tracee::Result<Option<Placed>> {
        let Some(image) = self.kernel.image(place, self.variant) else { return Ok(None) };
        let base = match place {
            Place::InVdso => auxv.vdso,
            Place::InFront(distance) => auxv.vdso - distance,
        };
        let mut registers = stopped.registers()?;
        for write in image.writes(base, counters, registers.ip() as u32) {
            stopped.write((base + write.offset).into(), &write.bytes)?;
        }
        let labels = image.labels();
        let entry = base + labels.entry;
        stopped.write(auxv.sysinfo_at.into(), &entry.to_le_bytes())?;
        if base != auxv.vdso {
            stopped.write(auxv.vdso_at.into(), &base.to_le_bytes())?;
        }
        if let Some(boot) = labels.boot {
            registers.set_ip((base + boot).into());
            stopped.set_registers(&registers)?;
        }
        Ok(Some(Placed { base, counters }))
    }
}
