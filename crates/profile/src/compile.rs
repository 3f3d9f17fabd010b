//! What a runtime makes of a profile: rules chosen for a target, rewritten and compiled as libseccomp does.

use std::collections::{BTreeMap, BTreeSet};

use seccomp::{Action, BuildError, Data, Filter, Range, Ranges};

use crate::arches::ProfileArch;
use crate::calls::{self, Abi, X32_BIT};
use crate::document::{Condition, Operator, Profile, Rule};
use crate::error::{Error, Position, Problem};
use crate::target::{Machine, Runtime, Target};
use crate::tree::{Answer, Refusal, Tree};

/// Which rule of a profile, and by which of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The rule's index in `syscalls`.
    pub rule: usize,
    /// Where the name stands.
    pub(crate) at: usize,
}

/// Why a filter answers as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A rule.
    Rule(Origin),
    /// No rule: `defaultAction`.
    Default,
    /// Calls of this architecture are not among the profile's: libseccomp kills the thread.
    Architecture,
    /// The number is above every one that the profile names for its architecture: runc answers ENOSYS, so
    /// that programs take it for an old kernel.
    TooNew,
}

/// A profile as a runtime would compile it for one target.
#[derive(Clone, Debug)]
pub struct Compiled {
    machine: Machine,
    abis: BTreeSet<Abi>,
    calls: BTreeMap<(Abi, Call), Tree>,
    default: Action,
    /// The highest number that the profile names, where runc puts ENOSYS above it.
    last: BTreeMap<Abi, u32>,
    dropped: Vec<(String, Origin)>,
    given: Vec<Given>,
}

/// One rule as it is given to libseccomp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The system call.
    pub name: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// The answer.
    pub action: Action,
    /// The profile's rule.
    pub origin: Origin,
}

/// What libseccomp keeps rules for: a number, or a name that has none there. Rules for the latter can be in each
/// other's way too, though no call ever asks for them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Number(u32),
    Name(String),
}

/// libseccomp's action for architectures that a filter doesn't have (`SCMP_FLTATR_ACT_BADARCH`).
const BAD_ARCH: Action = Action::KillThread;
const ENOSYS: Action = Action::Errno(abi::Errno::ENOSYS.raw() as u16);

impl Profile {
    /// The first system call's name that no architecture has, and that runtimes therefore ignore.
    ///
    /// # Errors
    /// [`Problem::Unknown`].
    pub fn check_names(&self) -> Result<(), Error> {
        let mut names = self.rules.iter().flat_map(|rule| &rule.names);
        match names.find(|name| !calls::is_known(&name.text)) {
            None => Ok(()),
            Some(name) => {
                let near = calls::near_calls(&name.text);
                let problem = Problem::Unknown { what: "system call", name: name.text.clone(), near };
                Err(self.error(name.start, problem))
            }
        }
    }

    /// Where a rule names the call that it is about.
    #[must_use]
    pub fn place(&self, origin: Origin) -> Position {
        self.position(origin.at)
    }

    /// The name by which a rule is about a call.
    #[must_use]
    pub fn name(&self, origin: Origin) -> &str {
        let names = self.rules.get(origin.rule).into_iter().flat_map(|rule| &rule.names);
        names.into_iter().find(|name| name.start == origin.at).map_or("", |name| &name.text)
    }

    /// Where `defaultAction` stands.
    #[must_use]
    pub fn default_place(&self) -> Position {
        self.position(self.default_at)
    }

    /// Compiles as the target's runtime does. Unknown system calls are ignored, as there.
    ///
    /// # Errors
    /// [`Problem::Refused`] and [`Problem::TooMany`], where the runtime would refuse the profile.
    pub fn compile(&self, target: &Target) -> Result<Compiled, Error> {
        let mut compiled = Compiled {
            machine: target.machine,
            abis: self.abis(target)?,
            calls: BTreeMap::new(),
            default: self.default_action,
            last: BTreeMap::new(),
            dropped: Vec::new(),
            given: Vec::new(),
        };
        // What allows in general allows calls of the future too.
        let stub = target.runtime == Runtime::Runc
            && !matches!(self.default_action, Action::Allow | Action::Log | Action::Trace(_));
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| applies(rule, target));
        for (index, rule) in rules {
            for name in rule.names.iter().filter(|name| calls::is_known(&name.text)) {
                let origin = Origin { rule: index, at: name.start };
                if rule.action == Action::UserNotif && name.text == "write" {
                    let why = "SCMP_ACT_NOTIFY cannot be used for write, which the runtime needs".to_owned();
                    return Err(self.error(name.start, Problem::Refused(why)));
                }
                if stub {
                    compiled.note_number(&name.text);
                }
                if rule.action == compiled.default {
                    compiled.dropped.push((name.text.clone(), origin));
                    continue;
                }
                let args: Vec<_> = rule.args.iter().map(|placed| placed.condition).collect();
                for conditions in alternatives(&args) {
                    compiled.add(self, &name.text, &conditions, (rule.action, origin))?;
                }
            }
        }
        Ok(compiled)
    }

    /// The kinds of calls that the filter is made for.
    fn abis(&self, target: &Target) -> Result<BTreeSet<Abi>, Error> {
        let native = ProfileArch::X86(target.machine.native());
        let mapped = self.arch_map.iter().find(|(arch, _)| *arch == native).map(|(_, all)| all);
        let mut abis = BTreeSet::from([target.machine.native()]);
        for (arch, at) in self.architectures.iter().chain(mapped.into_iter().flatten()) {
            match arch {
                ProfileArch::X86(abi) if target.machine.takes(*abi) => {
                    abis.insert(*abi);
                }
                ProfileArch::X86(_) | ProfileArch::Other { big_endian: false } => {}
                ProfileArch::Other { big_endian: true } => {
                    let why = "libseccomp makes no filter for both byte orders".to_owned();
                    return Err(self.error(*at, Problem::Refused(why)));
                }
            }
        }
        Ok(abis)
    }
}

/// Whether a rule's `includes` and `excludes` let it stand (moby, `profiles/seccomp/seccomp_linux.go`).
fn applies(rule: &Rule, target: &Target) -> bool {
    let machine = |name: &String| name == target.machine.profile_name();
    let has = |name: &&'static str| target.caps.contains(name);
    let excludes = &rule.excludes;
    let excluded = excludes.arches.iter().any(machine)
        || excludes.caps.iter().any(has)
        || excludes.min_kernel.is_some_and(|min| target.kernel >= min);
    let includes = &rule.includes;
    let included = (includes.arches.is_empty() || includes.arches.iter().any(machine))
        && includes.caps.iter().all(has)
        && includes.min_kernel.is_none_or(|min| target.kernel >= min);
    included && !excluded
}

/// All conditions of a rule must hold; but if two are on the same argument, runtimes make a rule of each, and
/// one is enough (runc, `matchCall`).
fn alternatives(args: &[Condition]) -> Vec<Vec<Condition>> {
    let twice = |index: u8| args.iter().filter(|condition| condition.index == index).count() > 1;
    match args.iter().any(|condition| twice(condition.index)) {
        true => args.iter().map(|condition| vec![*condition]).collect(),
        false => vec![args.to_vec()],
    }
}

impl Compiled {
    fn note_number(&mut self, name: &str) {
        for abi in &self.abis {
            // libseccomp gives i386 calls that are multiplexed a negative number of its own instead.
            let multiplexed = *abi == Abi::I386 && calls::multiplexed(name).is_some();
            if let Some(number) = abi.number(name).filter(|number| *number > 0 && !multiplexed) {
                let last = self.last.entry(*abi).or_insert(number);
                *last = number.max(*last);
            }
        }
    }

    /// Adds a rule for every kind of call. A call that i386 multiplexes becomes two rules there: one for the
    /// multiplexer, whose first argument is the call's number, and one for the direct call if there is one. The
    /// conditions on all other arguments stay as they are, though the multiplexer's second argument is an
    /// address and it has no more (libseccomp, `src/syscalls.c`, `abi_rule_add`).
    fn add(
        &mut self,
        profile: &Profile,
        name: &str,
        conditions: &[Condition],
        answer: Answer,
    ) -> Result<(), Error> {
        let (action, origin) = answer;
        self.given.push(Given { name: name.to_owned(), conditions: conditions.to_vec(), action, origin });
        for abi in self.abis.clone() {
            let wide = abi == Abi::X86_64;
            let direct = abi.number(name);
            let multiplexed = if abi == Abi::I386 { calls::multiplexed(name) } else { None };
            let mut parts = Vec::new();
            if let Some((multiplexer, number)) = multiplexed {
                let first = Condition { index: 0, op: Operator::Equal, value: number.into(), value_two: 0 };
                let others = conditions.iter().filter(|condition| condition.index != 0);
                parts.push((Call::Number(multiplexer), [first].into_iter().chain(others.copied()).collect()));
            }
            match (direct, multiplexed) {
                (Some(number), _) => parts.push((Call::Number(number), conditions.to_vec())),
                (None, Some(_)) => {}
                (None, None) => parts.push((Call::Name(name.to_owned()), conditions.to_vec())),
            }
            for (call, conditions) in parts {
                let mut tree = self.calls.remove(&(abi, call.clone()));
                Tree::add(&mut tree, &conditions, wide, answer).map_err(|refusal| {
                    let Refusal::Conflict(other) = refusal else {
                        return profile.error(answer.1.at, Problem::TooMany(name.to_owned()));
                    };
                    let number = match call {
                        Call::Number(number) => format!("call {number} of {}", abi.profile_name()),
                        Call::Name(_) => abi.profile_name().to_owned(),
                    };
                    let other = profile.position(other.at);
                    let why = format!(
                        "libseccomp answers EEXIST for `{name}`: the rule of {other} gives another answer to the \
                         same arguments ({number})"
                    );
                    profile.error(answer.1.at, Problem::Refused(why))
                })?;
                self.calls.extend(tree.map(|tree| ((abi, call), tree)));
            }
        }
        Ok(())
    }

    /// The machine it is compiled for.
    #[must_use]
    pub const fn machine(&self) -> Machine {
        self.machine
    }

    /// The kinds of calls that the filter is made for; others kill the thread.
    #[must_use]
    pub const fn abis(&self) -> &BTreeSet<Abi> {
        &self.abis
    }

    /// What is answered where no rule holds.
    #[must_use]
    pub const fn default_action(&self) -> Action {
        self.default
    }

    /// Where the profile names `call` in a rule whose answer is the default's: such rules are dropped.
    pub fn dropped(&self, call: &str) -> impl Iterator<Item = Origin> {
        self.dropped.iter().filter(move |(name, _)| name == call).map(|(_, origin)| *origin)
    }

    /// The rules as they are given to libseccomp, in order: those that apply and are not dropped, with
    /// conditions on the same argument taken apart.
    #[must_use]
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// Every value that a rule for `call` compares argument `index` with.
    pub(crate) fn constants(&self, call: &str, index: u8) -> Vec<u64> {
        let about_call = self.given.iter().filter(|given| given.name == call);
        let conditions = about_call.flat_map(|given| &given.conditions);
        let values =
            conditions.filter(|condition| condition.index == index).map(|condition| match condition.op {
                Operator::MaskedEqual => condition.value_two & condition.value,
                _ => condition.value,
            });
        values.collect()
    }

    /// What the filter answers, and why, by the rules: nothing is compiled for it.
    #[must_use]
    pub fn judge(&self, data: &Data) -> (Action, Cause) {
        let arch = seccomp::Arch::ALL.into_iter().find(|arch| arch.audit() == data.arch);
        let Some(arch) = arch else { return (BAD_ARCH, Cause::Architecture) };
        let otherwise = self.without_rule(arch, data.nr);
        if otherwise.1 != Cause::Default {
            return otherwise;
        }
        let tree = self.calls.get(&(abi(arch, data.nr), Call::Number(data.nr)));
        let answer = tree.and_then(|tree| tree.judge(&data.args));
        answer.map_or(otherwise, |(action, origin)| (action, Cause::Rule(origin)))
    }

    /// What is answered for a number if no rule holds; another cause than the default comes before all rules.
    fn without_rule(&self, arch: seccomp::Arch, nr: u32) -> (Action, Cause) {
        let abi = abi(arch, nr);
        if self.last.get(&abi).is_some_and(|last| nr > *last) {
            return (ENOSYS, Cause::TooNew);
        }
        // Both kinds of 64-bit calls have one architecture. With x32 in the profile libseccomp lets any number
        // through to the rules; without, those from bit 30 on are another architecture's, but for -1, which a
        // tracer sets to skip a call.
        let known = match arch {
            seccomp::Arch::I386 => self.abis.contains(&Abi::I386),
            seccomp::Arch::X86_64 if self.abis.contains(&Abi::X32) => true,
            seccomp::Arch::X86_64 => self.abis.contains(&Abi::X86_64) && !(X32_BIT..u32::MAX).contains(&nr),
        };
        if known { (self.default, Cause::Default) } else { (BAD_ARCH, Cause::Architecture) }
    }

    /// The filter as a program.
    ///
    /// # Errors
    /// [`BuildError::Length`] or [`BuildError::TooLong`], if it would be longer than the kernel takes.
    pub fn filter(&self) -> Result<Filter, BuildError> {
        let mut ranges = Ranges::new(BAD_ARCH);
        for arch in seccomp::Arch::ALL {
            // Where the answer without a rule can change: at bits 30 and 31, and above the last number.
            let mut firsts = vec![0, X32_BIT, 2 * X32_BIT, 3 * X32_BIT, u32::MAX];
            firsts.extend(self.last.values().map(|last| last.saturating_add(1)));
            let calls = || {
                self.calls.iter().filter_map(|((abi, call), tree)| match call {
                    Call::Number(number) if abi.arch() == arch => Some((*number, tree)),
                    _ => None,
                })
            };
            firsts.extend(calls().map(|(number, _)| number.saturating_add(1)));
            for first in firsts {
                ranges.set(arch, first, Range::always(self.without_rule(arch, first).0));
            }
            for (number, tree) in calls() {
                let (otherwise, cause) = self.without_rule(arch, number);
                if cause == Cause::Default {
                    ranges.set(arch, number, Range { branches: tree.branches()?, otherwise });
                }
            }
        }
        ranges.compile()
    }
}

/// The kind of call that a number is.
const fn abi(arch: seccomp::Arch, nr: u32) -> Abi {
    match arch {
        seccomp::Arch::I386 => Abi::I386,
        seccomp::Arch::X86_64 if nr & X32_BIT != 0 => Abi::X32,
        seccomp::Arch::X86_64 => Abi::X86_64,
    }
}
