//! What is made from the definition of the command line: manual pages, completions, help.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const SOCKETCALL: &str = env!("CARGO_BIN_EXE_socketcall");
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];
/// An option of `run` that is for tests.
const HIDDEN: &str = "in-front";

fn socketcall(arguments: &[&str]) -> Output {
    Command::new(SOCKETCALL).args(arguments).stdin(Stdio::null()).output().expect("socketcall starts")
}

/// What it prints where all is well.
fn printed(arguments: &[&str]) -> String {
    let output = socketcall(arguments);
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The verbs, as the help lists them; not `help` itself.
fn verbs() -> Vec<String> {
    listed(&printed(&["--help"]), "Verbs:\n")
}

/// What `policy` can do: each is a page of its own.
fn deeds() -> Vec<String> {
    listed(&printed(&["policy", "--help"]), "What to do:\n")
}

/// The names under a heading: lines that are indented by two, where a description that goes on is indented by more.
fn listed(help: &str, heading: &str) -> Vec<String> {
    let (_, rest) = help.split_once(heading).expect("the list");
    let lines = rest.lines().take_while(|line| !line.is_empty());
    let named = lines.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names = named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

/// The long options in a verb's help.
fn options(verb: &str) -> Vec<String> {
    let help = printed(&[verb, "--help"]);
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words = lines.flat_map(str::split_whitespace).filter(|word| word.starts_with("--"));
    // The name of one that may be repeated, or whose value may be left out: --trace[=<FILE>].
    words.map(|word| word.split(['[', ',', '.']).next().unwrap_or(word).to_owned()).collect()
}

/// A new directory, and what `man` wrote to it: the text of each page by its file's name.
fn pages() -> BTreeMap<String, String> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("man-{}", std::process::id()));
    // The directory and its parent are made.
    let below = directory.join("man1");
    assert_eq!(printed(&["man", below.to_str().expect("text")]), "");
    let entries = fs::read_dir(&below).expect("the directory").flatten();
    let page = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("a page");
        (entry.file_name().into_string().expect("text"), text)
    };
    let pages = entries.map(page).collect();
    fs::remove_dir_all(directory).expect("it is ours");
    pages
}

#[test]
fn every_verb_has_a_page_with_all_its_options() {
    let pages = pages();
    let verbs = verbs();
    assert!(verbs.iter().any(|verb| verb == "run"), "{verbs:?}");
    let deeds = deeds();
    assert_eq!(pages.len(), verbs.len() + deeds.len() + 1, "{:?}", pages.keys());
    for deed in deeds {
        let page = &pages[&format!("socketcall-policy-{deed}.1")];
        assert!(page.starts_with(&format!(".TH socketcall-policy-{deed} 1 ")), "{page}");
    }
    assert_eq!(pages["socketcall.1"], printed(&["man"]));
    for verb in verbs {
        assert!(pages["socketcall.1"].contains(&format!("socketcall\\-{verb}(1)")), "{verb}");
        let page = &pages[&format!("socketcall-{verb}.1")];
        assert!(page.starts_with(&format!(".TH socketcall-{verb} 1 ")), "{page}");
        let options = options(&verb);
        assert!(options.iter().any(|option| option == "--help"), "{verb}: {options:?}");
        for option in options {
            assert!(page.contains(&option.replace('-', "\\-")), "{verb} {option}: {page}");
        }
    }
}

#[test]
fn hidden_options_are_hidden() {
    assert!(socketcall(&["run", &format!("--{HIDDEN}"), "--", "/bin/true"]).status.code() != Some(125));
    for page in pages().values() {
        assert!(!page.replace('\\', "").contains(HIDDEN), "{page}");
    }
    for shell in SHELLS {
        let script = printed(&["completions", shell]);
        assert!(!script.contains(HIDDEN), "{script}");
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell}: {verb}");
        }
    }
}

#[test]
fn a_shell_that_is_not_known_is_an_error() {
    let output = socketcall(&["completions", "csh"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("[possible values: bash,"), "{output:?}");
}

#[test]
fn a_directory_that_can_not_be_written_is_named() {
    let output = socketcall(&["man", "/proc/self/no"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(error, "socketcall: /proc/self/no: No such file or directory (os error 2)\n");
}

/// bash itself completes, as it does after TAB.
#[test]
fn bash_completes() {
    let complete = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let script = format!(
            "source /dev/stdin; COMP_WORDS=({line}); COMP_CWORD={}; _socketcall_or_command socketcall \
             '{last}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            words.len() - 1
        );
        let mut bash = Command::new("/bin/bash");
        bash.args(["--norc", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut bash = bash.spawn().expect("bash");
        let mut stdin = bash.stdin.take().expect("a pipe");
        stdin.write_all(printed(&["completions", "bash"]).as_bytes()).expect("bash reads");
        drop(stdin);
        let output = bash.wait_with_output().expect("bash ends");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    };
    assert_eq!(complete("socketcall ca"), "calls");
    assert_eq!(complete("socketcall run --verb"), "--verbose");
    assert_eq!(complete("socketcall completions z"), "zsh");
    assert_eq!(complete("socketcall run --in"), "");
    // Behind `run` any command; bash knows `declare` whatever is installed.
    assert_eq!(complete("socketcall run declar"), "declare");
    assert_eq!(complete("socketcall run -v -- declar"), "declare");
    assert_eq!(complete("socketcall calls declar"), "");
    // The command's own words are not ours.
    assert_eq!(complete("socketcall run -- cat --verb"), "");
}

/// Colours are for terminals, may be asked for, and NO_COLOR has the last word.
#[test]
fn no_color_is_respected() {
    let with = |variables: &[&str]| {
        let mut command = Command::new(SOCKETCALL);
        command.args(["run", "--no-such-option"]).env_clear();
        command.envs(variables.iter().map(|variable| (variable, "1")));
        String::from_utf8(command.output().expect("socketcall starts").stderr).expect("text")
    };
    assert!(with(&["CLICOLOR_FORCE"]).contains('\x1b'));
    assert!(!with(&["CLICOLOR_FORCE", "NO_COLOR"]).contains('\x1b'));
    assert!(!with(&[]).contains('\x1b'));
}
