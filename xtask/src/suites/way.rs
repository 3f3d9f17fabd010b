//! The worlds in which a program is run.

use super::{World, words};

/// What is around a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing, as on any machine: the oracle.
    Native,
    /// socketcall is denied.
    Denied,
    /// socketcall is denied, and the program runs under `socketcall run`.
    Run(Mode),
    /// The same with -v, which counts and so sees a little more. There is no -v without a tracer.
    Counted(Mode),
    /// Under `socketcall run`, and nothing is denied: then another answer of a filter hands calls over.
    Open(Mode),
    /// Somebody listens for socketcall.
    Overheard,
    /// Somebody listens for socketcall, and the program runs under `socketcall run`. A listener hears what our
    /// filter lets through, and only that: it can stand in the place of a filter that denies.
    RunOverheard(Mode),
}

/// How `socketcall run` serves a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By a tracer, the stub being in the vDSO.
    Traced,
    /// By a tracer, the stub being in a page in front of the vDSO.
    InFront,
    /// By nobody who stays attached.
    Untraced,
    /// By nobody who stays attached, the stub being in front.
    UntracedInFront,
}

impl Mode {
    /// Every one.
    pub const ALL: &[Mode] = &[Mode::Traced, Mode::InFront, Mode::Untraced, Mode::UntracedInFront];
    /// Those with a tracer.
    pub const TRACED: &[Mode] = &[Mode::Traced, Mode::InFront];
    /// Those without.
    pub const UNTRACED: &[Mode] = &[Mode::Untraced, Mode::UntracedInFront];

    /// The options of `socketcall run`.
    pub const fn options(self) -> &'static [&'static str] {
        match self {
            Mode::Traced => &[],
            Mode::InFront => &["--in-front"],
            Mode::Untraced => &["--untraced"],
            Mode::UntracedInFront => &["--untraced", "--in-front"],
        }
    }

    /// For the names of cases.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Traced => "traced",
            Mode::InFront => "traced, in front",
            Mode::Untraced => "untraced",
            Mode::UntracedInFront => "untraced, in front",
        }
    }

    /// Whether a tracer stays.
    pub const fn is_traced(self) -> bool {
        matches!(self, Mode::Traced | Mode::InFront)
    }
}

impl Way {
    /// Whether socketcall is denied in this world.
    pub const fn is_denied(self) -> bool {
        matches!(self, Way::Denied | Way::Run(_) | Way::Counted(_))
    }

    /// The words to put in front of a command that runs on the host: the filter, and `run`.
    pub fn prefix(self, world: &World) -> (Vec<String>, Vec<String>) {
        let xtask = world.xtask.display().to_string();
        let filter = match self {
            Way::Native | Way::Open(_) => vec![],
            Way::Denied | Way::Run(_) | Way::Counted(_) => words(&[&xtask, "deny", "--"]),
            Way::Overheard | Way::RunOverheard(_) => words(&[&xtask, "overhear", "--"]),
        };
        let run = |options: &[&str]| {
            let program = world.socketcall.display().to_string();
            words(&[&[program.as_str(), "run"], options, &["--"]].concat())
        };
        let run = match self {
            Way::Native | Way::Denied | Way::Overheard => vec![],
            Way::Run(mode) | Way::Open(mode) | Way::RunOverheard(mode) => run(mode.options()),
            Way::Counted(mode) => run(&[&["-v"], mode.options()].concat()),
        };
        (filter, run)
    }
}
