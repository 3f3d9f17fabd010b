//! What this executable does when a test runs it again: decided before `main`, so that libtest never starts.

use std::ffi::OsString;
use std::process::exit;

use supervise::{Demux, Launch, Session};

use crate::{attach, caller, escape, unseen};

/// The first argument of such a run.
const MARK: &str = "--as-a-program";

/// A launch of this executable as the program `what`.
pub fn launch(what: &str) -> Launch {
    Launch::new(std::env::current_exe().expect("an executable")).args([MARK, what])
}

/// The same as a command of the standard library.
pub fn command(what: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().expect("an executable"));
    command.args([MARK, what]);
    command
}

/// Runs before the Rust runtime is set up, as every function that this section lists does.
#[used]
#[unsafe(link_section = ".init_array")]
static INIT: extern "C" fn() = act;

extern "C" fn act() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != MARK) {
        return;
    }
    let what = arguments.next().unwrap_or_default();
    match what.to_str() {
        Some("caller") => caller::calls(),
        Some("interrupted") => caller::interrupted(arguments.next().is_some_and(|flag| flag == "restart")),
        Some("stopped") => caller::stopped(),
        Some("shy") => caller::shy(),
        Some("wait") => unseen::wait(),
        Some("listens") => escape::listens(number(arguments.next())),
        Some("untraced") => escape::untraced(),
        Some("between") => escape::between(),
        Some("child-clones") => escape::child_clones(),
        Some("attach") => attach::attach(number(arguments.next()).expect("a process")),
        Some("leaderless") => attach::leaderless(),
        Some("become") => become_program(arguments.collect()),
        _ => exit(99),
    }
    exit(0)
}

fn number<T: std::str::FromStr>(word: Option<OsString>) -> Option<T> {
    word?.to_str()?.parse().ok()
}

/// As `socketcall run` does.
fn become_program(mut words: Vec<OsString>) {
    let program = words.remove(0);
    let Err(error) = Session::new(Launch::new(program).args(words)).with(Demux::new()).become_program();
    eprintln!("{error}");
    exit(error.exit_status().into())
}
