//! A line per case, a line of sums per suite and at the end.

use std::time::{Duration, Instant};

use anyhow::Result;

/// What came of a case that did not fail.
pub enum Outcome {
    /// It holds; what was seen, in a few words.
    Passed(String),
    /// It was not tried, and why.
    Skipped(String),
}

#[derive(Clone, Copy, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The cases so far.
pub struct Report {
    filter: Option<String>,
    suite: &'static str,
    of_suite: Tally,
    total: Tally,
    failures: Vec<String>,
    skips: Vec<String>,
}

impl Report {
    /// A report on the cases whose `suite: name` contains `filter`.
    pub fn new(filter: Option<String>) -> Report {
        let (of_suite, total) = Default::default();
        Report { filter, suite: "", of_suite, total, failures: vec![], skips: vec![] }
    }

    /// Begins a suite.
    pub fn suite(&mut self, name: &'static str) {
        self.suite = name;
        self.of_suite = Tally::default();
    }

    /// Whether the filter lets this case through.
    pub fn wants(&self, name: &str) -> bool {
        let title = format!("{}: {name}", self.suite);
        self.filter.as_ref().is_none_or(|filter| title.contains(filter))
    }

    /// Runs a case and says what came of it.
    pub fn case(&mut self, name: &str, case: impl FnOnce() -> Result<Outcome>) {
        if !self.wants(name) {
            return;
        }
        let title = format!("{}: {name}", self.suite);
        let start = Instant::now();
        let outcome = case();
        let time = seconds(start.elapsed());
        match outcome {
            Ok(Outcome::Passed(seen)) => {
                self.of_suite.passed += 1;
                println!("ok    {title}  ({seen}{}{time})", if seen.is_empty() { "" } else { "; " });
            }
            Ok(Outcome::Skipped(why)) => {
                self.of_suite.skipped += 1;
                println!("skip  {title}: {why}");
                self.skips.push(format!("{title}: {why}"));
            }
            Err(error) => {
                self.of_suite.failed += 1;
                println!("FAIL  {title}  ({time})\n{}", indent(&format!("{error:#}")));
                self.failures.push(title);
            }
        }
    }

    /// Ends a suite with its sums. Of one that the filter leaves nothing of nothing is said.
    pub fn end_suite(&mut self) {
        let Tally { passed, failed, skipped } = self.of_suite;
        if passed + failed + skipped > 0 {
            println!("{}\n", self.of_suite);
        }
        self.total.passed += self.of_suite.passed;
        self.total.failed += self.of_suite.failed;
        self.total.skipped += self.of_suite.skipped;
    }

    /// The closing lines. True if nothing failed and, where `no_skip` asks for it, nothing was skipped.
    pub fn close(&self, no_skip: bool) -> bool {
        for title in &self.failures {
            println!("failed: {title}");
        }
        for title in &self.skips {
            println!("skipped: {title}");
        }
        if self.total.passed + self.total.failed + self.total.skipped == 0 {
            println!("no case was chosen");
        }
        let skips_forbidden = no_skip && self.total.skipped > 0;
        if skips_forbidden {
            println!("skips are not allowed here");
        }
        println!("{}", self.total);
        self.total.failed == 0 && self.total.passed > 0 && !skips_forbidden
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Failures are quoted; they must not be taken for lines of ours.
fn indent(text: &str) -> String {
    text.lines().map(|line| format!("      | {line}")).collect::<Vec<_>>().join("\n")
}

/// The first difference of two texts, for a message.
pub fn difference(expected: &str, got: &str) -> Option<String> {
    if expected == got {
        return None;
    }
    let (mut left, mut right) = (expected.lines(), got.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return Some("they differ in line ends only".into()),
            (a, b) => {
                let show = |line: Option<&str>| line.map_or("(nothing more)".into(), str::to_owned);
                return Some(format!("line {number}\nexpected: {}\ngot:      {}", show(a), show(b)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n").unwrap(), "line 2\nexpected: b\ngot:      c");
        assert_eq!(difference("a\n", "a\nc\n").unwrap(), "line 2\nexpected: (nothing more)\ngot:      c");
        assert!(difference("a", "a\n").is_some());
    }

    #[test]
    fn failures_and_forbidden_skips_fail_the_run() {
        let mut report = Report::new(Some("wanted".into()));
        report.suite("some");
        report.case("wanted", || Ok(Outcome::Passed(String::new())));
        report.case("another", || anyhow::bail!("must not run"));
        report.end_suite();
        assert!(report.close(true));
        report.case("wanted too", || Ok(Outcome::Skipped("no root".into())));
        report.end_suite();
        assert!(report.close(false));
        assert!(!report.close(true));
    }
}
