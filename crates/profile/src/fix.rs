//! A remedy, written into the profile's text: what need not change stays as it is.

use std::collections::BTreeSet;
use std::ops::Range;

use seccomp::{Action, BuildError};

use crate::arches::ProfileArch;
use crate::calls::Abi;
use crate::compile::Compiled;
use crate::document::{Operator, Placed, Profile, Rule};
use crate::error::Error;
use crate::family::Family;
use crate::report::{FindingKind, Report};
use crate::target::Target;
use crate::way::Way;

/// A profile that closes what the given one leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The text.
    pub text: String,
    /// What was changed, as sentences without a full stop.
    pub changes: Vec<String>,
}

/// Why there is no remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixError {
    /// The profile can't be judged.
    #[error(transparent)]
    Profile(#[from] Error),
    /// What is made of it is no filter that a kernel takes.
    #[error(transparent)]
    Filter(#[from] BuildError),
    /// No rule that could be added, and none of the changes that were tried, closes it.
    #[error(
        "no change was found that closes it: say in the profile which families are allowed, each by \
         SCMP_CMP_EQ, and give everything else and socketcall different errnos"
    )]
    NoRemedy,
}

/// Errnos for a rule that must not have the default's: ENOSYS is what an old kernel answers to socketcall.
const FOR_SOCKETCALL: [u16; 2] = [errno(abi::Errno::ENOSYS), errno(abi::Errno::EPERM)];
/// EAFNOSUPPORT is what a kernel answers that doesn't have the family.
const FOR_SOCKET: [u16; 2] = [errno(abi::Errno::EAFNOSUPPORT), errno(abi::Errno::EPERM)];

const fn errno(errno: abi::Errno) -> u16 {
    errno.raw() as u16
}

/// Writes a profile without the back doors of `profile` and without refusals that upper bits get around, such
/// that runtimes drop nothing of it. Nothing is changed where there is nothing to close. What comes out was
/// judged again.
///
/// # Errors
/// [`FixError`].
pub fn fix(profile: &Profile, target: &Target) -> Result<Fixed, FixError> {
    let compiled = profile.compile(target)?;
    // What is judged is what would be installed. Whoever has passed this can be asked about every family: to
    // walk the rules takes no longer than their filter is.
    compiled.filter()?;
    let report = Report::new(&compiled, Family::all());
    if is_closed(&report) {
        return Ok(Fixed { text: profile.text.clone(), changes: Vec::new() });
    }
    // From the smallest change to the largest; what closes it is found by judging it.
    for closes_socketcall in [false, true] {
        for wide in [Wide::Leave, Wide::Refuse, Wide::Rewrite] {
            let edit = Edit::new(profile, &compiled, &report, closes_socketcall, wide);
            let fixed = edit.finish();
            let Ok(again) = Profile::parse(&fixed.text) else { continue };
            let Ok(compiled) = again.compile(target) else { continue };
            if compiled.filter().is_err() {
                continue;
            }
            if is_closed(&Report::new(&compiled, Family::all())) {
                return Ok(fixed);
            }
        }
    }
    Err(FixError::NoRemedy)
}

fn is_closed(report: &Report) -> bool {
    !report.found(FindingKind::BackDoor) && !report.found(FindingKind::UpperBits)
}

/// What to do about upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wide {
    /// Nothing.
    Leave,
    /// Refuse every family above 32 bits.
    Refuse,
    /// That, and write conditions so that they do not hold for upper bits.
    Rewrite,
}

/// A rule to put in front of all others: ERRNO, for every call or for those with upper bits.
struct NewRule {
    name: &'static str,
    errno: u16,
    /// The argument, of which values above 32 bits are meant.
    above: Option<u8>,
}

/// Changes to a text.
struct Edit<'a> {
    profile: &'a Profile,
    /// Each replaces a range of its bytes; they don't overlap.
    replacements: Vec<(Range<usize>, String)>,
    /// Rules that go, by index.
    gone: BTreeSet<usize>,
    rules: Vec<NewRule>,
    changes: Vec<String>,
}

impl<'a> Edit<'a> {
    fn new(
        profile: &'a Profile,
        compiled: &Compiled,
        report: &Report,
        closes_socketcall: bool,
        wide: Wide,
    ) -> Edit<'a> {
        let mut edit = Edit {
            profile,
            replacements: Vec::new(),
            gone: BTreeSet::new(),
            rules: Vec::new(),
            changes: Vec::new(),
        };
        let door = |way| report.families.iter().any(|family| family.doors.contains(&way));
        let default = compiled.default_action();
        let other = |errnos: [u16; 2]| {
            let differs = |errno: &u16| Action::Errno(*errno) != default;
            errnos.into_iter().find(differs).unwrap_or(errnos[0])
        };
        if closes_socketcall || door(Way::Socketcall) {
            edit.deny("socketcall", other(FOR_SOCKETCALL));
        }
        if door(Way::IoUring) {
            edit.deny("io_uring_setup", other(FOR_SOCKETCALL));
        }
        if door(Way::X32) {
            edit.drop_arch(Abi::X32);
        }
        let about_socket =
            || profile.rules.iter().filter(|rule| rule.names.iter().any(|name| name.text == "socket"));
        let compared = |index: &u8| {
            about_socket().flat_map(|rule| &rule.args).any(|placed| placed.condition.index == *index)
        };
        if wide != Wide::Leave {
            for index in (0..3).filter(compared) {
                edit.rules.push(NewRule { name: "socket", errno: other(FOR_SOCKET), above: Some(index) });
                let argument = ["family", "type", "protocol"][usize::from(index)];
                edit.changes.push(format!("socket is denied where the {argument} has more than 32 bits"));
            }
        }
        if wide == Wide::Rewrite {
            about_socket().for_each(|rule| edit.narrow(rule));
        }
        edit
    }

    /// Takes `name` out of every rule that allows, and puts a rule in front that denies it whatever its
    /// arguments are: of two such rules libseccomp keeps the first, and one without conditions replaces those
    /// with.
    fn deny(&mut self, name: &'static str, errno: u16) {
        let profile = self.profile;
        for (index, rule) in profile.rules.iter().enumerate() {
            let allows = matches!(rule.action, Action::Allow | Action::Log);
            let Some(first) = rule.names.iter().find(|other| allows && other.text == name) else { continue };
            let line = profile.position(first.start).line;
            self.changes.push(format!("line {line}: {name} is no longer allowed"));
            if rule.names.iter().all(|other| other.text == name) {
                self.gone.insert(index);
                continue;
            }
            let names: Vec<_> = rule.names.iter().map(|name| name.start..name.end).collect();
            self.remove(&names, |index| rule.names[index].text == name);
        }
        self.rules.push(NewRule { name, errno, above: None });
        let errno = abi::Errno::from_raw(errno.into()).and_then(|errno| errno.name()).unwrap_or_default();
        self.changes.push(format!(
            "{name} is denied by {errno}: this is not the default's answer, so runtimes keep the rule"
        ));
    }

    fn drop_arch(&mut self, abi: Abi) {
        let profile = self.profile;
        let mapped = profile.arch_map.iter().map(|(_, all)| all.get(1..).unwrap_or_default());
        for list in std::iter::once(&profile.architectures[..]).chain(mapped) {
            // An architecture's name has no escaped quote in it.
            let end = |at: usize| profile.text[at + 1..].find('"').map_or(at, |length| at + length + 2);
            let items: Vec<_> = list.iter().map(|(_, at)| *at..end(*at)).collect();
            self.remove(&items, |index| list[index].0 == ProfileArch::X86(abi));
        }
        self.changes.push(format!("{} is no longer among the architectures", abi.profile_name()));
    }

    /// Writes a rule's conditions so that upper bits make no difference.
    fn narrow(&mut self, rule: &Rule) {
        let line = |at| self.profile.position(at).line;
        let mut changes = Vec::new();
        let with = |operator| rule.args.iter().filter(move |placed| placed.condition.op == operator);
        if matches!(rule.action, Action::Allow | Action::Log) {
            // "Not 40" holds for every upper half but 0, and comes before all ranges. "Below 40" and "above 40"
            // come after the rule that denies upper bits.
            let mut unequal = with(Operator::NotEqual);
            if let (Some(Placed { op, .. }), None) = (unequal.next(), unequal.next()) {
                let text = &self.profile.text;
                let with = |operator: Operator| {
                    let name = operator.profile_name();
                    format!("{}\"{name}\"{}", &text[rule.start..op.0], &text[op.1..rule.end])
                };
                let space = self.space_before(rule.start);
                let both = format!("{},{space}{}", with(Operator::Less), with(Operator::Greater));
                changes.push(format!("line {}: the rule became two, for less and for more", line(op.0)));
                self.replacements.push((rule.start..rule.end, both));
            }
        } else {
            for Placed { condition, object, .. } in with(Operator::Equal) {
                let masked = format!(
                    r#"{{"index": {}, "value": {}, "valueTwo": {}, "op": "{}"}}"#,
                    condition.index,
                    u32::MAX,
                    condition.value,
                    Operator::MaskedEqual.profile_name()
                );
                changes.push(format!("line {}: only the lower 32 bits are compared", line(object.0)));
                self.replacements.push((object.0..object.1, masked));
            }
        }
        self.changes.extend(changes);
    }

    /// The white space in front of byte `at`.
    fn space_before(&self, at: usize) -> &'a str {
        let before = &self.profile.text[..at];
        &before[before.trim_end_matches([' ', '\t', '\n', '\r']).len()..]
    }

    /// Takes items out of an array, each with a comma.
    fn remove(&mut self, items: &[Range<usize>], goes: impl Fn(usize) -> bool) {
        let mut index = 0;
        while index < items.len() {
            let first = index;
            while index < items.len() && goes(index) {
                index += 1;
            }
            if index > first {
                let range = match (items.get(index), first) {
                    (Some(next), _) => items[first].start..next.start,
                    (None, 0) => items[0].start..items[index - 1].end,
                    (None, _) => items[first - 1].end..items[index - 1].end,
                };
                self.replacements.push((range, String::new()));
            }
            index += 1;
        }
    }

    fn finish(mut self) -> Fixed {
        let profile = self.profile;
        let items: Vec<_> = profile.rules.iter().map(|rule| rule.start..rule.end).collect();
        let gone = std::mem::take(&mut self.gone);
        let within = |range: &Range<usize>| {
            gone.iter().any(|index| items[*index].start <= range.start && range.end <= items[*index].end)
        };
        self.replacements.retain(|(range, _)| !within(range));
        self.remove(&items, |index| gone.contains(&index));
        if let (Some((start, _)), false) = (profile.syscalls, self.rules.is_empty()) {
            let space = items.first().map_or("", |first| self.space_before(first.start));
            let some_stay = gone.len() < items.len();
            let mut text = String::new();
            for (index, rule) in self.rules.iter().enumerate() {
                let comma = if some_stay || index + 1 < self.rules.len() { "," } else { "" };
                text += &format!("{space}{}{comma}", rule.json(space));
            }
            self.replacements.push((start + 1..start + 1, text));
        }
        self.replacements.sort_by_key(|(range, _)| (range.start, range.end));
        let (mut text, mut at) = (String::new(), 0);
        for (range, new) in &self.replacements {
            text += &profile.text[at..range.start.max(at)];
            text += new;
            at = range.end.max(at);
        }
        text += &profile.text[at..];
        Fixed { text, changes: self.changes }
    }
}

impl NewRule {
    /// The rule, written as its neighbours are: `space` is what stands in front of them.
    fn json(&self, space: &str) -> String {
        let Self { name, errno, above } = self;
        let indent = space.rsplit('\n').next().unwrap_or_default();
        // Rules are two levels deep in a profile, and deeper in a bundle's configuration.
        let unit = if indent.contains('\t') { "\t".to_owned() } else { " ".repeat(indent.len().min(8) / 2) };
        let end = if space.contains("\r\n") { "\r\n" } else { "\n" };
        let line = |depth: usize| match space.contains('\n') {
            true => format!("{end}{indent}{}", unit.repeat(depth)),
            false => String::new(),
        };
        let args = above.map_or(String::new(), |index| {
            let condition = format!(r#"{{"index": {index}, "value": {}, "op": "SCMP_CMP_GT"}}"#, u32::MAX);
            format!(r#",{}"args": [{condition}]"#, line(1))
        });
        format!(
            r#"{{{}"names": ["{name}"],{}"action": "SCMP_ACT_ERRNO",{}"errnoRet": {errno}{args}{}}}"#,
            line(1),
            line(1),
            line(1),
            line(0)
        )
    }
}
