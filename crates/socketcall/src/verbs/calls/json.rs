//! The tables as JSON. The field names are documented at [`Calls::json`](super::Calls::json).

use std::io::Write;

use abi::Call;
use abi::arch::{ARCHITECTURES, Architecture, DirectCalls, Multiplexer};
use anyhow::Result;
use serde::Serialize;

use super::{REGISTERS, differences};

#[derive(Serialize)]
struct CallRecord {
    number: i32,
    name: &'static str,
    constant: &'static str,
    since: String,
    words: Vec<WordRecord>,
    i386: DirectRecord,
    x86_64: DirectRecord,
    differences: &'static [&'static str],
}

#[derive(Serialize)]
struct WordRecord {
    name: &'static str,
    r#type: &'static str,
    offset: usize,
    register: &'static str,
}

#[derive(Serialize)]
struct DirectRecord {
    number: u32,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

#[derive(Serialize)]
struct ArchitectureRecord {
    name: &'static str,
    socketcall: &'static str,
    number: Option<u32>,
    direct: &'static str,
    release: Option<String>,
    dropped: Option<String>,
    note: &'static str,
}

/// An array of all calls.
pub fn calls(out: &mut impl Write) -> Result<()> {
    write(&Call::ALL.map(CallRecord::from), out)
}

/// One call's object.
pub fn call(call: Call, out: &mut impl Write) -> Result<()> {
    write(&CallRecord::from(call), out)
}

/// An array of all architectures.
pub fn architectures(out: &mut impl Write) -> Result<()> {
    let records: Vec<_> = ARCHITECTURES.iter().map(ArchitectureRecord::from).collect();
    write(&records, out)
}

/// Made in memory first: serde_json's own error would hide that a pipe is closed.
fn write(value: &impl Serialize, out: &mut impl Write) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(writeln!(out, "{text}")?)
}

impl From<Call> for CallRecord {
    fn from(call: Call) -> Self {
        let facts = call.facts();
        let (i386, x86_64) = (facts.direct_i386, facts.direct_x86_64);
        let words = facts.words.iter().zip(REGISTERS).enumerate();
        Self {
            number: call.number(),
            name: facts.name,
            constant: facts.constant,
            since: facts.multiplexed_since.to_string(),
            words: words
                .map(|(index, (word, register))| WordRecord {
                    name: word.name,
                    r#type: word.c_type(),
                    offset: 4 * index,
                    register,
                })
                .collect(),
            i386: DirectRecord {
                number: i386.number,
                name: i386.name,
                since: Some(facts.direct_since.to_string()),
            },
            x86_64: DirectRecord { number: x86_64.number, name: x86_64.name, since: None },
            differences: differences(call),
        }
    }
}

impl From<&'static Architecture> for ArchitectureRecord {
    fn from(architecture: &'static Architecture) -> Self {
        let (socketcall, number) = match architecture.multiplexer {
            Multiplexer::Present(number) => ("present", Some(number)),
            Multiplexer::Retired(number) => ("retired", Some(number)),
            Multiplexer::Never => ("never", None),
        };
        let (direct, release) = match architecture.direct {
            DirectCalls::Always => ("always", None),
            DirectCalls::Since(release) => ("since", Some(release)),
            DirectCalls::By(release) => ("by", Some(release)),
            DirectCalls::Never => ("never", None),
        };
        Self {
            name: architecture.name,
            socketcall,
            number,
            direct,
            release: release.map(|release| release.to_string()),
            dropped: architecture.dropped.map(|release| release.to_string()),
            note: architecture.note,
        }
    }
}
