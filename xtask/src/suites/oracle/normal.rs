//! What no two runs have in common, made alike: tasks, inodes, times, and the tracer's own name. All else is
//! compared as it is; the guests see to it that addresses are the same in every run.

use std::collections::HashMap;

/// What the options put into lines.
#[derive(Clone, Copy, Default)]
pub struct Shape {
    /// A time stands in front.
    pub stamped: bool,
    /// The call's duration stands behind.
    pub timed: bool,
    /// Descriptors are shown with what they are.
    pub described: bool,
    /// A table of counts comes at the end, or is all there is.
    pub counted: bool,
}

/// Names for numbers, in the order in which they are seen.
#[derive(Default)]
struct Names(HashMap<String, usize>);

impl Names {
    fn of(&mut self, prefix: char, number: &str) -> String {
        let next = self.0.len() + 1;
        format!("{prefix}{}", self.0.entry(number.to_owned()).or_insert(next))
    }
}

/// Makes a trace's lines comparable.
pub fn normal(text: &str, shape: Shape) -> Vec<String> {
    let mut tasks = Names::default();
    let mut inodes = Names::default();
    let (text, table) = match text.find("% time").filter(|_| shape.counted) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut lines: Vec<String> = text.lines().map(|line| one(line, shape, &mut tasks, &mut inodes)).collect();
    lines.extend(counts(table));
    lines
}

fn one(line: &str, shape: Shape, tasks: &mut Names, inodes: &mut Names) -> String {
    // strace's words about itself, and ours about us.
    for name in ["strace: ", "socketcall: "] {
        if let Some(rest) = line.strip_prefix(name) {
            return format!("tracer: {}", after(rest, "Process ", tasks, 'T'));
        }
    }
    let (task, rest) = task(line, tasks);
    let mut rest = rest.to_owned();
    if shape.stamped {
        let end =
            rest.char_indices().find(|(_, c)| !" 0123456789:.".contains(*c)).map_or(rest.len(), |(at, _)| at);
        rest = format!("{}{}", digits_as(&rest[..end]), &rest[end..]);
    }
    if shape.timed
        && let Some(at) = rest.rfind('<').filter(|_| rest.ends_with('>') && !rest.ends_with("...>"))
    {
        rest = format!("{}{}", &rest[..at], digits_as(&rest[at..]));
    }
    for key in ["si_pid=", "{pid=", "in pid ", "Process ", "PID=", "<pid:"] {
        rest = after(&rest, key, tasks, 'T');
    }
    for key in ["si_utime=", "si_stime=", "eventfd-id=", "cstamp=", "tstamp="] {
        rest = after_with(&rest, key, |_| "ANY".to_owned());
    }
    rest = after_with(&rest, "tv_sec=", |number| wall_time(number).to_owned());
    for key in ["tv_sec=NOW, tv_usec=", "tv_sec=NOW, tv_nsec="] {
        rest = after_with(&rest, key, |_| "NOW".to_owned());
    }
    // What is left of a timeout.
    if let Some(at) = rest.find(" (left {") {
        rest = format!("{}{}", &rest[..at], digits_as(&rest[at..]));
    }
    if shape.described {
        for key in [":[", "->"] {
            rest = after(&rest, key, inodes, 'I');
        }
        // Ports that the kernel chose (net.ipv4.ip_local_port_range).
        rest = after_with(&rest, ":", |number| match number.parse() {
            Ok(32768..=60999) => "ANY".to_owned(),
            _ => number.to_owned(),
        });
    }
    format!("{task}{rest}")
}

/// The task's number in front, as `-o` and as the terminal show it.
fn task<'a>(line: &'a str, tasks: &mut Names) -> (String, &'a str) {
    let bracketed = line.strip_prefix("[pid ");
    let inner = bracketed.unwrap_or(line);
    let trimmed = inner.trim_start_matches(' ');
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, rest) = trimmed.split_at(digits);
    if number.is_empty() {
        return (String::new(), line);
    }
    match bracketed {
        // "[pid %5u] "
        Some(_) if inner.len() - rest.len() == number.len().max(5) && rest.starts_with("] ") => {
            (format!("[{}] ", tasks.of('T', number)), &rest[2..])
        }
        // "%-5u "
        None if inner == trimmed => {
            let padding = 5_usize.saturating_sub(number.len()) + 1;
            match rest.get(..padding) {
                Some(spaces) if spaces.trim().is_empty() => {
                    (format!("{} ", tasks.of('T', number)), &rest[padding..])
                }
                _ => (String::new(), line),
            }
        }
        _ => (String::new(), line),
    }
}

/// A second of this century is now; small numbers are the guest's.
fn wall_time(number: &str) -> &str {
    match number.parse::<u64>() {
        Ok(seconds) if (1_000_000_000..0x7fff_ffff).contains(&seconds) => "NOW",
        _ => number,
    }
}

fn digits_as(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect()
}

fn after(line: &str, key: &str, names: &mut Names, prefix: char) -> String {
    after_with(line, key, |number| names.of(prefix, number))
}

/// Replaces the number behind each `key`.
fn after_with(line: &str, key: &str, mut name: impl FnMut(&str) -> String) -> String {
    if !line.contains(key) {
        return line.to_owned();
    }
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(key) {
        let begin = at + key.len();
        result += &rest[..begin];
        rest = &rest[begin..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        // Not the beginning of an address.
        if end > 0 && !rest[end..].starts_with(['.', ':', 'x']) {
            result += &name(&rest[..end]);
            rest = &rest[end..];
        }
    }
    result + rest
}

/// A table of counts: its columns of times are not compared, nor is the order that they give, nor columns behind
/// those that strace has.
fn counts(table: &str) -> Vec<String> {
    /// "%6.2f %11.6f %11u " in front of the calls' number.
    const TIMES: usize = 6 + 1 + 11 + 1 + 11 + 1;
    /// "%9u %9u " in front of the call's name, and as much as the name's column is wide.
    const COUNTS: usize = 9 + 1 + 9 + 1;
    const NAME: usize = 16;
    let mut lines: Vec<String> = Vec::new();
    let mut rows: Vec<String> = Vec::new();
    for line in table.lines() {
        let is_row = !line.starts_with(['%', '-']);
        let shown = match line.get(TIMES..) {
            Some(counts) if is_row => {
                let name = counts.get(COUNTS..).unwrap_or_default();
                let end = name.find(' ').unwrap_or(name.len());
                &counts[..counts.len() - name.len() + end]
            }
            _ => line.get(..TIMES + COUNTS + NAME).unwrap_or(line).trim_end(),
        };
        if is_row {
            rows.push(shown.to_owned());
        } else {
            rows.sort();
            lines.append(&mut rows);
            lines.push(shown.to_owned());
        }
    }
    rows.sort();
    lines.append(&mut rows);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<String> {
        normal(text, Shape::default())
    }

    #[test]
    fn tasks_are_named_in_their_order() {
        let lines = "4711  listen(-1, 0)\n12345 listen(-1, 1)\n123456 listen(-1, 1)\n4711  --- SIGCHLD {si_pid=12345, si_utime=3}";
        assert_eq!(
            plain(lines),
            [
                "T1 listen(-1, 0)",
                "T2 listen(-1, 1)",
                "T3 listen(-1, 1)",
                "T1 --- SIGCHLD {si_pid=T2, si_utime=ANY}"
            ]
        );
        assert_eq!(plain("[pid  4711] a\n[pid 47110] b"), ["[T1] a", "[T2] b"]);
        // What is not padded as strace does it stays as it is.
        assert_eq!(plain("4711 listen(-1)\n[pid 4711] a"), ["4711 listen(-1)", "[pid 4711] a"]);
    }

    #[test]
    fn times_are_alike_and_small_numbers_stay() {
        assert_eq!(plain("{tv_sec=1795448836, tv_nsec=5}"), plain("{tv_sec=1895448836, tv_nsec=77}"));
        assert_ne!(plain("{tv_sec=5}"), plain("{tv_sec=6}"));
        let shape = Shape { stamped: true, timed: true, ..Shape::default() };
        assert_eq!(
            normal("77    12:34:56.123456 listen(3, 5) = 0 <0.000012>", shape),
            ["T1 dd:dd:dd.dddddd listen(3, 5) = 0 <d.dddddd>"]
        );
    }

    #[test]
    fn inodes_are_named_and_addresses_stay() {
        let shape = Shape { described: true, ..Shape::default() };
        assert_eq!(
            normal(
                "bind(3<UNIX-STREAM:[77->78]>)\nbind(4<TCP:[127.0.0.1:80->127.0.0.1:81]>)\nbind(5<UDP:[78]>)",
                shape
            ),
            [
                "bind(3<UNIX-STREAM:[I1->I2]>)",
                "bind(4<TCP:[127.0.0.1:80->127.0.0.1:81]>)",
                "bind(5<UDP:[I2]>)"
            ]
        );
    }

    #[test]
    fn tables_are_compared_by_counts() {
        let table = |time: &str| {
            format!(
                "% time     seconds  usecs/call     calls    errors syscall\n------ x\n 50.00    0.{time}           7         2         1 listen\n"
            )
        };
        let shape = Shape { counted: true, ..Shape::default() };
        assert_eq!(normal(&table("000012"), shape), normal(&table("000099"), shape));
        assert!(normal(&table("000012"), shape)[2].contains("2         1 listen"));
        let wider = table("000012").replace("listen", "listen                 5 int80 2");
        assert_eq!(normal(&table("000012"), shape), normal(&wider, shape));
        assert_ne!(normal(&table("000012"), shape), normal(&table("000012").replace(" 2 ", " 3 "), shape));
    }
}
