//! A processor that knows the instructions the stub is made of. What it does not know is a failure of the test.

use std::collections::HashMap;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

/// A run of memory.
#[derive(Clone, Debug)]
pub struct Region {
    pub base: u32,
    pub bytes: Vec<u8>,
    pub writable: bool,
}

/// Flags, as bits of eflags.
pub const CF: u32 = 1;
pub const PF: u32 = 1 << 2;
pub const AF: u32 = 1 << 4;
pub const ZF: u32 = 1 << 6;
pub const SF: u32 = 1 << 7;
pub const DF: u32 = 1 << 10;
pub const OF: u32 = 1 << 11;
pub const ALL: u32 = CF | PF | AF | ZF | SF | DF | OF;

/// Why the machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It came to an address that the caller watches.
    At(u32),
    /// `int $0x80`; it goes on behind it.
    Int80,
    /// The instruction at eip touches memory that is not there.
    Fault,
}

/// What was read or written: address, bytes, whether written.
pub type Access = (u32, u32, bool);

#[derive(Clone, Debug)]
pub struct Machine {
    pub regions: Vec<Region>,
    /// In the order of the opcodes: eax, ecx, edx, ebx, esp, ebp, esi, edi.
    pub registers: [u32; 8],
    pub eip: u32,
    pub flags: u32,
    pub accesses: Vec<Access>,
}

pub const EAX: usize = 0;
pub const ECX: usize = 1;
pub const EDX: usize = 2;
pub const EBX: usize = 3;
pub const ESP: usize = 4;
pub const EBP: usize = 5;
pub const ESI: usize = 6;
pub const EDI: usize = 7;

/// The six argument registers of a call.
pub const ARGUMENTS: [usize; 6] = [EBX, ECX, EDX, ESI, EDI, EBP];

/// Decoded instructions by address: the code never changes.
pub type Cache = HashMap<u32, Instruction>;

/// The memory is not there.
#[derive(Clone, Copy, Debug)]
pub struct Missing;

impl Machine {
    /// The bytes at an address, if all of them are there.
    pub fn look(&self, address: u32, length: u32) -> Option<&[u8]> {
        let region = self.regions.iter().find(|region| {
            address >= region.base && u64::from(address) < u64::from(region.base) + region.bytes.len() as u64
        })?;
        let begin = (address - region.base) as usize;
        // Neighbours are never split: a region is as long as what is mapped.
        region.bytes.get(begin..begin + length as usize)
    }

    pub fn word(&self, address: u32) -> Option<u32> {
        self.look(address, 4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Missing> {
        let found = self.regions.iter_mut().find(|region| {
            let end = u64::from(region.base) + region.bytes.len() as u64;
            address >= region.base && u64::from(address) + bytes.len() as u64 <= end && region.writable
        });
        let region = found.ok_or(Missing)?;
        let begin = (address - region.base) as usize;
        region.bytes[begin..begin + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn load(&mut self, address: u32, size: u32) -> Result<u32, Missing> {
        let mut word = [0; 4];
        word[..size as usize].copy_from_slice(self.look(address, size).ok_or(Missing)?);
        self.accesses.push((address, size, false));
        Ok(u32::from_le_bytes(word))
    }

    fn store(&mut self, address: u32, value: u32) -> Result<(), Missing> {
        self.write(address, &value.to_le_bytes())?;
        self.accesses.push((address, 4, true));
        Ok(())
    }

    pub fn push(&mut self, value: u32) -> Result<(), Missing> {
        let sp = self.registers[ESP].wrapping_sub(4);
        self.store(sp, value)?;
        self.registers[ESP] = sp;
        Ok(())
    }

    pub fn pop(&mut self) -> Result<u32, Missing> {
        let value = self.load(self.registers[ESP], 4)?;
        self.registers[ESP] = self.registers[ESP].wrapping_add(4);
        Ok(value)
    }

    /// Runs until it comes to one of `watched`, or has to be helped.
    pub fn run(&mut self, cache: &mut Cache, watched: &[u32]) -> Stop {
        for _ in 0..10_000 {
            if watched.contains(&self.eip) {
                return Stop::At(self.eip);
            }
            let eip = self.eip;
            let instruction = *cache.entry(eip).or_insert_with(|| {
                let code = (1..=15).rev().find_map(|length| self.look(eip, length)).expect("code");
                Decoder::with_ip(32, code, eip.into(), DecoderOptions::NONE).decode()
            });
            let before = (self.registers, self.flags);
            self.eip = instruction.next_ip32();
            match self.execute(&instruction) {
                Ok(false) => {}
                Ok(true) => return Stop::Int80,
                Err(Missing) => {
                    self.eip = eip;
                    (self.registers, self.flags) = before;
                    return Stop::Fault;
                }
            }
        }
        panic!("the stub does not end");
    }

    fn number(register: Register) -> usize {
        crate::walk::REGISTERS.iter().position(|of| *of == register).unwrap_or_else(|| panic!("{register:?}"))
    }

    fn address(&self, instruction: &Instruction) -> u32 {
        let value = |register| match register {
            Register::None => 0,
            register => self.registers[Machine::number(register)],
        };
        value(instruction.memory_base())
            .wrapping_add(value(instruction.memory_index()).wrapping_mul(instruction.memory_index_scale()))
            .wrapping_add(instruction.memory_displacement32())
    }

    fn get(&mut self, instruction: &Instruction, operand: u32) -> Result<u32, Missing> {
        match instruction.op_kind(operand) {
            OpKind::Register => Ok(self.registers[Machine::number(instruction.op_register(operand))]),
            OpKind::Memory => {
                let size = instruction.memory_size().size() as u32;
                self.load(self.address(instruction), size)
            }
            _ => Ok(instruction.immediate(operand) as u32),
        }
    }

    fn set(&mut self, instruction: &Instruction, operand: u32, value: u32) -> Result<(), Missing> {
        match instruction.op_kind(operand) {
            OpKind::Register => {
                self.registers[Machine::number(instruction.op_register(operand))] = value;
                Ok(())
            }
            OpKind::Memory => self.store(self.address(instruction), value),
            other => panic!("{other:?}"),
        }
    }

    /// Sets the flags that depend on a result alone, and these besides.
    fn judge(&mut self, result: u32, others: u32) {
        let parity = if (result as u8).count_ones().is_multiple_of(2) { PF } else { 0 };
        let zero = if result == 0 { ZF } else { 0 };
        let sign = if result >> 31 == 1 { SF } else { 0 };
        self.flags = self.flags & !(CF | PF | AF | ZF | SF | OF) | parity | zero | sign | others;
    }

    fn subtract(&mut self, a: u32, b: u32) -> u32 {
        let (result, borrow) = a.overflowing_sub(b);
        let overflow = a.cast_signed().checked_sub(b.cast_signed()).is_none();
        let others = [(borrow, CF), (overflow, OF), (a & 15 < b & 15, AF)];
        self.judge(result, others.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum());
        result
    }

    fn add(&mut self, a: u32, b: u32, carried: bool) -> u32 {
        let sum = u64::from(a) + u64::from(b) + u64::from(carried);
        let result = sum as u32;
        let overflow = ((a ^ result) & (b ^ result)) >> 31 == 1;
        let half = (a & 15) + (b & 15) + u32::from(carried) > 15;
        let others = [(sum >> 32 == 1, CF), (overflow, OF), (half, AF)];
        self.judge(result, others.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum());
        result
    }

    /// Whether a conditional jump is taken.
    fn holds(&self, mnemonic: Mnemonic) -> bool {
        let is = |flag| self.flags & flag != 0;
        match mnemonic {
            Mnemonic::Jmp => true,
            Mnemonic::Je => is(ZF),
            Mnemonic::Jne => !is(ZF),
            Mnemonic::Jb => is(CF),
            Mnemonic::Jae => !is(CF),
            Mnemonic::Ja => !is(CF) && !is(ZF),
            Mnemonic::Jbe => is(CF) || is(ZF),
            Mnemonic::Js => is(SF),
            Mnemonic::Jns => !is(SF),
            Mnemonic::Jl => is(SF) != is(OF),
            Mnemonic::Jge => is(SF) == is(OF),
            Mnemonic::Jle => is(ZF) || is(SF) != is(OF),
            Mnemonic::Jg => !is(ZF) && is(SF) == is(OF),
            other => panic!("a jump that is not known: {other:?}"),
        }
    }

    /// Whether the kernel is asked.
    fn execute(&mut self, instruction: &Instruction) -> Result<bool, Missing> {
        match instruction.mnemonic() {
            Mnemonic::Mov | Mnemonic::Movzx => {
                let value = self.get(instruction, 1)?;
                self.set(instruction, 0, value)?;
            }
            Mnemonic::Lea => {
                let address = self.address(instruction);
                self.set(instruction, 0, address)?;
            }
            Mnemonic::Cmp => {
                let (a, b) = (self.get(instruction, 0)?, self.get(instruction, 1)?);
                self.subtract(a, b);
            }
            Mnemonic::Sub => {
                let (a, b) = (self.get(instruction, 0)?, self.get(instruction, 1)?);
                let result = self.subtract(a, b);
                self.set(instruction, 0, result)?;
            }
            Mnemonic::Add | Mnemonic::Adc => {
                let carried = instruction.mnemonic() == Mnemonic::Adc && self.flags & CF != 0;
                let (a, b) = (self.get(instruction, 0)?, self.get(instruction, 1)?);
                let result = self.add(a, b, carried);
                self.set(instruction, 0, result)?;
            }
            Mnemonic::And | Mnemonic::Or | Mnemonic::Xor | Mnemonic::Test => {
                let (a, b) = (self.get(instruction, 0)?, self.get(instruction, 1)?);
                let result = match instruction.mnemonic() {
                    Mnemonic::Or => a | b,
                    Mnemonic::Xor => a ^ b,
                    _ => a & b,
                };
                self.judge(result, 0);
                if instruction.mnemonic() != Mnemonic::Test {
                    self.set(instruction, 0, result)?;
                }
            }
            Mnemonic::Shr | Mnemonic::Sar => {
                let (a, by) = (self.get(instruction, 0)?, self.get(instruction, 1)? & 31);
                assert_ne!(by, 0, "the flags of a shift by nothing are not known here");
                let signed = instruction.mnemonic() == Mnemonic::Sar;
                let result = if signed { (a.cast_signed() >> by).cast_unsigned() } else { a >> by };
                self.judge(result, if a >> (by - 1) & 1 == 1 { CF } else { 0 });
                self.set(instruction, 0, result)?;
            }
            Mnemonic::Inc => {
                let carry = self.flags & CF;
                let result = self.get(instruction, 0)?.wrapping_add(1);
                let others = [(result == 1 << 31, OF), (result & 15 == 0, AF)];
                self.judge(result, others.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum());
                self.flags |= carry;
                self.set(instruction, 0, result)?;
            }
            Mnemonic::Push => {
                let value = self.get(instruction, 0)?;
                self.push(value)?;
            }
            Mnemonic::Pop => {
                let value = self.pop()?;
                self.set(instruction, 0, value)?;
            }
            Mnemonic::Pushfd => self.push(self.flags | 2)?,
            Mnemonic::Popfd => self.flags = self.pop()? & ALL,
            Mnemonic::Call => {
                self.push(instruction.next_ip32())?;
                self.eip = instruction.near_branch32();
            }
            Mnemonic::Ret => self.eip = self.pop()?,
            Mnemonic::Int => {
                assert_eq!(instruction.immediate8(), 0x80);
                return Ok(true);
            }
            Mnemonic::Nop => {}
            jump => {
                if self.holds(jump) {
                    self.eip = instruction.near_branch32();
                }
            }
        }
        Ok(false)
    }
}

/// The machine against the processor that runs this test, where flags are hardest.
#[test]
fn subtraction_and_its_jumps_are_the_processors() {
    let values = [0u32, 1, 2, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff, 0xffff_fff2];
    for (a, b) in values.into_iter().flat_map(|a| values.map(|b| (a, b))) {
        let mut machine =
            Machine { regions: vec![], registers: [0; 8], eip: 0, flags: ALL, accesses: vec![] };
        assert_eq!(machine.subtract(a, b), a.wrapping_sub(b));
        for (jump, taken) in [
            (Mnemonic::Je, a == b),
            (Mnemonic::Jb, a < b),
            (Mnemonic::Ja, a > b),
            (Mnemonic::Jl, a.cast_signed() < b.cast_signed()),
            (Mnemonic::Jle, a.cast_signed() <= b.cast_signed()),
        ] {
            assert_eq!(machine.holds(jump), taken, "{a:#x} {b:#x} {jump:?}");
        }
    }
}
