//! `socketcall demo`, as its user sees it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use guest32::{Entry, Guest, Program};
use seccomp::{Action, Arch, Wants, with_filter};

const SOCKETCALL: &str = env!("CARGO_BIN_EXE_socketcall");

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(SOCKETCALL);
    command.arg("demo").args(arguments).stdin(Stdio::null());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    // The demo gives its own commands the options they need.
    command.env("SOCKETCALL_OPTIONS", "--no-such-option");
    command
}

/// What the demo printed, and its exit status.
#[derive(Debug)]
struct Shown {
    text: String,
    stderr: String,
    status: Option<i32>,
}

fn shown(command: &mut Command) -> Shown {
    let Output { status, stdout, stderr } = command.output().expect("the demo to be executed");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Shown { text: text(stdout), stderr: text(stderr), status: status.code() }
}

/// Under a filter that gives these answers.
fn filtered<'a>(command: &'a mut Command, answers: &[(Arch, u32, Action)]) -> &'a mut Command {
    let mut wants = Wants::new();
    for (arch, number, action) in answers {
        wants.add(*arch, *number, *action);
    }
    with_filter(command, wants.compile().expect("a short filter"))
}

const SOCKETCALL_DENIED: (Arch, u32, Action) = (Arch::I386, abi::SOCKETCALL_I386, Action::Errno(54));

impl Shown {
    /// The lines of part `number`, to the next part's heading or the end.
    fn part(&self, number: u8) -> Vec<&str> {
        let heading = |number: u8| move |line: &&str| line.starts_with(&format!("{number}  "));
        let lines = self.text.lines().skip_while(move |line| !heading(number)(line)).skip(1);
        let part: Vec<_> = lines.take_while(move |line| !heading(number + 1)(line)).collect();
        assert!(!part.is_empty(), "no part {number}:\n{}", self.text);
        part
    }

    /// A part's rows: the program, and the columns behind it.
    fn rows(&self, number: u8) -> Vec<(String, Vec<&str>)> {
        let rows = self.part(number).into_iter().filter(|line| line.starts_with("     echo-"));
        rows.map(|line| {
            let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
            let program = columns.next().expect("a program").split(' ').next().expect("a word");
            (program.to_owned(), columns.collect())
        })
        .collect()
    }
}

/// The four programs, in the order of the rows.
const PROGRAMS: [&str; 4] =
    ["echo-server-int80", "echo-client-int80", "echo-server-vdso", "echo-client-vdso"];
const LINE: &str = "one line, there and back";

/// Checks rows whose server works and whose client gets its line back; `counts` are the last columns.
fn assert_they_work(rows: &[(String, Vec<&str>)], counts: [&[&str]; 4]) {
    assert_eq!(rows.iter().map(|(program, _)| program.as_str()).collect::<Vec<_>>(), PROGRAMS);
    for ((program, columns), counts) in rows.iter().zip(counts) {
        if program.contains("server") {
            assert!(columns[0].parse::<u16>().is_ok_and(|port| port > 0), "{program} {columns:?}");
        } else {
            assert_eq!(columns[0], LINE, "{program}");
        }
        assert_eq!(columns[1], "exit status 0", "{program}");
        assert_eq!(columns[2..], *counts, "{program}");
    }
}

/// The server's calls: socket, bind, listen, getsockname, accept, recv, send, recv. The client's: socket, connect,
/// send, recv, shutdown.
const COUNTS: [&[&str]; 4] = [
    &["stub 0, trap 8, direct 0"],
    &["stub 0, trap 5, direct 0"],
    &["stub 8, trap 0, direct 0"],
    &["stub 5, trap 0, direct 0"],
];

fn assert_they_fail(rows: &[(String, Vec<&str>)], columns: &[&str]) {
    let expected: Vec<_> = PROGRAMS.map(|program| (program.to_owned(), columns.to_vec())).into();
    assert_eq!(rows, expected);
}

#[test]
fn the_four_parts_go_as_the_text_says() {
    let shown = shown(&mut demo(&[]));
    assert_eq!((shown.status, shown.stderr.as_str()), (Some(0), ""), "{}", shown.text);
    assert_they_work(&shown.rows(2), [&[]; 4]);
    assert_they_fail(&shown.rows(3), &["socket: errno 38", "exit status 1"]);
    assert_they_work(&shown.rows(4), COUNTS);
    for line in [
        "   They fail. Errno 38 is ENOSYS: people saw \"socket: Function not implemented\".",
        "   All 13 socketcalls by int $0x80 were trapped, and taken apart by the supervisor.",
    ] {
        assert!(shown.text.lines().any(|of| of == line), "{line}\n{}", shown.text);
    }
    assert!(!shown.text.contains("Not as it should be"));
    let too_wide: Vec<_> = shown.text.lines().filter(|line| line.len() >= 100).collect();
    assert_eq!(too_wide, Vec::<&str>::new());
}

#[test]
fn styles_are_for_terminals() {
    assert!(!shown(&mut demo(&[])).text.contains('\x1b'));
    assert!(shown(demo(&[]).env("CLICOLOR_FORCE", "1")).text.contains("\x1b[1m"));
    assert!(!shown(demo(&[]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")).text.contains('\x1b'));
}

/// One call of the article's program, as the demo shows it.
#[derive(Debug, Default)]
struct Shot {
    site: u32,
    how: String,
    /// Registers by name.
    registers: Vec<(String, u32)>,
    /// Address, value and name of each word of the array.
    array: Vec<(u32, u32, String)>,
    /// What came back.
    eax: Option<i32>,
}

impl Shot {
    fn register(&self, name: &str) -> u32 {
        self.registers.iter().find(|(of, _)| of == name).unwrap_or_else(|| panic!("{name}: {self:?}")).1
    }
}

fn hex(text: &str) -> u32 {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_else(|_| panic!("hexadecimal: {text}"))
}

/// The calls below the subheading `name`.
fn shots(lines: &[&str], name: &str) -> Vec<Shot> {
    let mut shots: Vec<Shot> = vec![];
    let below = lines.iter().skip_while(|line| line.trim() != name).skip(1);
    for line in below.take_while(|line| !line.starts_with("   The entry ")) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            [site, ..] if line.starts_with("     0x") => {
                let how = words[1..].join(" ");
                shots.push(Shot { site: hex(site), how, ..Shot::default() });
            }
            ["->", "eax", eax, ..] => {
                shots.last_mut().expect("a call").eax = Some(eax.parse().expect("a number"));
            }
            [address, value, name, ..] if line.starts_with("          0x") => {
                let word = (hex(address), value.parse().expect("a number"), name.to_owned());
                shots.last_mut().expect("a call").array.push(word);
            }
            [name @ ("eax" | "ebx" | "ecx"), value, ..] if value.starts_with("0x") => {
                shots.last_mut().expect("a call").registers.push((name.to_owned(), hex(value)));
            }
            [_, _, ..] if line.contains("eip ") => {
                let pairs = words.chunks_exact(2).map(|pair| (pair[0].to_owned(), hex(pair[1])));
                shots.last_mut().expect("a call").registers.extend(pairs);
            }
            _ => {}
        }
    }
    shots
}

/// Compares what is shown of an entry with what the guest's source does: its three entries in their order, the
/// array in its frame, the descriptor handed on.
fn assert_is_the_article(shots: &[Shot], entry: Entry, descriptor: i32) {
    let guest = Guest { program: Program::Article, entry };
    assert_eq!(shots.iter().map(|shot| shot.site).collect::<Vec<_>>(), guest.kernel_entries(), "{shots:?}");
    assert!(shots.iter().all(|shot| shot.registers.len() == 9), "{shots:?}");
    let [socket, close, exit] = shots else { panic!("{shots:?}") };
    assert_eq!((socket.register("eax"), socket.register("ebx")), (102, 1));
    let array = socket.register("ecx");
    let words = [(2, "domain"), (1, "type"), (0, "protocol")];
    let words = words.into_iter().zip([array, array + 4, array + 8]);
    assert_eq!(socket.array, words.map(|((value, name), at)| (at, value, name.into())).collect::<Vec<_>>());
    // The frame: the array at -12(%ebp), the descriptor below it.
    assert_eq!(socket.register("ebp"), array + 12);
    let frame = array - 4;
    assert_eq!(socket.eax, Some(descriptor));
    assert_eq!((close.register("eax"), close.register("ebx")), (6, descriptor.cast_unsigned()));
    assert_eq!((close.eax, &close.array[..]), (Some(0), &[][..]));
    assert_eq!((exit.register("eax"), exit.register("ebx"), exit.eax), (1, 0, None));
    for shot in shots {
        match entry {
            Entry::Int80 => {
                assert_eq!((shot.how.as_str(), shot.register("eip")), ("int $0x80", shot.site + 2));
            }
            Entry::Vdso => {
                assert_eq!(shot.how, "call *AT_SYSINFO");
                assert!(shot.register("eip") > 0xf000_0000, "the vDSO lies high: {shot:?}");
            }
        }
    }
    // The vDSO has pushed the return address and three registers.
    let pushed = if entry == Entry::Vdso { 16 } else { 0 };
    assert_eq!(socket.register("esp"), frame - pushed);
}

/// Checks what `demo article` shows of every entry.
fn assert_article(shown: &Shown, descriptor: i32) {
    assert_eq!((shown.status, shown.stderr.as_str()), (Some(0), ""), "{}", shown.text);
    let part = shown.part(1);
    assert_is_the_article(&shots(&part, "The entry int $0x80"), Entry::Int80, descriptor);
    assert_is_the_article(&shots(&part, "The entry through the vDSO"), Entry::Vdso, descriptor);
}

#[test]
fn article_shows_what_the_program_does() {
    let shown = shown(&mut demo(&["article"]));
    assert_article(&shown, 3);
    assert!(!shown.text.contains("To try next"), "{}", shown.text);
    // The kernel's choice is in the vDSO's code, and the other instruction is the one that is missing.
    let code = shown.text.lines().find(|line| line.contains("push %ebp; ")).expect("the vDSO's code");
    let missing = match (code.contains("sysenter"), code.contains("syscall")) {
        (true, false) => "syscall",
        (false, true) => "sysenter",
        _ => panic!("{code}"),
    };
    let entries: Vec<_> = shown.text.lines().filter(|line| line.starts_with("   The entry ")).collect();
    let expected = ["The entry int $0x80", "The entry through the vDSO", &format!("The entry {missing}")];
    assert_eq!(entries, expected.map(|entry| format!("   {entry}")));
    let text = shown.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("executing it raised SIGILL."), "{text}");
    assert!(text.contains("With its int $0x80 put back it went on, and exited with 0."), "{text}");
}

#[test]
fn article_shows_another_descriptor_where_there_is_another() {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec 3</dev/null 4</dev/null; exec \"$0\" demo article", SOCKETCALL]);
    assert_article(&shown(&mut shell), 5);
}

#[test]
fn a_filter_around_the_demo_is_told_and_overcome() {
    let shown = shown(filtered(&mut demo(&[]), &[SOCKETCALL_DENIED]));
    assert_eq!((shown.status, shown.stderr.as_str()), (Some(0), ""), "{}", shown.text);
    let part = shown.part(1);
    for shots in ["The entry int $0x80", "The entry through the vDSO"].map(|name| shots(&part, name)) {
        let [socket, exit] = &shots[..] else { panic!("{shots:?}") };
        assert_eq!((socket.register("ebx"), socket.eax), (1, Some(-54)));
        assert_eq!((exit.register("eax"), exit.register("ebx")), (1, 54));
    }
    assert_they_fail(&shown.rows(2), &["socket: errno 54", "exit status 1"]);
    // Of two filters that answer an errno, the one installed last counts (kernel/seccomp.c).
    assert_they_fail(&shown.rows(3), &["socket: errno 38", "exit status 1"]);
    assert_they_work(&shown.rows(4), COUNTS);
    let text = shown.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told =
        "this demo is under a seccomp filter already, and there socketcall answers EXFULL (Exchange full).";
    assert!(text.contains(&format!("The call fails: {told}")), "{text}");
    assert!(text.contains(&format!("They fail: {told}")), "{text}");
    assert!(!text.contains("With its int $0x80 put back it went on, and exited with 0."), "{text}");
}

#[test]
fn a_filter_that_kills_is_told_and_what_it_kills_is_named() {
    let kill = (Arch::I386, abi::SOCKETCALL_I386, Action::KillProcess);
    let shown = shown(filtered(&mut demo(&[]), &[kill]));
    assert_eq!((shown.status, shown.stderr.as_str()), (Some(1), ""), "{}", shown.text);
    for number in [2, 3] {
        assert_they_fail(&shown.rows(number), &["killed by SIGSYS"]);
    }
    let rows = shown.rows(4);
    for (row, program) in rows[..2].iter().zip(PROGRAMS) {
        assert_eq!(*row, (program.into(), vec!["killed by SIGSYS", "stub 0, trap 0, direct 0"]));
    }
    for ((_, columns), counts) in rows[2..].iter().zip(&COUNTS[2..]) {
        assert_eq!(columns[1..], [&["exit status 0"][..], counts].concat());
    }
    let text = shown.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("socketcall run says: an outer seccomp filter kills on socketcall"), "{text}");
    assert!(!text.contains("So they work"), "{text}");
    let named = shown.text.split_once("Not as it should be:\n").expect("what is not").1;
    let named: Vec<_> = named.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    assert_eq!(named[0], "- part 4: echo-server-int80: killed by SIGSYS");
    assert!(named[1].starts_with("- part 4: echo-client-int80 "), "{named:?}");
    assert_eq!(named.len(), 2, "{named:?}");
}

#[test]
fn without_ptrace_the_other_parts_are_shown() {
    const PTRACE: u32 = 101;
    let shown = shown(filtered(&mut demo(&[]), &[(Arch::X86_64, PTRACE, Action::Errno(1))]));
    assert_eq!((shown.status, shown.stderr.as_str()), (Some(1), ""), "{}", shown.text);
    assert!(
        shown.part(1).iter().any(|line| line.starts_with("   This can't be shown here: ptrace is refused"))
    );
    assert_they_work(&shown.rows(2), [&[]; 4]);
    assert_they_fail(&shown.rows(3), &["socket: errno 38", "exit status 1"]);
    assert_they_fail(&shown.rows(4), &["exit status 125"]);
    assert!(shown.text.contains("socketcall run says: ptrace is refused here"), "{}", shown.text);
}

/// A directory that is gone at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("socketcall-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory to write to");
        Directory(path)
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).expect("a directory").next().is_none()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MEMFD_CREATE: (Arch, u32, Action) = (Arch::X86_64, 319, Action::Errno(38));

#[test]
fn without_files_in_memory_a_directory_serves_and_is_removed() {
    let directory = Directory::new();
    let mut command = demo(&["article"]);
    command.env("TMPDIR", &directory.0);
    assert_article(&shown(filtered(&mut command, &[MEMFD_CREATE])), 3);
    assert!(directory.is_empty());
}

#[test]
fn without_any_place_to_execute_from_that_is_said() {
    const MKDIR: (Arch, u32, Action) = (Arch::X86_64, 83, Action::Errno(30));
    let shown = shown(filtered(&mut demo(&[]), &[MEMFD_CREATE, MKDIR]));
    assert_eq!((shown.status, shown.text.as_str()), (Some(2), ""));
    let [line] = shown.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{}", shown.stderr) };
    assert!(line.starts_with("socketcall: the demo's programs can't be executed from anywhere (memory: "));
    assert!(line.contains("Read-only file system") && line.contains("TMPDIR=DIR"), "{line}");
}

/// Set for a process that is to become the demo.
const BECOME: &str = "SOCKETCALL_TEST_BECOME_DEMO";

/// Not a test by itself: becomes the demo where execve answers ENOEXEC, as a kernel without 32-bit support
/// answers it for a 32-bit program.
#[test]
#[ignore = "started by the test below"]
fn becomes_the_demo_without_32_bit_programs() {
    const EXECVE: u32 = 59;
    if std::env::var_os(BECOME).is_none() {
        return;
    }
    let demo = fs::File::open(SOCKETCALL).expect("the program");
    let mut wants = Wants::new();
    wants.add(Arch::X86_64, EXECVE, Action::Errno(8));
    wants.compile().expect("a filter").install_unprivileged().expect("to be installed");
    // By execveat, which the filter allows.
    let error = nix::unistd::fexecve(demo, &[c"socketcall", c"demo"], &[c"PATH=/bin"]);
    panic!("{error:?}");
}

#[test]
fn without_32_bit_programs_the_articles_calls_are_emulated() {
    let test = std::env::current_exe().expect("this test");
    let arguments = ["--ignored", "--exact", "--nocapture", "becomes_the_demo_without_32_bit_programs"];
    let shown = shown(Command::new(test).args(arguments).env(BECOME, ""));
    assert_eq!(shown.status, Some(0), "{shown:?}");
    let socket = shown.text.lines().find(|line| line.contains("socketcall(1, {")).expect("the call");
    assert!(socket.contains("x86-64 call 41, socket") && socket.contains("= "), "{socket}");
    assert!(!socket.contains("= E"), "{socket}");
    assert!(shown.text.contains("ia32_emulation=1"), "{shown:?}");
    assert_eq!(shown.stderr, "");
}

#[test]
fn the_three_commands_to_try_next_work_in_their_order() {
    let shown = shown(&mut demo(&[]));
    let next = shown.text.split_once("To try next:\n").expect("commands").1;
    let commands: Vec<_> =
        next.lines().map(|line| line.trim().split("  ").next().expect("a command")).collect();
    assert_eq!(commands.len(), 3, "{next}");
    let directory = Directory::new();
    for command in commands {
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("socketcall"));
        let output = Command::new(SOCKETCALL).args(words).current_dir(&directory.0).output().expect("to run");
        assert!(output.status.success() && !output.stdout.is_empty(), "{command}: {output:?}");
    }
}

#[test]
fn written_programs_are_the_guests_and_nothing_is_overwritten() {
    let directory = Directory::new();
    let inner = directory.0.join("a/b");
    let write = || shown(&mut demo(&["--write", inner.to_str().expect("text")]));
    for _again in 0..2 {
        let shown = write();
        assert_eq!((shown.status, shown.stderr.as_str()), (Some(0), ""));
        assert!(Program::ALL.iter().all(|program| shown.text.contains(program.name())), "{}", shown.text);
    }
    let file = |guest: Guest| inner.join(guest.name());
    for guest in Guest::ALL {
        assert_eq!(fs::read(file(guest)).expect("a file"), guest.image(), "{guest}");
        let mode = fs::metadata(file(guest)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o111 & !umask(&directory.0), 0o111 & !umask(&directory.0), "{guest}: {mode:o}");
    }
    let changed = file(Guest::ALL[3]);
    fs::write(&changed, "something else").expect("to write");
    let shown = write();
    assert_eq!((shown.status, shown.text.as_str()), (Some(2), ""));
    assert!(shown.stderr.contains("something else is there: remove it"), "{}", shown.stderr);
    assert_eq!(fs::read(&changed).expect("a file"), b"something else");
}

/// The bits that new directories in `parent` lack.
fn umask(parent: &Path) -> u32 {
    !fs::metadata(parent).expect("a directory").permissions().mode() & 0o777
}

#[test]
fn who_closes_the_pipe_has_seen_enough() {
    let mut child =
        demo(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the demo to start");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    drop(stdout);
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn nothing_but_article_is_a_part() {
    let shown = shown(&mut demo(&["server"]));
    assert_eq!(shown.status, Some(2));
    assert!(shown.stderr.contains("[possible values: article]"), "{}", shown.stderr);
}
