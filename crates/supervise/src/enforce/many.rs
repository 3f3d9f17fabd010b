//! sendmmsg, made message by message: each is copied and judged, and made by sendmsg; what the kernel would write behind each is
//! written by us.

use std::sync::Arc;

use abi::{Call, i386, x86_64};
use tracee::{At, Stopped, Tid};

use super::area::{Area, Slot};
use super::call::{self, Words};
use super::message::{self, Message};
use super::{Enforce, Outcome, UnderWay, socket};
use crate::layer::Then;

/// How far the messages of a call are.
#[derive(Debug)]
pub(super) struct Many {
    /// As the program made the call.
    words: Words,
    sent: u64,
    count: u64,
    /// The thread is about to execute the instruction once more.
    between: bool,
    /// The socket: the kernel looks the descriptor up once for all messages.
    inode: Option<u64>,
    /// Bytes of the message that is being sent.
    length: u64,
    flags: u32,
}

/// The kernel takes no more at once (include/uapi/linux/uio.h, UIO_MAXIOV).
const MOST: u64 = 1024;

impl Many {
    /// Where message `index` lies; `msg_len` is behind its header.
    fn at(&self, index: u64) -> u64 {
        let header = message::header(self.words.abi) as u64;
        let size = (header + 4).next_multiple_of(self.words.abi.word() as u64);
        self.words.args[1].wrapping_add(index * size)
    }
}

/// `int $0x80` and `syscall` have two bytes each; what comes through the vDSO returns behind an `int $0x80` there.
const INSTRUCTION: u64 = 2;

impl Enforce {
    pub(super) fn first_of_many(
        &mut self,
        stopped: &mut Stopped,
        words: &Words,
        copy: &socket::Copy,
        area: &Arc<Area>,
    ) -> tracee::Result<Outcome> {
        let count = u64::from(words.args[2] as u32).min(MOST);
        let flags = socket::flags(copy.socket, words.args[3] as u32);
        let inode = copy.inode();
        let mut many = Many { words: *words, sent: 0, count, between: false, inode, length: 0, flags };
        if count == 0 {
            return Ok(Outcome::Made);
        }
        Ok(match self.one(stopped, copy, area, &mut many)? {
            Ok(slot) => Outcome::InParts(slot, many),
            Err(outcome) => outcome,
        })
    }

    /// Copies and judges the next message.
    fn one(
        &mut self,
        stopped: &mut Stopped,
        copy: &socket::Copy,
        area: &Arc<Area>,
        many: &mut Many,
    ) -> tracee::Result<Result<Slot, Outcome>> {
        match Message::read(stopped, many.words.abi, many.at(many.sent))? {
            Ok(message) => {
                many.length = message.length(stopped, many.words.abi)?;
                self.message(stopped, &many.words, copy, area, message, many.flags)
            }
            Err(errno) => Ok(Err(Outcome::Answered(errno))),
        }
    }

    /// The thread makes sendmsg in sendmmsg's place.
    pub(super) fn begin_many(
        &mut self,
        stopped: &mut Stopped,
        words: &Words,
        slot: Slot,
        many: Many,
    ) -> tracee::Result<Then> {
        let wide = words.wide();
        if slot.address() > words.abi.highest() {
            stopped.answer(libc::EPERM)?;
            return Ok(Then::Go);
        }
        let mut registers = stopped.registers()?;
        registers.set_call_number(sendmsg(wide).cast_signed());
        words.set(&mut registers, [words.args[0], slot.address(), many.flags.into(), 0, 0, 0]);
        stopped.set_registers(&registers)?;
        let original = many.words.args;
        let under_way = UnderWay { original, wide, slot, many: Some(many) };
        self.thread(stopped.tid()).under_way = Some(under_way);
        Ok(Then::StopAtCall)
    }

    /// Whether the thread is about to make its next sendmsg.
    pub(super) fn is_between(&mut self, tid: Tid) -> bool {
        let under_way = &self.thread(tid).under_way;
        under_way.as_ref().and_then(|under_way| under_way.many.as_ref()).is_some_and(|many| many.between)
    }

    /// Whether the call that the thread is about to make is the sendmsg that we had it prepare. The code at that place is the
    /// program's, and another thread may have changed it: any other call is a call like any.
    pub(super) fn is_next_of_many(&mut self, stopped: &mut Stopped) -> tracee::Result<bool> {
        let tid = stopped.tid();
        if !self.is_between(tid) {
            return Ok(false);
        }
        let info = stopped.call_info(true)?;
        let Some(UnderWay { many: Some(many), slot, wide, .. }) = &self.thread(tid).under_way else {
            return Ok(false);
        };
        let is_next = matches!(info.at, At::Entry { number, args }
            if number == u64::from(sendmsg(*wide))
                && super::arch(info.arch) == Some(many.words.arch)
                && args[0] as i32 == many.words.args[0] as i32
                && args[1] == slot.address()
                && args[2] as u32 == many.flags);
        let (words, inode) = (many.words, many.inode);
        if !is_next {
            self.thread(tid).under_way = None;
            return Ok(false);
        }
        // Nobody has looked after the descriptor since the message was judged.
        let fd = words.args[0] as u32;
        let is_settled = self.descriptors.is_settled(tid, fd).is_ok();
        match socket::copy(tid, &mut self.pidfd, fd.cast_signed()) {
            Ok(copy) if is_settled && copy.inode() == inode => self.descriptors.uses(tid, fd),
            _ => self.break_off(stopped)?,
        }
        Ok(true)
    }

    /// One message was sent, or not. Answers whether the call goes on.
    pub(super) fn after_one_of_many(&mut self, stopped: &mut Stopped, result: i64) -> tracee::Result<bool> {
        let tid = stopped.tid();
        let Some(UnderWay { many: Some(many), wide, .. }) = &mut self.thread(tid).under_way else {
            return Ok(false);
        };
        let wide = *wide;
        let mut registers = stopped.registers()?;
        if result < 0 {
            let sent = many.sent;
            call::set(&mut registers, wide, many.words.args);
            if sent > 0 {
                registers.set_rax(sent);
                registers.set_call_number(-1);
            } else {
                // As the program made it, for a restart.
                registers.set_call_number(many.words.number.cast_signed());
            }
            stopped.set_registers(&registers)?;
            return Ok(false);
        }
        let length = many.at(many.sent).wrapping_add(message::header(many.words.abi) as u64);
        many.between = false;
        // A message whose length can't be told does not count, and nothing follows it; nothing follows one of which a part
        // was sent either (net/socket.c, `__sys_sendmmsg`).
        let unwritten = call::fault(stopped.write(length, &(result as u32).to_le_bytes()))?;
        many.sent += u64::from(!unwritten);
        let is_last = unwritten || many.sent == many.count || result.cast_unsigned() < many.length;
        let (sent, words, flags) = (many.sent, many.words, many.flags);
        let next = if is_last { None } else { self.next(stopped)? };
        match next {
            Some((slot, length)) => {
                let args = [words.args[0], slot.address(), flags.into(), 0, 0, 0];
                call::set(&mut registers, wide, args);
                registers.set_ip(registers.ip().wrapping_sub(INSTRUCTION));
                registers.set_rax(sendmsg(wide).into());
                if let Some(UnderWay { slot: own, many: Some(many), .. }) = &mut self.thread(tid).under_way {
                    *own = slot;
                    (many.between, many.length) = (true, length);
                }
            }
            None => {
                call::set(&mut registers, wide, words.args);
                registers.set_rax(if sent == 0 { -i64::from(libc::EFAULT) as u64 } else { sent });
            }
        }
        registers.set_call_number(-1);
        stopped.set_registers(&registers)?;
        Ok(self.is_between(tid))
    }

    /// Copies and judges the next message. If it is refused, what was sent is what the call answers, and the refusal comes
    /// when the rest is asked for again.
    fn next(&mut self, stopped: &mut Stopped) -> tracee::Result<Option<(Slot, u64)>> {
        let tid = stopped.tid();
        let thread = self.thread(tid);
        let Some(UnderWay { many: Some(many), .. }) = &thread.under_way else { return Ok(None) };
        let mut many = Many { between: false, length: 0, ..*many };
        let area = thread.area.clone();
        let copied = socket::copy(tid, &mut self.pidfd, many.words.args[0] as i32);
        match (copied, area) {
            // Another socket would be another call.
            (Ok(copy), Some(area)) if copy.inode() == many.inode => {
                let slot = self.one(stopped, &copy, &area, &mut many)?;
                Ok(slot.ok().map(|slot| (slot, many.length)))
            }
            _ => Ok(None),
        }
    }

    /// A signal comes between two messages: the call is over.
    pub(super) fn break_off_many(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        if !self.is_between(stopped.tid()) {
            return Ok(());
        }
        let mut registers = stopped.registers()?;
        registers.set_ip(registers.ip().wrapping_add(INSTRUCTION));
        stopped.set_registers(&registers)?;
        self.break_off(stopped)
    }

    /// The call answers how many messages were sent. The thread is behind its instruction.
    fn break_off(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        if let Some(UnderWay { many: Some(many), .. }) = self.thread(stopped.tid()).under_way.take() {
            let mut registers = stopped.registers()?;
            registers.set_rax(many.sent);
            registers.set_call_number(-1);
            many.words.set(&mut registers, many.words.args);
            stopped.set_registers(&registers)?;
        }
        Ok(())
    }
}

const fn sendmsg(wide: bool) -> u32 {
    if wide { x86_64::SENDMSG } else { i386::SENDMSG }
}

const _: () = assert!(Call::Sendmsg.direct_i386() == i386::SENDMSG);
