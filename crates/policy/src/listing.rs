//! The filter as text: one instruction on a line, and what it is for.

use std::cell::RefCell;
use std::fmt::Write as _;

use seccomp::{Action, Arch, BuildError, Filter, Wants};

use crate::compile::{Compiled, silent};
use crate::node::Step;

/// Codes of instructions (include/uapi/linux/bpf_common.h).
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

impl Compiled {
    /// The filter of this policy alone: refusals are silent, and what memory decides answers RET_TRACE.
    ///
    /// # Errors
    /// [`BuildError::Length`], if it would be longer than the kernel takes.
    pub fn listing(&self) -> Result<String, BuildError> {
        let filter = self.register_wants(0).compile()?;
        let reasons = self.reasons(&filter)?;
        let mut text = String::new();
        let known = states(&filter);
        for (at, insn) in filter.instructions().iter().enumerate() {
            let (code, jt, jf, k) = insn.raw();
            let to = |skip: u32| at + 1 + skip as usize;
            let State { word, arch } = &known[at];
            let (what, comment) = match code {
                LOAD => (format!("ld [{k}]"), field(k)),
                AND => (format!("and {k:#x}"), String::new()),
                JUMP => (format!("ja {}", to(k)), String::new()),
                EQUAL | AT_LEAST => {
                    let (name, sign) = if code == EQUAL { ("jeq", "==") } else { ("jge", ">=") };
                    let named = match (word.map(field).as_deref(), arch) {
                        (Some("architecture"), _) => of(k).map(|arch| format!("{arch:?}")),
                        (Some("number"), Some(arch)) => self.name(*arch, k).map(str::to_owned),
                        _ => None,
                    };
                    let named = named.map_or_else(|| k.to_string(), |name| format!("{k}, {name}"));
                    let word = word.map_or_else(String::new, field);
                    let (jt, jf) = (to(jt.into()), to(jf.into()));
                    (format!("{name} {k:#x}, {jt}, {jf}"), format!("{word} {sign} {named}"))
                }
                RETURN => (format!("ret {:?}", Action::from_ret(k)), reasons[at].clone()),
                _ => (format!("{insn:?}"), String::new()),
            };
            // Writing to a string cannot fail.
            let _ = match comment.as_str() {
                "" => writeln!(text, "{at:4}  {what}"),
                comment => writeln!(text, "{at:4}  {what:<28}; {comment}"),
            };
        }
        Ok(text)
    }

    fn name(&self, arch: Arch, number: u32) -> Option<&'static str> {
        self.plan()
            .find(|planned| (planned.arch, planned.number) == (arch, number))
            .map(|planned| planned.name)
    }

    /// For each return, what decided. The same filter with other answers tells them apart.
    fn reasons(&self, filter: &Filter) -> Result<Vec<String>, BuildError> {
        let steps: RefCell<Vec<Step>> = RefCell::default();
        let mut wants = Wants::new();
        self.add_to(&mut wants, &|step| {
            silent(step, 0)?;
            let mut steps = steps.borrow_mut();
            let known = steps.iter().position(|own| *own == step);
            let number = known.unwrap_or_else(|| {
                steps.push(step);
                steps.len() - 1
            });
            Some(Action::Trace(number as u16))
        });
        let numbered = wants.compile()?;
        let steps = steps.into_inner();
        let reason = |at: usize| {
            let (_, _, _, k) = numbered.instructions().get(at)?.raw();
            match Action::from_ret(k) {
                Action::Trace(number) => match steps.get(usize::from(number))? {
                    Step::Memory => Some("memory decides".to_owned()),
                    Step::Decided(verdict) => Some(verdict.why(self.policy())),
                    Step::Allow | Step::Held => None,
                },
                _ => None,
            }
        };
        Ok((0..filter.instructions().len()).map(|at| reason(at).unwrap_or_default()).collect())
    }
}

/// What is known where an instruction is executed.
#[derive(Clone, Debug, Default)]
struct State {
    /// The offset of the word that was loaded.
    word: Option<u32>,
    /// The call's architecture.
    arch: Option<Arch>,
}

/// What is known at each instruction. Jumps go forwards only, and whoever comes to an instruction knows the same.
fn states(filter: &Filter) -> Vec<State> {
    let mut known: Vec<Option<State>> = vec![None; filter.instructions().len()];
    for (at, insn) in filter.instructions().iter().enumerate() {
        let (code, jt, jf, k) = insn.raw();
        let state: State = known[at].get_or_insert_default().clone();
        let mut reaches = |skip: u32, state: State| {
            if let Some(next) = known.get_mut(at + 1 + skip as usize) {
                next.get_or_insert(state);
            }
        };
        match code {
            RETURN => {}
            JUMP => reaches(k, state),
            LOAD => reaches(0, State { word: Some(k), ..state }),
            EQUAL | AT_LEAST => {
                let same = if state.word == Some(4) { of(k) } else { state.arch };
                reaches(jt.into(), State { arch: same, ..state });
                reaches(jf.into(), state);
            }
            _ => reaches(0, state),
        }
    }
    known.into_iter().map(Option::unwrap_or_default).collect()
}

/// The architecture of a number.
fn of(audit: u32) -> Option<Arch> {
    Arch::ALL.into_iter().find(|arch| arch.audit() == audit)
}

/// The word of `struct seccomp_data` at an offset.
fn field(offset: u32) -> String {
    match offset {
        0 => "number".to_owned(),
        4 => "architecture".to_owned(),
        8 | 12 => "instruction pointer".to_owned(),
        _ => {
            let half = if offset.is_multiple_of(8) { "" } else { ", upper half" };
            format!("argument {}{half}", (offset - 16) / 8)
        }
    }
}
