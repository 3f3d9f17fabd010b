//! What is traced, and with which options.

use super::guests::Entry::{self, Direct, Int80, Vdso, X86_64};
use super::normal::Shape;

/// A guest with its arguments.
pub struct Traced {
    pub guest: &'static str,
    pub arguments: &'static [&'static str],
    /// The entries it is run by without options.
    pub entries: &'static [Entry],
    /// Whether it is traced with every row of options too.
    pub with_options: bool,
    /// Whether the tracer is in the guest's network namespace, a new one. With -yy it always is.
    pub shared_network: bool,
}

const ALL: &[Entry] = &[Int80, Vdso, Direct, X86_64];

/// What a call means does not hang on its entry: enough for the guests with very many calls, and for options.
pub const EACH_SIZE: &[Entry] = &[Int80, X86_64];

const fn all(guest: &'static str, arguments: &'static [&'static str]) -> Traced {
    Traced { guest, arguments, entries: ALL, with_options: false, shared_network: false }
}

const fn with_options(guest: &'static str, arguments: &'static [&'static str]) -> Traced {
    Traced { with_options: true, ..all(guest, arguments) }
}

const fn each_size(guest: &'static str, arguments: &'static [&'static str]) -> Traced {
    Traced { entries: EACH_SIZE, ..all(guest, arguments) }
}

pub const TRACED: &[Traced] = &[
    with_options("calls", &[]),
    with_options("messages", &[]),
    with_options("many", &[]),
    with_options("control", &[]),
    all("addresses", &[]),
    all("netlink", &[]),
    Traced { shared_network: true, ..all("netlink", &[]) },
    all("descriptors", &[]),
    each_size("options", &[]),
    all("processes", &["interrupted"]),
    with_options("processes", &["signals"]),
    with_options("processes", &["threads"]),
    with_options("processes", &["children"]),
    all("processes", &["leader"]),
    all("processes", &["exec"]),
    all("processes", &["abort"]),
    all("processes", &["fault"]),
    all("processes", &["killed"]),
    each_size("random", &["30000", "1"]),
    each_size("random", &["30000", "2"]),
    each_size("random", &["30000", "3"]),
];

/// Where the lines go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// `-o FILE`.
    File,
    /// Standard error.
    Terminal,
    /// `-ff -o FILE`: a file for each task.
    Split,
}

/// Options that both tracers get.
pub struct Row {
    pub options: &'static [&'static str],
    pub shape: Shape,
    pub output: Output,
}

impl Row {
    /// Whether a guest is traced with these options.
    pub fn is_for(&self, traced: &Traced) -> bool {
        match (self.output, traced.guest) {
            // strace tells of memory that it could read in part only on standard error, in the middle of lines. So
            // there only guests whose memory is in order can be compared.
            (Output::Terminal, guest) => guest == "processes" && traced.with_options,
            (_, "descriptors") => self.shape.described,
            _ => traced.with_options,
        }
    }
}

const PLAIN: Shape = Shape { stamped: false, timed: false, described: false, counted: false };
const STAMPED: Shape = Shape { stamped: true, ..PLAIN };
const TIMED: Shape = Shape { timed: true, ..PLAIN };
const DESCRIBED: Shape = Shape { described: true, ..PLAIN };
const COUNTED: Shape = Shape { counted: true, ..PLAIN };

const fn row(options: &'static [&'static str], shape: Shape) -> Row {
    Row { options, shape, output: Output::File }
}

/// The row without options.
pub const DEFAULT: Row = row(&[], PLAIN);

/// The others.
pub const ROWS: &[Row] = &[
    Row { options: &[], shape: PLAIN, output: Output::Terminal },
    Row { options: &[], shape: PLAIN, output: Output::Split },
    Row { options: &["-q"], shape: PLAIN, output: Output::Terminal },
    row(&["-v"], PLAIN),
    row(&["-s", "8"], PLAIN),
    row(&["-s", "0"], PLAIN),
    row(&["-s", "1000"], PLAIN),
    row(&["-x"], PLAIN),
    row(&["-xx"], PLAIN),
    row(&["-x", "-v", "-s", "12"], PLAIN),
    row(&["-X", "raw"], PLAIN),
    row(&["-X", "abbrev"], PLAIN),
    row(&["-X", "verbose"], PLAIN),
    row(&["-y"], DESCRIBED),
    row(&["-yy"], DESCRIBED),
    row(&["-t"], STAMPED),
    row(&["-tt"], STAMPED),
    row(&["-ttt"], STAMPED),
    row(&["-r"], STAMPED),
    row(&["-T"], TIMED),
    row(&["--absolute-timestamps"], STAMPED),
    row(&["--timestamps=format:unix,precision:ms"], STAMPED),
    row(&["--timestamps=ns", "--relative-timestamps=s"], STAMPED),
    row(&["--relative-timestamps=ns"], STAMPED),
    row(&["--syscall-times=ms"], TIMED),
    row(&["--syscall-times=ns", "-T"], TIMED),
    row(&["--seccomp-bpf"], PLAIN),
    row(&["-a", "60"], PLAIN),
    row(&["-a", "0"], PLAIN),
    row(&["-n"], PLAIN),
    row(&["-q"], PLAIN),
    row(&["-qq"], PLAIN),
    row(&["-qqq"], PLAIN),
    row(&["-z"], PLAIN),
    row(&["-Z"], PLAIN),
    row(&["-e", "status=failed"], PLAIN),
    row(&["-e", "status=successful,detached"], PLAIN),
    row(&["-e", "status=unfinished,unavailable"], PLAIN),
    row(&["-e", "trace=sendmsg,recvmsg,recvmmsg"], PLAIN),
    row(&["-e", "trace=%net"], PLAIN),
    row(&["-e", "trace=listen"], PLAIN),
    row(&["-e", "signal=none"], PLAIN),
    row(&["-e", "signal=SIGCHLD,USR1"], PLAIN),
    row(&["-c"], COUNTED),
    row(&["-c", "-S", "calls"], COUNTED),
    row(&["-c", "-S", "name"], COUNTED),
    row(&["-c", "-w"], COUNTED),
    row(&["-C"], COUNTED),
];
