//! What the stub does to the stack and the registers, found by walking over its instructions: without its notes,
//! and without running it.

use std::collections::BTreeMap;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind,
    Register,
};

use crate::kernel_like::Placed;

/// DWARF's numbers of the i386 registers are those of the opcodes.
pub const REGISTERS: [Register; 8] = [
    Register::EAX,
    Register::ECX,
    Register::EDX,
    Register::EBX,
    Register::ESP,
    Register::EBP,
    Register::ESI,
    Register::EDI,
];
const EAX: usize = 0;
const ESP: usize = 4;

/// Where a value of the caller's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// It is the caller's register of this number.
    Callers(usize),
    /// It is the address that the call returns to.
    Return,
    /// Anything else.
    Other,
}

/// In front of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The stack's words, the last pushed last. The frame's address is above the first.
    pub stack: Vec<Value>,
    pub registers: [Value; 8],
}

impl State {
    /// As a call leaves things.
    fn called() -> State {
        State { stack: vec![Value::Return], registers: std::array::from_fn(Value::Callers) }
    }

    /// At the trap's entry: the address to return to is in eax.
    fn trapped() -> State {
        let mut registers = State::called().registers;
        registers[EAX] = Value::Return;
        State { stack: vec![], registers }
    }

    /// What both have in common.
    fn meet(&self, other: &State) -> State {
        assert_eq!(self.stack.len(), other.stack.len(), "the stack is as deep by both ways");
        let common = |(a, b): (&Value, &Value)| if a == b { *a } else { Value::Other };
        State {
            stack: self.stack.iter().zip(&other.stack).map(common).collect(),
            registers: std::array::from_fn(|n| common((&self.registers[n], &other.registers[n]))),
        }
    }
}

/// Every instruction that the entries lead to, with the state in front of it. Addresses are offsets from the
/// image's first byte.
pub fn states(placed: &Placed) -> BTreeMap<u32, (Instruction, State)> {
    let labels = placed.image.labels();
    let mut walk = Walk { placed, factory: InstructionInfoFactory::new(), found: BTreeMap::new() };
    walk.from(labels.entry, State::called());
    walk.from(labels.trap_entry, State::trapped());
    // The supervisor leads a thread that faulted here.
    for fault in &labels.faults {
        let states: Vec<_> = walk.found.range(fault.clone()).map(|(_, (_, state))| state.clone()).collect();
        assert!(!states.is_empty(), "the array is read where nothing leads to");
        for state in states {
            walk.from(labels.efault, state);
        }
    }
    walk.found
}

struct Walk<'a> {
    placed: &'a Placed,
    factory: InstructionInfoFactory,
    found: BTreeMap<u32, (Instruction, State)>,
}

impl Walk<'_> {
    fn from(&mut self, at: u32, state: State) {
        let mut open = vec![(at, state)];
        while let Some((at, state)) = open.pop() {
            let state = match self.found.get(&at) {
                Some((_, known)) => {
                    let met = known.meet(&state);
                    if met == *known {
                        continue;
                    }
                    met
                }
                None => state,
            };
            let code = &self.placed.bytes[at as usize..];
            let instruction = Decoder::with_ip(32, code, at.into(), DecoderOptions::NONE).decode();
            assert!(!instruction.is_invalid(), "no instruction at {at:#x}");
            self.found.insert(at, (instruction, state.clone()));
            self.step(&instruction, state, &mut open);
        }
    }

    /// Adds what comes next.
    fn step(&mut self, instruction: &Instruction, mut state: State, open: &mut Vec<(u32, State)>) {
        let next = instruction.next_ip() as u32;
        let target = instruction.near_branch_target() as u32;
        // Where the kernel's code is entered, it is as if the caller had.
        let outside = target == self.placed.vsyscall();
        match instruction.flow_control() {
            FlowControl::Next => {
                self.effect(instruction, &mut state);
                open.push((next, state));
            }
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                if outside {
                    assert_eq!(
                        state.stack,
                        [Value::Return],
                        "a jump into the kernel's code is a call's last act"
                    );
                } else {
                    open.push((target, state.clone()));
                }
                if instruction.flow_control() == FlowControl::ConditionalBranch {
                    open.push((next, state));
                }
            }
            // Code that asks where it is.
            FlowControl::Call if target == next => {
                state.stack.push(Value::Other);
                open.push((next, state));
            }
            FlowControl::Call => {
                if !outside {
                    open.push((target, State::called()));
                }
                // Both keep all registers but the result's.
                state.registers[EAX] = Value::Other;
                open.push((next, state));
            }
            FlowControl::Return => {
                assert_eq!(state.stack, [Value::Return], "it returns to its caller");
                for (n, value) in state.registers.iter().enumerate().filter(|(n, _)| ![EAX, ESP].contains(n))
                {
                    assert_eq!(*value, Value::Callers(n), "{:?} is restored", REGISTERS[n]);
                }
            }
            other => panic!("{other:?} at {:#x}", instruction.ip()),
        }
    }

    /// What an instruction does that goes on to the next one.
    fn effect(&mut self, instruction: &Instruction, state: &mut State) {
        let number = |register: Register| {
            REGISTERS.iter().position(|of| *of == register.full_register32()).expect("a general register")
        };
        match instruction.mnemonic() {
            Mnemonic::Push if instruction.op0_kind() == OpKind::Register => {
                state.stack.push(state.registers[number(instruction.op0_register())]);
            }
            Mnemonic::Push | Mnemonic::Pushfd => state.stack.push(Value::Other),
            Mnemonic::Pop => {
                let value = state.stack.pop().expect("something pushed");
                state.registers[number(instruction.op0_register())] = value;
            }
            Mnemonic::Popfd => drop(state.stack.pop().expect("something pushed")),
            _ => {
                let info = self.factory.info(instruction);
                for used in info.used_registers() {
                    let writes =
                        !matches!(used.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::None);
                    if writes && used.register().is_gpr() {
                        let register = number(used.register());
                        assert_ne!(register, ESP, "the stack pointer is set at {:#x}", instruction.ip());
                        state.registers[register] = Value::Other;
                    }
                }
            }
        }
    }
}

#[test]
fn every_way_through_restores_all_registers_and_the_stack() {
    for placed in Placed::all(0xf7fc_9000) {
        // The assertions are in the walk.
        assert!(states(&placed).len() > 60, "{}", placed.describe());
    }
}
