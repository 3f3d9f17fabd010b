//! What the figures were measured on, and with.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::contestant::processors;

/// The machine and the versions of those compared with.
pub struct Machine {
    kernel: String,
    processor: String,
    processors: usize,
    strace: Option<String>,
    qemu: Option<String>,
}

impl Machine {
    /// Asks for it all.
    pub fn here() -> anyhow::Result<Machine> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Ok(Machine {
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim_end().into(),
            processor: field(&cpuinfo, "model name").unwrap_or("unknown processor").into(),
            processors: processors()?.len(),
            strace: version("strace"),
            qemu: version("qemu-i386"),
        })
    }

    /// One line.
    pub fn text(&self) -> String {
        let Machine { kernel, processor, processors, strace, qemu } = self;
        let missing = "missing".to_owned();
        let (strace, qemu) = (strace.as_ref().unwrap_or(&missing), qemu.as_ref().unwrap_or(&missing));
        format!("Linux {kernel}; {processor}, {processors} CPUs; strace {strace}; qemu-i386 {qemu}")
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let Machine { kernel, processor, processors, strace, qemu } = self;
        json!({
            "kernel": kernel, "processor": processor, "processors": processors, "strace": strace, "qemu": qemu,
        })
    }
}

/// How busy the machine was in the last minute: how many threads ran or wanted to (proc_loadavg(5)).
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").into()
}

/// The first value of a field in a file of lines `NAME : VALUE`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim()).next()
}

/// The version that a program prints of itself.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    number(&String::from_utf8_lossy(&output.stdout)).map(str::to_owned)
}

/// The first word that begins with a digit.
fn number(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_fields_are_found() {
        assert_eq!(number("strace -- version 6.1\nCopyright 1991"), Some("6.1"));
        assert_eq!(number("qemu-i386 version 7.2.22 (Debian 1:7.2)"), Some("7.2.22"));
        assert_eq!(number("none"), None);
        assert_eq!(field("a\t: b\nmodel name\t: X: Y\nmodel name\t: Z\n", "model name"), Some("X: Y"));
    }
}
