//! Two traces, line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::line::Line;

/// A place where two traces differ.
#[derive(Debug)]
pub struct Mismatch {
    /// strace's line, or none where we have one too many.
    pub expected: Option<String>,
    /// Ours, or none where it is missing.
    pub ours: Option<String>,
}

impl Mismatch {
    /// The call of the line.
    pub fn call(&self) -> String {
        let line = self.expected.as_deref().or(self.ours.as_deref()).unwrap_or_default();
        Line::parse(line).call.to_owned()
    }

    /// The fields that differ; `line` if there is only one line.
    pub fn fields(&self) -> Vec<String> {
        match (&self.expected, &self.ours) {
            (Some(expected), Some(ours)) => Line::parse(expected).differing(&Line::parse(ours)),
            _ => vec!["line".to_owned()],
        }
    }
}

/// How far is looked for the place where two traces are in step again.
const HORIZON: usize = 40;

/// All places where they differ. A line that differs in its arguments alone is one place, not two.
pub fn compare(expected: &[String], ours: &[String]) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let (mut a, mut b) = (0, 0);
    while a < expected.len() || b < ours.len() {
        let (left, right) = (expected.get(a), ours.get(b));
        if left.is_some() && left == right {
            (a, b) = (a + 1, b + 1);
            continue;
        }
        let (skip_a, skip_b) = in_step(&expected[a..], &ours[b..]);
        if (skip_a, skip_b) == (0, 0) {
            mismatches.push(Mismatch { expected: left.cloned(), ours: right.cloned() });
            (a, b) = (a + 1, b + 1);
            continue;
        }
        for line in &expected[a..a + skip_a] {
            mismatches.push(Mismatch { expected: Some(line.clone()), ours: None });
        }
        for line in &ours[b..b + skip_b] {
            mismatches.push(Mismatch { expected: None, ours: Some(line.clone()) });
        }
        (a, b) = (a + skip_a, b + skip_b);
    }
    mismatches
}

/// How many lines of each must be left out until both tell of the same.
fn in_step(expected: &[String], ours: &[String]) -> (usize, usize) {
    let ends = |left: usize, right: usize| left >= expected.len() || right >= ours.len();
    if ends(0, 0) {
        return (expected.len(), ours.len());
    }
    for distance in 0..HORIZON {
        for skip_a in 0..=distance {
            let skip_b = distance - skip_a;
            if ends(skip_a, skip_b) {
                continue;
            }
            let alike = kind(&expected[skip_a]) == kind(&ours[skip_b]);
            // The next line must fit too: calls of one name often come in rows.
            let next = |step: usize| match (expected.get(skip_a + step), ours.get(skip_b + step)) {
                (Some(left), Some(right)) => kind(left) == kind(right),
                (None, None) => true,
                _ => false,
            };
            if alike && next(1) && next(2) {
                return (skip_a, skip_b);
            }
        }
    }
    (0, 0)
}

/// What a line tells of, and of which task: a call by its name, another event as a whole.
fn kind(line: &str) -> (&str, &str) {
    let (task, rest) = line.split_once(' ').unwrap_or(("", line));
    // A number of a call's (-n), or a time.
    let rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphabetic() && !"<-+".contains(c));
    let end = if rest.starts_with(['-', '+']) { None } else { rest.find(['(', '>']) };
    (task, &rest[..end.unwrap_or(rest.len())])
}

/// Groups of differences, the most frequent first, each with an example.
pub fn summary(mismatches: &[Mismatch], groups: usize) -> String {
    let mut sorted: BTreeMap<(String, String), Vec<&Mismatch>> = BTreeMap::new();
    for mismatch in mismatches {
        sorted.entry((mismatch.call(), mismatch.fields().join(" "))).or_default().push(mismatch);
    }
    let mut sorted: Vec<_> = sorted.into_iter().collect();
    sorted.sort_by_key(|(_, mismatches)| std::cmp::Reverse(mismatches.len()));
    let mut text = format!("{} lines differ, of {} kinds", mismatches.len(), sorted.len());
    for ((call, fields), mismatches) in sorted.iter().take(groups) {
        let _ = write!(text, "\n{} x {call}: {fields}\n{}", mismatches.len(), two_lines(mismatches[0]));
    }
    if sorted.len() > groups {
        let _ = write!(text, "\n... and {} kinds more", sorted.len() - groups);
    }
    text
}

/// The two lines, and a caret where they part.
fn two_lines(mismatch: &Mismatch) -> String {
    /// What is shown of a line in front of the caret, and behind it.
    const BEFORE: usize = 100;
    const BEHIND: usize = 60;
    let (Some(expected), Some(ours)) = (&mismatch.expected, &mismatch.ours) else {
        let line = |name: &str, line: &Option<String>| {
            format!(
                "{name} {}",
                line.as_deref().map_or("(no such line)", |line| cut(line, 0, BEFORE + BEHIND))
            )
        };
        return format!("{}\n{}", line("strace:", &mismatch.expected), line("ours:  ", &mismatch.ours));
    };
    let at = expected.chars().zip(ours.chars()).take_while(|(a, b)| a == b).count();
    let begin = at.saturating_sub(BEFORE);
    let size = at - begin + BEHIND;
    let caret = " ".repeat(at - begin);
    format!("strace: {}\nours:   {}\n        {caret}^", cut(expected, begin, size), cut(ours, begin, size))
}

/// So many characters of a line from there on.
fn cut(line: &str, begin: usize, size: usize) -> &str {
    let at = |number: usize| line.char_indices().nth(number).map_or(line.len(), |(at, _)| at);
    &line[at(begin)..at(begin + size)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    fn count(a: &str, b: &str) -> usize {
        compare(&lines(a), &lines(b)).len()
    }

    #[test]
    fn lines_that_are_missing_do_not_shift_the_rest() {
        let all =
            "T1 bind(1)|T1 bind(2)|T1 listen(3)|T1 send(4)|T1 recv(5)|T1 send(6)|T1 +++ exited with 0 +++";
        assert_eq!(count(all, all), 0);
        let found = compare(&lines(all), &lines(&all.replace("T1 listen(3)|", "")));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].expected.as_deref(), Some("T1 listen(3)"));
        assert!(found[0].ours.is_none());
        assert_eq!(count(&all.replace("T1 listen(3)|", ""), all), 1);
        assert_eq!(count(all, &all.replace("listen(3)", "listen(4)")), 1);
        assert_eq!(count(all, &all.replace("|T1 +++ exited with 0 +++", "")), 1);
        assert_eq!(count("T1 a(1)", "T1 b(1)|T1 c(2)"), 3 - 1);
    }

    #[test]
    fn a_caret_shows_where_they_part() {
        let mismatch =
            Mismatch { expected: Some("bind(3, 16) = 0".into()), ours: Some("bind(3, 17) = 0".into()) };
        let text = summary(&[mismatch], 5);
        assert!(text.starts_with("1 lines differ, of 1 kinds\n1 x bind: addr\n"), "{text}");
        assert!(text.ends_with("ours:   bind(3, 17) = 0\n                 ^"), "{text}");
    }
}
