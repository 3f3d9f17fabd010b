//! A policy made ready: a tree over the registers of each call, and indexes for what memory decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use abi::{Call, Errno};
use seccomp::{Arch, Data, Wants};

use crate::decide::{By, Verdict};
use crate::escape::Escape;
use crate::judge::{Bench, Copied, Judge};
use crate::model::{Action, Policy};
use crate::node::{Node, Step};
use crate::plan::{Plan, plan};

/// The bit that makes a number of x86-64 one of x32 (`__X32_SYSCALL_BIT`).
pub(crate) const X32: u32 = 0x4000_0000;
/// The numbers that are x32's own, with the bit and, on some kernels, without (arch/x86/entry/syscalls/syscall_64.tbl).
const X32_OWN: std::ops::RangeInclusive<u32> = 512..=547;
/// A call of which registers decide something.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The architecture that a filter sees.
    pub arch: Arch,
    /// The number that it sees; of x32, with its bit.
    pub number: u32,
    /// The call's name.
    pub name: &'static str,
    /// The call, if it is one of the twenty.
    pub call: Option<Call>,
    pub(crate) node: Arc<Node>,
}

impl Planned {
    /// What a call with these arguments comes to.
    #[must_use]
    pub fn step(&self, args: &[u64; 6]) -> Step {
        self.node.step(args)
    }

    /// All that it can come to.
    #[must_use]
    pub fn steps(&self) -> BTreeSet<Step> {
        let mut steps = Vec::new();
        self.node.leaves(&mut steps);
        steps.into_iter().collect()
    }

    /// Whether memory may decide of it.
    pub(crate) fn reads_memory(&self) -> bool {
        self.steps().contains(&Step::Memory)
    }
}

/// A policy, compiled.
#[derive(Debug)]
pub struct Compiled {
    policy: Policy,
    planned: BTreeMap<(Arch, u32), Planned>,
    /// What decides in registers, call by call.
    pub(crate) deciders: BTreeMap<Call, BTreeSet<By>>,
    pub(crate) judge: Judge,
    judges: bool,
    destinations: bool,
    paths: bool,
    holds: bool,
}

/// What is done with numbers of x32, and of architectures that are not known.
pub(crate) const fn refused(escape: Escape) -> Verdict {
    Verdict::deny(Errno::ENOSYS, By::Escape(escape))
}

impl Policy {
    /// Makes the policy ready.
    #[must_use]
    pub fn compile(self) -> Compiled {
        let judge = Judge::new(&self);
        let Plan { planned, deciders } = plan(&self, &judge);
        let (judges, destinations, paths) =
            (self.judges_addresses(), self.judges_destinations(), self.asks_for_paths());
        let holds = planned.values().any(|planned| *planned.node == Node::Leaf(Step::Held));
        Compiled { judge, policy: self, planned, deciders, judges, destinations, paths, holds }
    }
}

impl Compiled {
    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Every call of which registers decide something, by architecture and number.
    pub fn plan(&self) -> impl Iterator<Item = &Planned> {
        self.planned.values()
    }

    /// Whether memory decides of some call: then the filter alone is not enough.
    #[must_use]
    pub fn needs_memory(&self) -> bool {
        self.planned.values().any(Planned::reads_memory)
    }

    /// Whether paths of unix sockets have to be resolved before [`Compiled::judge`] is asked.
    #[must_use]
    pub const fn needs_paths(&self) -> bool {
        self.paths
    }

    /// Whether a descriptor has to stay the socket that it was when an address was judged for it, until the call is made: the
    /// rules about addresses tell sockets apart that take the same ones, and [`Escape::Dup2`] is not left open.
    #[must_use]
    pub const fn holds_descriptors(&self) -> bool {
        self.holds
    }

    /// What a call comes to by its registers, whatever a filter's answer says: at a stop, this is to be believed.
    #[must_use]
    pub fn step(&self, data: &Data) -> Step {
        let Some(arch) = Arch::ALL.into_iter().find(|arch| arch.audit() == data.arch) else {
            return if self.is_open(Escape::UnknownArch) {
                Step::Allow
            } else {
                refused(Escape::UnknownArch).into()
            };
        };
        match self.planned.get(&(arch, data.nr)) {
            Some(planned) => planned.step(&data.args),
            None if arch == Arch::X86_64 && !self.is_open(Escape::X32) && is_x32(data.nr) => {
                refused(Escape::X32).into()
            }
            None => Step::Allow,
        }
    }

    /// What becomes of a call whose registers leave it to memory.
    #[must_use]
    pub fn judge(&self, copied: &Copied<'_>) -> Verdict {
        let Compiled { policy, judge, judges, destinations, paths, .. } = self;
        let bench = Bench { policy, judge, judges: *judges, destinations: *destinations, paths: *paths };
        bench.judge(copied)
    }

    /// Adds what the policy wants of the filter. `answer` says how a step is answered: `None` leaves the call to
    /// other wants. It is asked for [`Step::Allow`] too.
    pub fn add_to(&self, wants: &mut Wants, answer: &dyn Fn(Step) -> Option<seccomp::Action>) {
        let mut made = HashMap::new();
        for planned in self.planned.values() {
            wants.add_tree(planned.arch, planned.number, &planned.node.tree(answer, &mut made));
        }
        if let Some(action) = self.refusal(Escape::X32).and_then(|verdict| answer(verdict.into())) {
            // -1 is what a tracer sets to skip a call.
            wants.add_range(Arch::X86_64, X32..=u32::MAX - 1, action);
            wants.add_range(Arch::X86_64, X32_OWN, action);
        }
        if let Some(action) = self.refusal(Escape::UnknownArch).and_then(|verdict| answer(verdict.into())) {
            wants.unknown_arch(action);
        }
    }

    /// What the policy wants of a filter that decides alone: refusals are silent, and what memory decides is
    /// answered by RET_TRACE with `memory`.
    #[must_use]
    pub fn register_wants(&self, memory: u16) -> Wants {
        let mut wants = Wants::new();
        self.add_to(&mut wants, &|step| silent(step, memory));
        wants
    }

    pub(crate) fn refusal(&self, escape: Escape) -> Option<Verdict> {
        (!self.is_open(escape)).then(|| refused(escape))
    }

    fn is_open(&self, escape: Escape) -> bool {
        self.policy.escapes.contains(&escape)
    }
}

/// The answer of a filter that tells nobody.
#[must_use]
pub fn silent(step: Step, memory: u16) -> Option<seccomp::Action> {
    match step {
        // Who decides alone lets nobody go on with what was judged.
        Step::Allow | Step::Held => None,
        Step::Memory => Some(seccomp::Action::Trace(memory)),
        Step::Decided(verdict) => match verdict.action {
            Action::Allow => None,
            Action::Log => Some(seccomp::Action::Log),
            Action::Deny(errno) => Some(seccomp::Action::Errno(errno.raw() as u16)),
            Action::Kill => Some(seccomp::Action::KillProcess),
        },
    }
}

/// Whether a number of x86-64 is one of x32.
fn is_x32(number: u32) -> bool {
    (X32..u32::MAX).contains(&number) || X32_OWN.contains(&number)
}
