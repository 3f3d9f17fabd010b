//! A seccomp profile for container runtimes that applies what registers decide.
//!
//! libseccomp compares 64 bits and knows no order of rules. So each refused call becomes rules that have nothing in
//! common, made of masked comparisons alone: a range of numbers is a few blocks of aligned ones. A filter has room
//! for few of these, so numbers that no kernel knows are left to the kernel, which refuses them: families from 64 on,
//! protocols from 512 on. The filter of `socketcall run` leaves nothing to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seccomp::Word;
use serde::Serialize;

use crate::compile::Compiled;
use crate::decide::{By, Verdict};
use crate::escape::Escape;
use crate::model::{Action, CREATE};
use crate::node::{Node, Step};

/// ENOSYS, which no rule of a profile's default has.
const ENOSYS: u32 = 38;

/// What `socketcall run` needs itself inside of the container. It refuses these to the program.
const OWN: [Escape; 4] =
    [Escape::Ptrace, Escape::ProcessVmWritev, Escape::PidfdGetfd, Escape::SeccompListener];

/// A profile, and what it can't say.
#[derive(Clone, Debug)]
pub struct Oci {
    /// JSON.
    pub text: String,
    /// The calls of which memory decides: the profile lets them through to `socketcall run --policy`.
    pub memory: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: &'static str,
    architectures: Vec<&'static str>,
    syscalls: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    names: Vec<&'static str>,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno_ret: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<Condition>,
}

/// `argument & value == value_two`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    index: u8,
    value: u64,
    value_two: u64,
    op: &'static str,
}

/// Of each argument, the bits that count and what they are.
type Asked = BTreeMap<u8, (u64, u64)>;

/// A refusal, and what it asks.
type Cube = (Action, Asked);

/// Of family and protocol, the bits that count: NPROTO is below 64, IPPROTO_MAX below 512 (linux/socket.h, linux/in.h).
const COUNTS: [(u8, u32); 2] = [(0, 0x3f), (2, 0x1ff)];

impl Compiled {
    /// The profile of an OCI runtime. It denies socketcall, whose arguments no filter sees: 32-bit programs need
    /// `socketcall run` there.
    ///
    /// # Panics
    /// Never: all that it is made of can be written as JSON.
    #[must_use]
    pub fn oci(&self) -> Oci {
        let mut architectures = vec!["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"];
        if self.refusal(Escape::X32).is_none() {
            architectures.push("SCMP_ARCH_X32");
        }
        let mut syscalls = vec![Rule {
            names: vec!["socketcall"],
            action: "SCMP_ACT_ERRNO",
            errno_ret: Some(ENOSYS),
            args: Vec::new(),
        }];
        let mut memory = Vec::new();
        let mut done = BTreeSet::new();
        for planned in self.plan().filter(|planned| planned.number & 0x4000_0000 == 0) {
            let steps = planned.steps();
            if steps.contains(&Step::Memory) && !memory.contains(&planned.name) {
                memory.push(planned.name);
            }
            if done.insert((planned.name, Arc::as_ptr(&planned.node).addr())) {
                let counts: &[_] =
                    if planned.call.is_some_and(|call| CREATE.has(call)) { &COUNTS } else { &[] };
                let mut found = Vec::new();
                cubes(&planned.node, &Asked::new(), counts, &mut found);
                merge(&mut found);
                syscalls.extend(found.into_iter().map(|cube| rule(planned.name, cube)));
            }
        }
        let profile = Profile { default_action: "SCMP_ACT_ALLOW", architectures, syscalls };
        let text = serde_json::to_string_pretty(&profile).expect("strings and numbers");
        Oci { text: text + "\n", memory }
    }
}

/// Adds each way to a refusal. They have no call in common.
fn cubes(node: &Node, asked: &Asked, counts: &[(u8, u32)], found: &mut Vec<Cube>) {
    match node {
        Node::Leaf(Step::Allow | Step::Memory | Step::Held) => {}
        Node::Leaf(Step::Decided(Verdict { by: By::Escape(escape), .. })) if OWN.contains(escape) => {}
        Node::Leaf(Step::Decided(verdict)) => found.push((verdict.action, asked.clone())),
        Node::Switch { word, mask, from } => {
            let (index, shift) = match word {
                Word::Low(index) => (*index, 0),
                Word::High(index) => (*index, 32),
            };
            let count = counts.iter().find(|(own, _)| *own == index).map_or(u32::MAX, |(_, bits)| *bits);
            let mut ends: Vec<u32> = from.keys().skip(1).map(|next| next - 1).collect();
            ends.push(u32::MAX);
            for ((first, node), last) in from.iter().zip(ends).filter(|((first, _), _)| **first <= count) {
                for (bits, value) in blocks(mask & count, *first, last) {
                    let mut asked = asked.clone();
                    let (own_mask, own_value) = asked.entry(index).or_default();
                    *own_mask |= u64::from(bits) << shift;
                    *own_value |= u64::from(value) << shift;
                    asked.retain(|_, (mask, _)| *mask != 0);
                    cubes(node, &asked, counts, found);
                }
            }
        }
    }
}

/// Makes one of two that differ in one bit, as often as there are such.
fn merge(cubes: &mut Vec<Cube>) {
    let mut at = 0;
    while at < cubes.len() {
        let merged = (0..at).find_map(|other| Some((other, joined(&cubes[other], &cubes[at])?)));
        match merged {
            Some((other, cube)) => {
                cubes.remove(at);
                cubes[other] = cube;
                // It may fit another now.
                at = 0;
            }
            None => at += 1,
        }
    }
}

/// Both, if they ask the same but for one bit that one has and the other has not.
fn joined((action, a): &Cube, (other, b): &Cube) -> Option<Cube> {
    if action != other || !a.keys().eq(b.keys()) {
        return None;
    }
    let mut joined = a.clone();
    let mut differ = 0;
    for ((mask, value), (other_mask, other_value)) in joined.values_mut().zip(b.values()) {
        let bits = *value ^ other_value;
        if mask != other_mask {
            return None;
        }
        differ += bits.count_ones();
        *mask &= !bits;
        *value &= *mask;
    }
    joined.retain(|_, (mask, _)| *mask != 0);
    (differ == 1).then_some((*action, joined))
}

fn rule(name: &'static str, (action, asked): Cube) -> Rule {
    let (action, errno_ret) = match action {
        Action::Allow => ("SCMP_ACT_ALLOW", None),
        Action::Log => ("SCMP_ACT_LOG", None),
        Action::Deny(errno) => ("SCMP_ACT_ERRNO", Some(errno.raw().unsigned_abs())),
        Action::Kill => ("SCMP_ACT_KILL_PROCESS", None),
    };
    let op = "SCMP_CMP_MASKED_EQ";
    let args = asked.into_iter().map(|(index, (mask, value))| Condition {
        index,
        value: mask,
        value_two: value,
        op,
    });
    Rule { names: vec![name], action, errno_ret, args: args.collect() }
}

/// Masks and values that together stand for the numbers from `first` to `last` that have no bits but those of
/// `mask`.
fn blocks(mask: u32, first: u32, last: u32) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    if mask.checked_add(1).is_none_or(u32::is_power_of_two) {
        let last = u64::from(last.min(mask));
        let mut at = u64::from(first);
        while at <= last {
            // The largest block that begins here and fits.
            let mut size = if at == 0 { 1 << 32 } else { at & at.wrapping_neg() };
            while at + size - 1 > last && (at != 0 || size - 1 > last) {
                size /= 2;
            }
            let bits = u64::from(mask) & !(size - 1);
            found.push((bits as u32, at as u32));
            at += size;
        }
    } else {
        // Few bits: each of their combinations.
        let mut value = mask;
        loop {
            if (first..=last).contains(&value) {
                found.push((mask, value));
            }
            if value == 0 {
                break;
            }
            value = (value - 1) & mask;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::blocks;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_are_the_range(
            mask in proptest::sample::select(&[u32::MAX, 0xf, 0x2000_0000, 0x1002_0000][..]),
            ends in (any::<u32>(), any::<u32>(), 0u32..33, 0u32..33),
            values in proptest::collection::vec((any::<u32>(), 0u32..33), 20),
        ) {
            let small = |value: u32, bits: u32| value.checked_shr(bits).unwrap_or(0);
            let (a, b) = (small(ends.0, ends.2), small(ends.1, ends.3));
            let (first, last) = (a.min(b), a.max(b));
            let blocks = blocks(mask, first, last);
            let around = [first, last, first.wrapping_sub(1), last.wrapping_add(1), 0, mask];
            for value in values.into_iter().map(|(value, bits)| small(value, bits)).chain(around) {
                let holding = blocks.iter().filter(|(bits, own)| value & bits == *own).count();
                let expected = (first..=last).contains(&(value & mask));
                prop_assert_eq!(holding, usize::from(expected), "{:x} in {:x}..={:x}", value, first, last);
            }
        }
    }
}
