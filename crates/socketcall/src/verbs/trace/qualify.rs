//! What `-e` says.

use ::trace::{CallSet, Describe, Quiet, SignalSet, Statuses};
use anyhow::{Result, bail};

/// What was said, if it was.
#[derive(Debug, Default)]
pub struct Qualified {
    pub calls: Option<CallSet>,
    pub statuses: Option<Statuses>,
    pub signals: Option<SignalSet>,
    pub quiet: Option<Quiet>,
    pub describe: Option<Describe>,
}

/// What strace's `-e` takes beside ours.
const NOT_OURS: [&str; 11] = [
    "abbrev",
    "verbose",
    "raw",
    "read",
    "write",
    "fault",
    "inject",
    "kvm",
    "trace-fds",
    "namespace",
    "decode-pids",
];

impl Qualified {
    /// `NAME=SET`, or a set of calls.
    pub fn expression(&mut self, expression: &str) -> Result<()> {
        match expression.split_once('=') {
            Some((name, set)) => self.set(name, set),
            None => self.set("trace", expression),
        }
    }

    /// `-e name=set`.
    pub fn set(&mut self, name: &str, set: &str) -> Result<()> {
        match name {
            "trace" | "t" => self.calls = Some(CallSet::parse(set)?),
            "signal" | "signals" | "s" => self.signals = Some(SignalSet::parse(set)?),
            "status" => {
                let mut statuses = Statuses::NONE;
                words("status", set, |word| {
                    let all = [
                        ("successful", &mut statuses.successful),
                        ("failed", &mut statuses.failed),
                        ("unfinished", &mut statuses.unfinished),
                        ("unavailable", &mut statuses.unavailable),
                        ("detached", &mut statuses.detached),
                    ];
                    turn_on(all, word)
                })?;
                if set.starts_with('!') {
                    statuses = Statuses {
                        successful: !statuses.successful,
                        failed: !statuses.failed,
                        unfinished: !statuses.unfinished,
                        unavailable: !statuses.unavailable,
                        detached: !statuses.detached,
                    };
                }
                self.statuses = Some(statuses);
            }
            "quiet" | "silent" | "silence" | "q" => {
                let mut quiet = Quiet::default();
                words("quiet", set, |word| {
                    // Paths that don't resolve are none of ours to tell.
                    let mut nothing = false;
                    let all = [
                        ("attach", &mut quiet.attach),
                        ("exit", &mut quiet.exit),
                        ("path-resolution", &mut nothing),
                        ("personality", &mut quiet.personality),
                        ("thread-execve", &mut quiet.thread_execve),
                    ];
                    turn_on(all, word)
                })?;
                if set.starts_with('!') {
                    quiet = Quiet {
                        attach: !quiet.attach,
                        personality: !quiet.personality,
                        exit: !quiet.exit,
                        thread_execve: !quiet.thread_execve,
                    };
                }
                self.quiet = Some(quiet);
            }
            "decode-fds" | "decode-fd" => {
                self.describe = Some(match set {
                    "none" => Describe::Nothing,
                    "path" => Describe::Paths,
                    "all" => Describe::All,
                    _ => bail!("-e decode-fds={set}: path, all and none are there"),
                });
            }
            _ if NOT_OURS.contains(&name) => {
                bail!("-e {name}= is strace's alone; trace, status, signal, quiet and decode-fds are there")
            }
            _ => bail!("-e {name}= is not known; trace, status, signal, quiet and decode-fds are"),
        }
        Ok(())
    }
}

/// Turns on what is called `word`, or all; answers the names if there is none of them.
fn turn_on<const N: usize>(all: [(&'static str, &mut bool); N], word: &str) -> Result<(), String> {
    let names = all.each_ref().map(|(name, _)| *name).join(", ");
    let mut found = word == "none";
    for (name, on) in all {
        if name == word || word == "all" {
            *on = true;
            found = true;
        }
    }
    if found { Ok(()) } else { Err(names) }
}

fn words(option: &str, set: &str, mut each: impl FnMut(&str) -> Result<(), String>) -> Result<()> {
    for word in set.strip_prefix('!').unwrap_or(set).split(',') {
        if let Err(names) = each(word) {
            bail!("-e {option}={word} is not known; {names}, all and none are");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qualified(expressions: &[&str]) -> Result<Qualified> {
        let mut qualified = Qualified::default();
        for expression in expressions {
            qualified.expression(expression)?;
        }
        Ok(qualified)
    }

    #[test]
    fn expressions() {
        let said = qualified(&["connect", "status=failed,detached", "quiet=!attach", "signal=none"]).unwrap();
        assert!(said.calls.unwrap().has(decode::Abi::I386, "connect"));
        assert_eq!(said.statuses, Some(Statuses { failed: true, detached: true, ..Statuses::NONE }));
        assert_eq!(said.quiet, Some(Quiet { attach: false, ..Quiet::ALL }));
        assert!(said.signals.unwrap().is_empty());
        assert_eq!(qualified(&["status=all"]).unwrap().statuses, Some(Statuses::ALL));
    }

    #[test]
    fn what_is_not_ours_is_refused_by_name() {
        let error = |expression| qualified(&[expression]).unwrap_err().to_string();
        assert!(error("inject=connect:error=EPERM").starts_with("-e inject= is strace's alone"));
        assert!(error("nope=1").starts_with("-e nope= is not known"));
        assert!(error("status=nope").contains("successful, failed"));
        assert!(error("connnect").contains("near names: connect"));
    }
}
