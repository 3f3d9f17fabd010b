//! `run --explain`: what would be done, and what becomes of the rules.

use std::fmt::Write;

use policy::{Compiled, Escape, Inherit};
use socketcall::{Enforce, Explanation, Launch, Untraced};

use super::inherited;
use crate::verbs::policy::text::summary;

/// Finds out; a line for each.
///
/// # Errors
/// What `run` would fail with.
pub fn explained(launch: Launch, policy: Option<&Compiled>, untraced: bool) -> anyhow::Result<String> {
    let mut explanation = Explanation::of(&launch)?;
    let Some(policy) = policy else { return Ok(explanation.to_string()) };
    let alone = Untraced::new(launch).rules(policy).map(drop);
    if untraced {
        alone?;
    } else if explanation.machine.untraced.is_ok() {
        explanation.machine.untraced = alone;
    }
    let mut text = format!("{explanation}\nrules:     {}", summary(policy));
    text += match policy.needs_memory() {
        true => "; each such call is stopped",
        false => "; no call is stopped",
    };
    if policy.needs_memory()
        && let Err(error) = Enforce::check()
    {
        let _ = write!(text, "\nnot here:  {error}");
    }
    let mounts = !untraced && policy.policy().escapes.contains(&Escape::Mount);
    let landlock = match supervise::landlock_version()? {
        0 => "not in this kernel".to_owned(),
        _ if mounts => {
            "not used, for it would forbid mounts, and `[escape] mount = true` permits them".to_owned()
        }
        version => format!("version {version}: the program can trace nobody outside of the rules"),
    };
    let _ = write!(text, "\nLandlock:  {landlock}");
    for line in inherited::not_held(policy)? {
        let _ = write!(text, "\nnot held:  {line}");
    }
    let done = match policy.policy().inherit {
        Inherit::Allow => "made outside of the rules",
        Inherit::Deny => "and will be closed",
    };
    match inherited::found() {
        Ok(found) => {
            for (fd, what) in found {
                let _ = write!(text, "\ninherited: descriptor {fd} is {what}, {done}");
            }
        }
        Err(_) => {
            let _ = write!(text, "\ninherited: {}", inherited::WITHOUT_PROC);
        }
    }
    Ok(text)
}
