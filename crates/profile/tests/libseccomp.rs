//! The library itself is the oracle: for the same rules our compilation must give the same answers, and refuse
//! what it refuses.
//!
//! It is asked through its Python module (Debian: python3-seccomp), which only development needs. Where it is
//! missing, the tests say that they are skipped.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use profile::{Abi, Compiled, Condition, Family, Kernel, Operator, Profile, Runtime, Target};
use proptest::prelude::*;
use seccomp::{Action, Data, Filter, Insn};

/// The library, in a process of its own.
struct Library {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Library {
    /// Debian's interpreter has Debian's modules, another in the path may not.
    fn start(test: &str) -> Option<Library> {
        let has_module = |python: &&str| {
            let import = Command::new(python).args(["-c", "import seccomp"]).stderr(Stdio::null()).status();
            import.is_ok_and(|status| status.success())
        };
        let Some(python) = ["/usr/bin/python3", "python3"].into_iter().find(has_module) else {
            let note = format!("skipped: {test}: the package python3-seccomp is not here\n");
            std::io::stderr().write_all(note.as_bytes()).unwrap();
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libseccomp.py");
        let mut child =
            Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Library { child, input, output: BufReader::new(output) })
    }

    /// What the library answers to a request: bytes, or why it refuses the rules.
    fn ask(&mut self, form: &str, request: &str) -> Result<Vec<u8>, String> {
        self.input.write_all(format!("{form} {request}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if let Some(why) = line.strip_prefix("refused ") {
            return Err(why.to_owned());
        }
        let byte = |at: usize| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap();
        Ok((0..line.len() / 2).map(byte).collect())
    }

    /// The library's program.
    fn compile(&mut self, request: &str) -> Result<Filter, String> {
        let bytes = self.ask("bpf", request)?;
        let code = bytes.chunks_exact(8).map(|insn| {
            let k = u32::from_le_bytes(insn[4..].try_into().unwrap());
            Insn::from_raw(u16::from_le_bytes([insn[0], insn[1]]), insn[2], insn[3], k)
        });
        Ok(Filter::new(code.collect()).unwrap())
    }

    /// The library's tree, as text for people.
    fn tree(&mut self, request: &str) -> Result<Tree, String> {
        let text = String::from_utf8(self.ask("pfc", request)?).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("# ") || line.contains("arch"));
        let indent = |line: &str| line.len() - line.trim_start().len();
        Ok(Tree(lines.map(|line| (indent(line), line.trim().to_owned())).collect()))
    }
}

/// Lines of pseudo filter code, with their indents: `if (...)`, `else` and `action ...;`.
struct Tree(Vec<(usize, String)>);

impl Tree {
    /// What the tree says of a call; `ALLOW`, `ERRNO(5)`. Architectures are told apart by the library's names,
    /// since x86-64 and x32 have one token.
    fn judge(&self, arch: &str, nr: u32, args: &[u64; 6]) -> &str {
        let title = format!("# filter for arch {arch} ");
        let start = self.0.iter().position(|(_, line)| line.starts_with(&title)).unwrap() + 2;
        let length = self.0[start..].iter().take_while(|(indent, _)| *indent > 0).count();
        run(&self.0[start..start + length], nr, args).unwrap()
    }
}

fn run<'a>(lines: &'a [(usize, String)], nr: u32, args: &[u64; 6]) -> Option<&'a str> {
    let mut at = 0;
    while let Some((indent, line)) = lines.get(at) {
        if let Some(action) = line.strip_prefix("action ") {
            return action.strip_suffix(';');
        }
        let body =
            |from: usize| from + lines[from..].iter().take_while(|(deeper, _)| deeper > indent).count();
        let end = body(at + 1);
        let has_else = lines.get(end).is_some_and(|line| *line == (*indent, "else".to_owned()));
        let after = if has_else { body(end + 1) } else { end };
        let condition = line.strip_prefix("if (").unwrap().strip_suffix(')').unwrap();
        let taken = match holds(condition, nr, args) {
            true => &lines[at + 1..end],
            false if has_else => &lines[end + 1..after],
            false => &[],
        };
        if let Some(action) = run(taken, nr, args) {
            return Some(action);
        }
        at = after;
    }
    None
}

/// `$syscall == 41`, `$a0.hi32 & 0x3 == 1`, `$a1 >= 5`
fn holds(condition: &str, nr: u32, args: &[u64; 6]) -> bool {
    let words: Vec<_> = condition.split(' ').collect();
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    };
    let value = match words[0].strip_prefix("$a") {
        Some(argument) => {
            let arg = args[usize::from(argument.as_bytes()[0] - b'0')];
            if argument.ends_with(".hi32") { (arg >> 32) as u32 } else { arg as u32 }
        }
        None => nr,
    };
    let mask = if words[1] == "&" { number(words[2]) } else { u32::MAX };
    let (value, with) = (value & mask, number(words[words.len() - 1]));
    match words[words.len() - 2] {
        "==" => value == with,
        ">" => value > with,
        ">=" => value >= with,
        other => panic!("{other}"),
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn action(action: Action) -> String {
    match action {
        Action::KillProcess => "KILL_PROCESS".into(),
        Action::KillThread => "KILL".into(),
        Action::Trap(_) => "TRAP".into(),
        Action::Errno(errno) => format!("ERRNO={errno}"),
        Action::UserNotif => "NOTIFY".into(),
        Action::Trace(message) => format!("TRACE={message}"),
        Action::Log => "LOG".into(),
        Action::Allow => "ALLOW".into(),
    }
}

/// A rule as the library gets it.
type Asked<'a> = (Action, &'a str, &'a [Condition]);

fn request<'a>(default: Action, arches: &[&str], rules: impl IntoIterator<Item = Asked<'a>>) -> String {
    let mut text = format!("{} {} ", action(default), arches.join(","));
    for (answer, name, conditions) in rules {
        write!(text, "{} {name}", action(answer)).unwrap();
        for condition in conditions {
            let op = condition.op.profile_name().strip_prefix("SCMP_CMP_").unwrap();
            write!(text, " {}:{op}:{}:{}", condition.index, condition.value, condition.value_two).unwrap();
        }
        text.push(';');
    }
    text
}

const ARCHES: [(Abi, &str); 3] = [(Abi::X86_64, "x86_64"), (Abi::X32, "x32"), (Abi::I386, "x86")];

/// crun's target: runc puts something in front of what libseccomp makes.
fn target() -> Target {
    Target { runtime: Runtime::Crun, ..Target::new(Kernel { major: 6, minor: 12 }) }
}

const NAMES: [&str; 8] =
    ["socket", "socketcall", "recv", "accept4", "shmctl", "read", "personality", "io_uring_setup"];

/// Numbers that matter, and those around.
fn numbers(abi: Abi) -> Vec<u32> {
    let mut numbers: Vec<u32> = NAMES.iter().filter_map(|name| abi.number(name)).collect();
    if abi == Abi::I386 {
        numbers.push(117);
    }
    numbers.extend([0x3fff_ffff, 0x4000_0000, 0x8000_0000, 0xc000_0000, 0xffff_fffe, 0xffff_ffff, 9, 500]);
    numbers
}

/// Asks all three, our rules, our program and the library's, the same.
fn agree(compiled: &Compiled, library: &Filter, args: &[[u64; 6]]) -> Result<(), TestCaseError> {
    let ours = compiled.filter().unwrap();
    for abi in Abi::ALL {
        for nr in numbers(abi) {
            for args in args {
                let args = if abi == Abi::I386 { args.map(|value| value & 0xffff_ffff) } else { *args };
                let data = Data { nr, arch: abi.arch().audit(), instruction_pointer: 0, args };
                let expected = library.interpret(&data);
                prop_assert_eq!(compiled.judge(&data).0, expected, "judged: {:?} {:?}", abi, data);
                prop_assert_eq!(ours.interpret(&data), expected, "compiled: {:?} {:?}", abi, data);
            }
        }
    }
    let foreign = Data { nr: 41, arch: 0xc000_00b7, ..Data::default() };
    prop_assert_eq!(compiled.judge(&foreign).0, library.interpret(&foreign));
    prop_assert_eq!(ours.interpret(&foreign), library.interpret(&foreign));
    Ok(())
}

#[test]
fn written_profiles() {
    let Some(mut library) = Library::start("libseccomp::written_profiles") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Docker's own profiles too, where they are at hand.
    let directories = [root.join("tests/profiles"), root.join("../../../shared/data/seccomp-profiles")];
    let entries = directories.iter().filter_map(|directory| std::fs::read_dir(directory).ok()).flatten();
    let args: Vec<[u64; 6]> = Family::all()
        .flat_map(|family| [0, 1 << 32, 0xffff_ffff << 32].map(|upper| upper | u64::from(family.number())))
        .chain([0, 46, u64::MAX])
        .flat_map(|family| [1, 2, 3, 0xffff_d0f0].map(|ty| [family, ty, 0, 0, 0, 0]))
        .chain([[16, 2, 9, 0, 0, 0], [16, 2, 8, 0, 0, 0], [1, 0x5655_9008, 9, 7, 7, 7]])
        .collect();
    let mut compared = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        match Profile::parse(&text).unwrap().compile(&target()) {
            Ok(compiled) => {
                let arches = ARCHES.iter().filter(|(abi, _)| compiled.abis().contains(abi));
                let arches: Vec<_> = arches.map(|(_, name)| *name).collect();
                let given = compiled.given().iter();
                let rules = given.map(|given| (given.action, &given.name[..], &given.conditions[..]));
                let filter = library.compile(&request(compiled.default_action(), &arches, rules)).unwrap();
                agree(&compiled, &filter, &args)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
            Err(error) => assert!(path.ends_with("conflict.json"), "{}: {error}", path.display()),
        }
        compared += 1;
    }
    assert!(compared >= 24, "{compared}");
}

/// A rule, its name and conditions chosen by chance.
#[derive(Clone, Debug)]
struct RandomRule {
    name: &'static str,
    action: Action,
    args: Vec<Condition>,
}

const DEFAULT: Action = Action::Errno(1);

fn rule(value: impl Strategy<Value = u64> + Clone, arguments: u8) -> impl Strategy<Value = RandomRule> {
    let mask = prop_oneof![Just(0), Just(1), Just(3), Just(0xffff_ffff), Just(u64::MAX), Just(3 << 32)];
    let op = proptest::sample::select(&[
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Equal,
        Operator::GreaterOrEqual,
        Operator::Greater,
        Operator::MaskedEqual,
    ]);
    let condition =
        (0..arguments, op, value.clone(), value, mask).prop_map(|(index, op, value, two, mask)| match op {
            Operator::MaskedEqual => Condition { index, op, value: mask, value_two: two },
            _ => Condition { index, op, value, value_two: 0 },
        });
    let action =
        proptest::sample::select(&[Action::Allow, Action::Allow, DEFAULT, Action::Errno(5), Action::Log]);
    let args = proptest::collection::vec(condition, 0..=usize::from(arguments.min(2)));
    (proptest::sample::select(&NAMES), action, args).prop_map(|(name, action, args)| RandomRule {
        name,
        action,
        args,
    })
}

fn json(rules: &[RandomRule], arches: &[usize]) -> String {
    let arches: Vec<_> =
        arches.iter().map(|index| format!("{:?}", ARCHES[*index].0.profile_name())).collect();
    let rules = rules.iter().map(|rule| {
        let args = rule.args.iter().map(|Condition { index, op, value, value_two }| {
            let op = op.profile_name();
            format!(r#"{{"index": {index}, "value": {value}, "valueTwo": {value_two}, "op": "{op}"}}"#)
        });
        let (action, errno) = match rule.action {
            Action::Errno(errno) => ("ERRNO", errno),
            Action::Log => ("LOG", 0),
            _ => ("ALLOW", 0),
        };
        format!(
            r#"{{"names": ["{}"], "action": "SCMP_ACT_{action}", "errnoRet": {errno}, "args": [{}]}}"#,
            rule.name,
            args.collect::<Vec<_>>().join(", ")
        )
    });
    format!(
        r#"{{"defaultAction": "SCMP_ACT_ERRNO", "architectures": [{}], "syscalls": [{}]}}"#,
        arches.join(", "),
        rules.collect::<Vec<_>>().join(", ")
    )
}

/// What runtimes give to the library: nothing that has the default's answer, and of two conditions on the same
/// argument a rule each.
fn asked(rules: &[RandomRule]) -> Vec<Asked<'_>> {
    let mut asked: Vec<Asked<'_>> = Vec::new();
    for RandomRule { name, action, args } in rules.iter().filter(|rule| rule.action != DEFAULT) {
        if args.len() == 2 && args[0].index == args[1].index {
            asked.extend(args.iter().map(|condition| (*action, *name, std::slice::from_ref(condition))));
        } else {
            asked.push((*action, name, args));
        }
    }
    asked
}

/// The same rules as a profile, and as a request to the library.
fn both(rules: &[RandomRule], x86: bool, x32: bool) -> (Profile, String) {
    let mut arches = vec![0];
    arches.extend(x32.then_some(1));
    arches.extend(x86.then_some(2));
    let profile = Profile::parse(&json(rules, &arches)).unwrap();
    let names: Vec<_> = arches.iter().map(|index| ARCHES[*index].1).collect();
    (profile, request(DEFAULT, &names, asked(rules)))
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// The library's program is compared where rules look at one argument, as profiles' rules do. With more, the
/// programs of libseccomp 2.5 are now and then not what its own tree says: where the way back from an inner
/// comparison leads to an outer one, the accumulator may still hold the inner word.
#[test]
fn random_rules_on_one_argument() {
    let Some(library) = Library::start("libseccomp::random_rules_on_one_argument") else { return };
    let library = std::cell::RefCell::new(library);
    let values = [0, 1, 2, 3, 4, 5, 6, 0xffff_ffff, 1 << 32, 1 << 32 | 1, 3 << 32, u64::MAX];
    let args = values.map(|value| [value, 2, 9, 0, 0, 0]);
    let value = prop_oneof![8 => 0u64..6, 1 => Just(0xffff_ffff)];
    let strategy = (proptest::collection::vec(rule(value, 1), 0..6), any::<bool>(), any::<bool>());
    proptest!(config(), |((rules, x86, x32) in strategy)| {
        // Every real profile has a rule without conditions for a call that all three have. Without one, and with
        // x32, libseccomp 2.5 forgets to load the number if the first call in its order has none there.
        let mut rules = rules;
        rules.insert(0, RandomRule { name: "getpid", action: Action::Allow, args: vec![] });
        let (profile, request) = both(&rules, x86, x32);
        match (profile.compile(&target()), library.borrow_mut().compile(&request)) {
            (Ok(compiled), Ok(filter)) => agree(&compiled, &filter, &args)?,
            (Err(_), Err(_)) => {}
            (Ok(_), Err(why)) => prop_assert!(false, "the library refuses: {}", why),
            (Err(error), Ok(_)) => prop_assert!(false, "only we refuse: {}", error),
        }
    });
}

/// The library's tree is compared for rules of every kind.
#[test]
fn random_rules() {
    let Some(library) = Library::start("libseccomp::random_rules") else { return };
    let library = std::cell::RefCell::new(library);
    let values = [0, 1, 2, 3, 5, 6, 0xffff_ffff, 1 << 32, 1 << 32 | 1, 3 << 32, u64::MAX];
    let args: Vec<[u64; 6]> = values
        .into_iter()
        .flat_map(|a| values.into_iter().flat_map(move |b| [0, 2, 5].map(|c| [a, b, c, 0, 0, 0])))
        .collect();
    let value = prop_oneof![
        8 => 0u64..6,
        1 => Just(0xffff_ffff),
        1 => (0u64..3).prop_map(|low| 1 << 32 | low),
        1 => Just(u64::MAX),
    ];
    let strategy = (proptest::collection::vec(rule(value, 3), 0..6), any::<bool>(), any::<bool>());
    proptest!(config(), |((rules, x86, x32) in strategy)| {
        let (profile, request) = both(&rules, x86, x32);
        match (profile.compile(&target()), library.borrow_mut().tree(&request)) {
            (Ok(compiled), Ok(tree)) => {
                let filter = compiled.filter().unwrap();
                for (abi, name) in ARCHES.iter().filter(|(abi, _)| compiled.abis().contains(abi)) {
                    for nr in NAMES.iter().filter_map(|name| abi.number(name)).chain([117]) {
                        for args in &args {
                            let args = if *abi == Abi::I386 { args.map(|arg| arg & 0xffff_ffff) } else { *args };
                            let data = Data { nr, arch: abi.arch().audit(), instruction_pointer: 0, args };
                            let judged = compiled.judge(&data).0;
                            prop_assert_eq!(filter.interpret(&data), judged);
                            let judged = action(judged).replace("ERRNO=5", "ERRNO(5)").replace("ERRNO=1", "ERRNO(1)");
                            prop_assert_eq!(judged, tree.judge(name, nr, &args), "{}: {:?}", name, data);
                        }
                    }
                }
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(why)) => prop_assert!(false, "the library refuses: {}", why),
            (Err(error), Ok(_)) => prop_assert!(false, "only we refuse: {}", error),
        }
    });
}
