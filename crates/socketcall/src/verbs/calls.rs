//! `socketcall calls`: the table of calls, a page for one of them, the table of architectures.

mod find;
mod json;
mod text;

#[cfg(test)]
mod tests;

use std::io::Write;

use anyhow::Result;

/// Show the calls of the multiplexer and the direct calls they stand for
///
/// Without CALL, a table: number, name, constant, how many 32-bit words its array has, the direct
/// call of a 32-bit program, that of a 64-bit one, and the arguments. With CALL, a page about that
/// call: each argument's type, place in the array and register, and what differs between the forms.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Calls {
    /// A call: its name, its number in socketcall, or the number of its direct i386 call
    ///
    /// `connect`, `SYS_CONNECT`, `sys_connect`, `3` and `362` are the same call. Upper and lower
    /// case don't matter. Direct numbers that several calls share (364, 369, 371) mean the call of
    /// the direct call's own name: accept4, sendto, recvfrom.
    #[arg(value_name = "CALL")]
    pub call: Option<String>,

    /// Print the SYS_ lines as linux/net.h has them
    #[arg(long, conflicts_with_all = ["json", "arch"])]
    pub header: bool,

    /// Print JSON: an array, or one object with CALL
    ///
    /// A call has the fields `number`, `name`, `constant`, `since` (a kernel version), `words` (an
    /// array of objects with `name`, `type`, `offset` in bytes and `register`), `i386` (`number`,
    /// `name`, `since`), `x86_64` (`number`, `name`) and `differences` (an array of sentences).
    /// With --arch, an architecture has `name`, `socketcall` (`present`, `retired` or `never`),
    /// `number` (or null), `direct` (`always`, `since`, `by` or `never`), `release` (that of
    /// `since` and `by`, or null), `dropped` (a release, or null) and `note`.
    #[arg(long)]
    pub json: bool,

    /// Show which architectures multiplex, which did, and since when each has direct calls
    #[arg(long, conflicts_with = "call")]
    pub arch: bool,
}

/// Carries out the verb. Text goes to `out` only; where `out` is a closed pipe, the error returned
/// has the [`std::io::Error`] in its chain.
pub fn run(args: &Calls, out: &mut impl Write) -> Result<()> {
    if args.arch {
        return if args.json { json::architectures(out) } else { text::architectures(out) };
    }
    let one = args.call.as_deref().map(find::call).transpose()?;
    match (one, args.json, args.header) {
        (None, true, _) => json::calls(out),
        (Some(call), true, _) => json::call(call, out),
        (None, _, true) => text::header(&abi::Call::ALL, out),
        (Some(call), _, true) => text::header(&[call], out),
        (None, ..) => text::calls(out),
        (Some(call), ..) => text::page(call, out),
    }
}

/// The registers of a direct i386 call, in the order of the array's words.
const REGISTERS: [&str; 6] = ["ebx", "ecx", "edx", "esi", "edi", "ebp"];

/// What differs between a call's forms, beyond what holds for all of them. Sentences for people;
/// read from Linux 6.12, `net/socket.c` and `net/compat.c`.
fn differences(call: abi::Call) -> &'static [&'static str] {
    use abi::Call;
    match call {
        Call::Accept => &["i386 has no direct accept: it is accept4 with flags 0."],
        Call::Send => &["i386 has no direct send: it is sendto with a null address of length 0."],
        Call::Recv => &["i386 has no direct recv: it is recvfrom with null for address and length."],
        Call::Setsockopt | Call::Getsockopt => {
            &["Both 32-bit forms take some values in a 32-bit layout, such as the timeval of 8 bytes of \
             SO_RCVTIMEO_OLD; the 64-bit call takes 16."]
        }
        Call::Sendmsg | Call::Recvmsg | Call::Sendmmsg => &[MESSAGES],
        Call::Recvmmsg => &[
            "337 takes a timeout of 32-bit words and is ENOSYS where the kernel has no 32-bit time \
             (CONFIG_COMPAT_32BIT_TIME=n). The multiplexed form works there all the same.",
            "417, recvmmsg_time64, is always there since Linux 5.1. Its timeout has 64-bit words, so it \
             must be converted, and written back if a message was received.",
            MESSAGES,
        ],
        _ => &[],
    }
}

const MESSAGES: &str = "Both 32-bit forms take msghdr (28 bytes), iovec (8) and cmsghdr (12) in their \
                        32-bit layouts; the 64-bit call takes 56, 16 and 16 bytes.";
