//! From what a person writes to a call.

use abi::{Call, i386, x86_64};
use anyhow::{Result, bail};

/// The call of a name, a multiplexed number or a direct i386 number.
pub fn call(text: &str) -> Result<Call> {
    match text.parse::<u32>() {
        Ok(number) => by_number(number),
        Err(_) => by_name(text),
    }
}

fn by_number(number: u32) -> Result<Call> {
    if number == i386::RECVMMSG_TIME64 {
        return Ok(Call::Recvmmsg);
    }
    let multiplexed = i32::try_from(number).ok().and_then(Call::from_number);
    if let Some(call) = multiplexed.or_else(|| Call::from_direct_i386(number)) {
        return Ok(call);
    }
    match (number, x86_64::name(number)) {
        (i386::SOCKETCALL, _) => bail!("102 is socketcall itself; its calls are 1 to {}", Call::ALL.len()),
        (_, Some(name)) => bail!(
            "no call has the number {number} on i386; on x86-64 it is {name}: try `socketcall calls {name}`"
        ),
        (_, None) => bail!(
            "no call has the number {number}: socketcall's are 1 to {}, the direct ones are in the i386 column \
             of `socketcall calls`",
            Call::ALL.len()
        ),
    }
}

fn by_name(text: &str) -> Result<Call> {
    let lower = text.to_lowercase();
    let name = lower.strip_prefix("sys_").unwrap_or(&lower);
    if i386::name(i386::RECVMMSG_TIME64) == Some(name) {
        return Ok(Call::Recvmmsg);
    }
    if let Some(call) = Call::ALL.into_iter().find(|call| call.name() == name) {
        return Ok(call);
    }
    let (shown, near) = (text.escape_debug(), near(name));
    if near.is_empty() {
        bail!("no call is named `{shown}`; `socketcall calls` lists all {}", Call::ALL.len());
    }
    bail!("no call is named `{shown}`; near names: {}", near.join(", "));
}

/// Names that `text` begins or continues, or that a few edits make of it; the nearest first.
fn near(text: &str) -> Vec<&'static str> {
    let mut near: Vec<_> = Call::ALL
        .into_iter()
        .map(Call::name)
        .map(|name| (edits(text, name), name))
        .filter(|&(edits, name)| {
            let begins = text.len() >= 2 && (name.starts_with(text) || text.starts_with(name));
            begins || edits <= (name.len() * 2 / 5).max(2)
        })
        .collect();
    near.sort();
    near.into_iter().map(|(_, name)| name).take(5).collect()
}

/// How many letters must be inserted, removed or replaced to make `b` of `a` (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use abi::Call;

    use super::{call, edits};

    fn error(text: &str) -> String {
        call(text).unwrap_err().to_string()
    }

    #[test]
    fn every_call_by_every_name_and_number() {
        for wanted in Call::ALL {
            let facts = wanted.facts();
            let names =
                [facts.name, facts.constant, &facts.constant.to_lowercase(), &facts.name.to_uppercase()];
            for text in names.map(str::to_string).into_iter().chain([wanted.number().to_string()]) {
                assert_eq!(call(&text).unwrap(), wanted, "{text}");
            }
            let direct = call(&wanted.direct_i386().to_string()).unwrap();
            assert_eq!(direct.name(), facts.direct_i386.name);
        }
        assert_eq!(call("417").unwrap(), Call::Recvmmsg);
        assert_eq!(call("recvmmsg_time64").unwrap(), Call::Recvmmsg);
    }

    #[test]
    fn names_that_are_near() {
        assert_eq!(error("conect"), "no call is named `conect`; near names: connect");
        assert_eq!(error("SYS_SENDTOO"), "no call is named `SYS_SENDTOO`; near names: sendto, send");
        assert_eq!(error("getname"), "no call is named `getname`; near names: getpeername, getsockname");
        assert_eq!(error("sock"), "no call is named `sock`; near names: socket, socketpair");
        assert_eq!(error("recvm"), "no call is named `recvm`; near names: recv, recvmsg, recvfrom, recvmmsg");
        assert_eq!(error("frobnicate"), "no call is named `frobnicate`; `socketcall calls` lists all 20");
        assert_eq!(error(""), "no call is named ``; `socketcall calls` lists all 20");
        assert_eq!(
            error("conn\nect\u{1b}[31m"),
            "no call is named `conn\\nect\\u{1b}[31m`; `socketcall calls` lists all 20"
        );
        assert_eq!(error("-1"), "no call is named `-1`; `socketcall calls` lists all 20");
    }

    #[test]
    fn numbers_that_are_none() {
        assert_eq!(error("102"), "102 is socketcall itself; its calls are 1 to 20");
        assert_eq!(
            error("42"),
            "no call has the number 42 on i386; on x86-64 it is connect: try `socketcall calls connect`"
        );
        for number in ["0", "21", "4294967295"] {
            let error = error(number);
            assert!(error.starts_with(&format!("no call has the number {number}: ")), "{error}");
        }
    }

    #[test]
    fn edits_are_levenshteins() {
        for (a, b, wanted) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("connect", "connect", 0)]
        {
            assert_eq!(edits(a, b), wanted);
            assert_eq!(edits(b, a), wanted);
        }
    }
}
