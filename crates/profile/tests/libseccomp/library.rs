//! libseccomp, asked through its Python module.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use seccomp::{Filter, Insn};

/// The library, in a process of its own.
pub struct Library {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Library {
    /// Debian's interpreter has Debian's modules, another in the path may not.
    pub fn start(test: &str) -> Option<Library> {
        let has_module = |python: &&str| {
            let import = Command::new(python).args(["-c", "import seccomp"]).stderr(Stdio::null()).status();
            import.is_ok_and(|status| status.success())
        };
        let Some(python) = ["/usr/bin/python3", "python3"].into_iter().find(has_module) else {
            let note = format!("skipped: {test}: the package python3-seccomp is not here\n");
            std::io::stderr().write_all(note.as_bytes()).unwrap();
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libseccomp/library.py");
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
    pub fn compile(&mut self, request: &str) -> Result<Filter, String> {
        let bytes = self.ask("bpf", request)?;
        let code = bytes.chunks_exact(8).map(|insn| {
            let k = u32::from_le_bytes(insn[4..].try_into().unwrap());
            Insn::from_raw(u16::from_le_bytes([insn[0], insn[1]]), insn[2], insn[3], k)
        });
        Ok(Filter::new(code.collect()).unwrap())
    }

    /// The library's tree, as text for people.
    pub fn tree(&mut self, request: &str) -> Result<Tree, String> {
        let text = String::from_utf8(self.ask("pfc", request)?).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("# ") || line.contains("arch"));
        let indent = |line: &str| line.len() - line.trim_start().len();
        Ok(Tree(lines.map(|line| (indent(line), line.trim().to_owned())).collect()))
    }
}

/// Lines of pseudo filter code, with their indents: `if (...)`, `else` and `action ...;`.
pub struct Tree(Vec<(usize, String)>);

impl Tree {
    /// What the tree says of a call; `ALLOW`, `ERRNO(5)`. Architectures are told apart by the library's names,
    /// since x86-64 and x32 have one token.
    pub fn judge(&self, arch: &str, nr: u32, args: &[u64; 6]) -> &str {
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
