//! `run --explain`: what it says in different worlds, and that it runs nothing.

use anyhow::{Result, bail, ensure};

use super::guests::{Build, Builder, Guest};
use super::{LIMIT, World, command, missing, nothing_left, words};
use crate::process::{Running, ending};
use crate::report::{Outcome, Report};
use crate::tools::GCC32;

const GUEST: Guest = Guest { name: "all20", sources: &["all20.c", "entry.S"], builds: &[] };

/// A world, a program, and what must be said of them.
struct Explained {
    name: &'static str,
    /// In front of `socketcall`; XTASK is this program.
    world: &'static [&'static str],
    /// PROGRAM is a 32-bit guest.
    program: &'static str,
    status: i32,
    says: &'static [&'static str],
}

const PLAIN: Explained = Explained {
    name: "a 32-bit program",
    world: &[],
    program: "PROGRAM",
    status: 0,
    says: &[
        "is a 32-bit x86 program\n",
        "by vDSO:   taken apart by the stub",
        "after RET_TRACE: ",
        "--untraced: works",
    ],
};

const ALL: &[Explained] = &[
    PLAIN,
    Explained {
        name: "under a filter that denies",
        world: &["XTASK", "deny", "--"],
        says: &[
            "is a 32-bit x86 program\n",
            "by vDSO:   taken apart by the stub",
            "after RET_TRAP: ",
            "--untraced: works",
        ],
        ..PLAIN
    },
    Explained {
        name: "under a filter that kills",
        world: &["XTASK", "deny", "--kill", "--"],
        says: &["by vDSO:   taken apart by the stub", "int $0x80: killed: "],
        ..PLAIN
    },
    Explained {
        name: "without privileges",
        world: &["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
        says: &["by vDSO:   taken apart by the stub", "privileges: no_new_privs is set"],
        ..PLAIN
    },
    Explained { name: "a 64-bit program", program: "/bin/sh", says: &["is a 64-bit program; "], ..PLAIN },
    Explained {
        name: "no program",
        program: "/no/such/program",
        status: 127,
        says: &["socketcall: /no/such/program: not found\n"],
        ..PLAIN
    },
];

pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("explain");
    let builder = Builder::new(world)?;
    for explained in ALL {
        report.case(explained.name, || {
            if let Some(why) = missing(&[GCC32]) {
                return Ok(Outcome::Skipped(why));
            }
            if explained.world.contains(&"setpriv") && !nix::unistd::geteuid().is_root() {
                return Ok(Outcome::Skipped("needs root".into()));
            }
            nothing_left(explained.is_said(world, &builder))
        });
    }
    report.end_suite();
    Ok(())
}

impl Explained {
    fn is_said(&self, world: &World, builder: &Builder) -> Result<Outcome> {
        let guest = builder.make(&GUEST, Build::Dynamic)?;
        let (xtask, guest) = (world.xtask.display().to_string(), guest.display().to_string());
        let mut line =
            words(self.world).into_iter().map(|word| word.replace("XTASK", &xtask)).collect::<Vec<_>>();
        line.push(world.socketcall.display().to_string());
        line.extend(words(&["run", "--explain", "--"]));
        // It would tell of the calls that it makes.
        line.extend([self.program.replace("PROGRAM", &guest), "libc".into()]);
        let finished = Running::start(command(&line)?, vec![], LIMIT)?.wait()?;
        let said = format!("{}{}", finished.text(), finished.stderr);
        ensure!(
            finished.status.code() == Some(self.status),
            "{}: {}, not {}\n{said}",
            finished.command,
            ending(finished.status),
            self.status
        );
        ensure!(!said.contains("calls: "), "{}\nit ran:\n{said}", finished.command);
        for wanted in self.says {
            if !said.contains(wanted) {
                bail!("{}\n{wanted:?} is not said:\n{said}", finished.command);
            }
        }
        Ok(Outcome::Passed(String::new()))
    }
}
