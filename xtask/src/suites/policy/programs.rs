//! Real programs under the policies that are shipped, and a few of their own: Debian's, for i386 and for 64 bits. What is
//! permitted works as without; what is not is refused, a line says so, and nothing of it arrives.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::Add;
use crate::process::{Finished, ending};
use crate::report::{Outcome, difference};
use crate::suites::debian::Stage;
use crate::suites::way::Way;
use crate::suites::{World, nothing_left};
use crate::workspace::fresh;

mod asked;
mod families;
mod game;
mod lines;
mod network;
mod servers;
mod web;

pub fn cases(world: &World, add: &mut Add<'_>) {
    for tree in [Tree::I386, Tree::Amd64] {
        lines::cases(world, tree, add);
        families::cases(world, tree, add);
        servers::cases(world, tree, add);
        let network = network::Lazy::default();
        web::cases(world, tree, &network, add);
        game::cases(world, tree, &network, add);
    }
}

/// Debian's packages for an architecture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tree {
    I386,
    Amd64,
}

impl Tree {
    const fn name(self) -> &'static str {
        match self {
            Tree::I386 => "i386",
            Tree::Amd64 => "64 bits",
        }
    }

    /// Plays a case in the tree, with all policies in it.
    fn with(self, world: &World, case: impl FnOnce(&Place) -> Result<Outcome>) -> Result<Outcome> {
        let root = match self {
            Tree::I386 => world.debian.as_deref().map_err(String::clone),
            Tree::Amd64 => world.debian64(),
        };
        match root {
            Ok(root) => case(&Place::new(world, root)?),
            Err(why) => Ok(Outcome::Skipped(why)),
        }
    }
}

/// Where policies lie in a tree.
const POLICIES: &str = "/tmp/policies";

/// Policies that are not shipped: a name, and a text.
const OWN: &[(&str, &str)] = &[families::VSOCK, families::SCTP];

/// A tree that is there.
struct Place<'a> {
    world: &'a World,
    root: &'a Path,
}

impl<'a> Place<'a> {
    fn new(world: &'a World, root: &'a Path) -> Result<Place<'a>> {
        let inside = root.join(&POLICIES[1..]);
        fresh(&inside)?;
        for entry in fs::read_dir(world.workspace.source.join("packaging/policies"))? {
            let entry = entry?;
            fs::copy(entry.path(), inside.join(entry.file_name()))?;
        }
        for (name, text) in OWN {
            fs::write(inside.join(name).with_extension("toml"), text)?;
        }
        Ok(Place { world, root })
    }

    /// Plays something without rules.
    fn native<T>(&self, play: impl FnOnce(&Stage<'_>) -> Result<T>) -> Result<T> {
        let stage = Stage::new(self.world, self.root, Way::Native, None)?;
        nothing_left(play(&stage)).context("natively")
    }

    /// Plays it while a policy holds for a program, or for all of them. Answers which refusals were told too.
    fn ruled<T>(
        &self,
        policy: &str,
        subject: Option<&'static str>,
        play: impl FnOnce(&Stage<'_>) -> Result<T>,
    ) -> Result<(T, Vec<String>)> {
        let rules = format!("{POLICIES}/{policy}.toml");
        let stage = Stage::ruled(self.world, self.root, &rules, subject)?;
        let played = nothing_left(play(&stage));
        let said = stage.said();
        let played = played.with_context(|| format!("under {policy}: {said:#?}"))?;
        Ok((played, said.into_iter().filter(|line| line.contains(REFUSED)).collect()))
    }
}

/// A policy, whom it holds (all where nobody is named), and which calls it refuses.
type Held = (&'static str, Option<&'static str>, &'static [&'static str]);

/// Plays something natively and under policies, and compares what came through. Where calls are refused the lines that tell
/// of refusals differ.
fn same(place: &Place, policies: &[Held], play: impl Fn(&Stage<'_>) -> Result<String>) -> Result<Outcome> {
    let native = place.native(&play)?;
    for (policy, subject, refused) in policies {
        let (ruled, told) = place.ruled(policy, *subject, |stage| {
            let seen = play(stage)?;
            ensure!(stage.is_used(), "rules hold for nobody");
            Ok(seen)
        })?;
        let names =
            told.iter().filter(|line| refused.iter().any(|call| line.contains(&format!("): {call}("))));
        ensure!(names.count() == told.len() && told.len() == refused.len(), "under {policy}: {told:#?}");
        let compared = |text: &str| {
            let lines = text.lines().filter(|line| refused.is_empty() || !line.starts_with("refused:"));
            lines.collect::<Vec<_>>().join("\n")
        };
        if let Some(difference) = difference(&compared(&native), &compared(&ruled)) {
            bail!("under {policy}: what came through differs from the native run: {difference}");
        }
    }
    Ok(Outcome::Passed("as natively".into()))
}

/// What the line of a refusal says behind the call.
const REFUSED: &str = ": refused with ";

/// What is to become of a program.
enum Expect {
    /// It prints this, and does all as without a policy.
    Prints(&'static str),
    /// This call is refused, and the program fails.
    Refused(&'static str),
}

use Expect::{Prints, Refused};

/// Says of each call what became of it, by an exception.
macro_rules! python {
    ($code:literal) => {
        &["python3", "-c", concat!("import socket\n", $code, "\nprint('done')")]
    };
}
use python;

/// A policy's name, a program with its arguments, and what becomes of it.
type Line = (&'static str, &'static [&'static str], Expect);

/// The name of a line's case.
fn title(line: &Line, tree: Tree) -> String {
    let (policy, program, expect) = line;
    let what = match program {
        ["python3", _, code] => code.lines().nth(1).unwrap_or_default().to_owned(),
        _ => program.join(" "),
    };
    let told = match expect {
        Prints(_) => "is permitted".to_owned(),
        Refused(call) => format!("is refused {call}"),
    };
    format!("{policy}: {what} {told}, {}", tree.name())
}

/// Runs a line's program natively and under its policy. Words may hold what `fill` replaces; `served` counts what arrives.
fn line(
    place: &Place,
    (policy, program, expect): &Line,
    fill: &dyn Fn(&str) -> String,
    served: &dyn Fn() -> Result<u64>,
) -> Result<Outcome> {
    let filled: Vec<String> = program.iter().map(|word| fill(word)).collect();
    let filled: Vec<&str> = filled.iter().map(String::as_str).collect();
    let run = |stage: &Stage| {
        let before = served()?;
        let finished = stage.run(program[0], &filled, b"")?;
        anyhow::Ok((finished, served()? - before))
    };
    let (native, arrived) = place.native(run)?;
    let ((ruled, came), told) = place.ruled(policy, None, run)?;
    let whole = || {
        let said = |finished: &Finished| {
            let Finished { command, status, stderr, .. } = finished;
            format!("{command}\n{}\n{}{stderr}", ending(*status), finished.text())
        };
        format!("{}{}{}", said(&native), said(&ruled), told.join("\n"))
    };
    match expect {
        Prints(text) => {
            ensure!(native.status.success() && native.text().contains(text), "{}", whole());
            ensure!(told.is_empty() && ruled.status == native.status && came == arrived, "{}", whole());
            if let Some(difference) =
                difference(&native.text(), &ruled.text()).or(difference(&native.stderr, &ruled.stderr))
            {
                bail!("{difference}\n{}", whole());
            }
            Ok(Outcome::Passed("as natively".into()))
        }
        Refused(call) => {
            // A kernel may lack a family or a protocol, which is refused all the same.
            let lacks = native.stderr.contains("not supported");
            let sends = SENDING.contains(call);
            let works = lacks || if sends { arrived > 0 } else { native.status.success() };
            ensure!(works, "it proves nothing: {}", whole());
            ensure!(!ruled.status.success() && came == 0, "{came} were served: {}", whole());
            Ok(Outcome::Passed(refusal(&told, call).with_context(whole)?))
        }
    }
}

/// Calls by which something arrives somewhere.
const SENDING: &[&str] = &["connect", "sendto", "sendmsg", "sendmmsg"];

/// The refusal of a call among the lines that tell them: by what.
fn refusal(told: &[String], call: &str) -> Result<String> {
    let line = told.iter().find_map(|line| {
        let (head, why) = line.split_once(REFUSED)?;
        head.contains(&format!("): {call}(")).then_some(why)
    });
    let why = line.with_context(|| format!("nothing says that {call} is refused"))?;
    Ok(why.split(": ").next().unwrap_or(why).to_owned())
}
