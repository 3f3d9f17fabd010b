//! The article's calls on a kernel that runs no 32-bit code: 64-bit calls serve them.

use std::io;

use abi::{Call, Errno};
use invoke::{Emulated, Family, Socket, Type};

use super::text::Page;

/// Shows the article's two calls, served by 64-bit ones; answers whether they succeeded.
pub fn show(page: &mut Page<'_>) -> io::Result<bool> {
    page.heading(1, "The article's calls, emulated")?;
    page.body(
        "This kernel runs no 32-bit x86 programs, so nothing can make a socketcall here. What such a program would \
         have asked for is served by 64-bit system calls instead: the same call number, the same array of 32-bit \
         words below 4 GiB, taken apart by the same multiplexer.",
    )?;
    let array = [Family::Inet as u32, Type::STREAM.0, 0];
    let facts = Call::Socket.facts();
    let words: Vec<_> =
        facts.words.iter().zip(array).map(|(argument, word)| format!("{} {word}", argument.name)).collect();
    let made = Socket::new(Emulated, Family::Inet, Type::STREAM, array[2]);
    let descriptor = made.as_ref().map(|socket| socket.descriptor()).map_err(|errno| *errno);
    let mut rows = vec![[
        format!("socketcall({}, {{{}}})", Call::Socket.number(), words.join(", ")),
        format!("as x86-64 call {}, {}", facts.direct_x86_64.number, facts.direct_x86_64.name),
        answer(descriptor),
    ]];
    let mut done = made.is_ok();
    if let Ok(socket) = made {
        let closed = socket.close();
        done &= closed.is_ok();
        let descriptor =
            descriptor.map_or_else(|errno| errno.to_string(), |descriptor| descriptor.to_string());
        rows.push([
            format!("close({descriptor})"),
            "no socket call: its own number everywhere".into(),
            answer(closed.map(|()| 0)),
        ]);
    }
    page.rows(&rows)?;
    page.body(
        "To see the calls themselves, the programs that break and `run` that mends them, boot with \
         ia32_emulation=1, or use a kernel built with CONFIG_IA32_EMULATION.",
    )?;
    Ok(done)
}

fn answer(result: Result<i32, Errno>) -> String {
    match result {
        Ok(value) => format!("= {value}"),
        Err(errno) => format!("= {errno}"),
    }
}
