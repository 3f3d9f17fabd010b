//! Which calls are shown.

use abi::{Call, SOCKETCALL_I386};
use decode::Abi;
use seccomp::Arch;

use super::Observer;

/// The calls that an observer wants to see, by interface and name. Asked at every stop: there are few, and most are found by
/// where their names lie.
#[derive(Debug, Default)]
pub(super) struct Shown([Vec<&'static str>; 3]);

impl Shown {
    pub(super) fn of(observer: &impl Observer) -> Shown {
        let mut shown = Shown::default();
        for (abi, name) in names() {
            if observer.shows(abi, name) && !shown.has(abi, name) {
                shown.0[abi as usize].push(name);
            }
        }
        shown
    }

    pub(super) fn has(&self, abi: Abi, name: &str) -> bool {
        let names = &self.0[abi as usize];
        names.iter().any(|own| std::ptr::eq(*own, name)) || names.contains(&name)
    }

    /// The system calls by whose numbers something that is shown can be made. Where calls are `taken_apart`, accept comes as
    /// accept4, send as sendto and recv as recvfrom.
    pub(super) fn numbers(&self, taken_apart: bool) -> Vec<(Arch, u32)> {
        let becomes = |number: u32| {
            let multiplexed = Call::ALL.into_iter().filter(move |call| call.direct_i386() == number);
            taken_apart && multiplexed.into_iter().any(|call| self.has(Abi::I386, call.name()))
        };
        let is_shown = |abi, number, name| self.has(abi, name) || (abi == Abi::I386 && becomes(number));
        all_numbers()
            .filter(|(_, number, name)| *number != SOCKETCALL_I386 || *name != "socketcall")
            .filter(|(abi, number, name)| is_shown(*abi, *number, name))
            .map(|(abi, number, _)| (if abi == Abi::I386 { Arch::I386 } else { Arch::X86_64 }, number))
            .collect()
    }
}

/// The numbers that can name a socket call, by interface.
fn all_numbers() -> impl Iterator<Item = (Abi, u32, &'static str)> {
    const LAST: u32 = 1024;
    [Abi::I386, Abi::X86_64, Abi::X32].into_iter().flat_map(|abi| {
        let bit = if abi == Abi::X32 { Abi::X32_BIT } else { 0 };
        (0..LAST).filter_map(move |number| Some((abi, number | bit, abi.name_of(number | bit)?)))
    })
}

/// The names of all calls that can be shown, by interface.
fn names() -> impl Iterator<Item = (Abi, &'static str)> {
    let multiplexed = Call::ALL.into_iter().map(|call| (Abi::I386, call.name()));
    all_numbers().map(|(abi, _, name)| (abi, name)).chain(multiplexed)
}
