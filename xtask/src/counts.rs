//! What `socketcall run -v` says at its end: which way the calls took.

use anyhow::{Context, Result, ensure};

/// Calls by the way they took into the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Through the stub behind AT_SYSINFO, without a stop.
    pub stub: u64,
    /// By the filter's trap.
    pub trap: u64,
    /// Made by the program as direct calls.
    pub direct: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.stub += other.stub;
        self.trap += other.trap;
        self.direct += other.direct;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stub {}, trap {}, direct {}", self.stub, self.trap, self.direct)
    }
}

/// The supervisor's last words, taken out of what a program wrote to standard error.
#[derive(Debug)]
pub struct Account {
    /// Standard error without the supervisor's lines.
    pub rest: String,
    /// What the last line says.
    pub total: Counts,
}

const PREFIX: &str = "socketcall: ";

impl Account {
    /// Finds `socketcall: PID NAME: stub S, trap T, direct D` and the total, which must be their sum.
    pub fn take(stderr: &str) -> Result<Account> {
        let (mut rest, mut sum, mut total) = (String::new(), Counts::default(), None);
        for line in stderr.split_inclusive('\n') {
            let Some((who, counts)) = line.strip_prefix(PREFIX).and_then(parse) else {
                rest.push_str(line);
                continue;
            };
            ensure!(total.is_none(), "a line after the total: {line}");
            if who == "total" {
                total = Some(counts);
            } else {
                sum += counts;
            }
        }
        let total = total.with_context(|| format!("`-v` printed no total; standard error:\n{stderr}"))?;
        ensure!(sum == total, "the processes' lines add up to {sum:?}, not to {total:?}:\n{stderr}");
        Ok(Account { rest, total })
    }
}

impl Counts {
    /// Reads `stub S, trap T, direct D`.
    pub fn parse(text: &str) -> Option<Counts> {
        let mut numbers = text
            .split(", ")
            .zip(["stub ", "trap ", "direct "])
            .map(|(field, name)| field.strip_prefix(name)?.parse().ok());
        Some(Counts { stub: numbers.next()??, trap: numbers.next()??, direct: numbers.next()?? })
    }
}

/// `WHO: stub S, trap T, direct D`.
fn parse(line: &str) -> Option<(&str, Counts)> {
    let (who, counts) = line.trim_end().rsplit_once(": ")?;
    Some((who, Counts::parse(counts)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_taken_out_of_standard_error() {
        let account = Account::take(
            "curl: (7) refused\nsocketcall: 12 a: b: stub 3, trap 1, direct 0\nsocketcall: 13 sh: stub 1, trap 0, direct 2\n\
             socketcall: total: stub 4, trap 1, direct 2\n",
        )
        .unwrap();
        assert_eq!(account.rest, "curl: (7) refused\n");
        assert_eq!(account.total, Counts { stub: 4, trap: 1, direct: 2 });
    }

    #[test]
    fn an_account_that_does_not_add_up_is_an_error() {
        for stderr in [
            "",
            "socketcall: 12 a: stub 3, trap 1, direct 0\n",
            "socketcall: 12 a: stub 3, trap 1, direct 0\nsocketcall: total: stub 3, trap 0, direct 0\n",
            "socketcall: total: stub 0, trap 0, direct 0\nsocketcall: 12 a: stub 0, trap 0, direct 0\n",
        ] {
            assert!(Account::take(stderr).is_err(), "{stderr}");
        }
    }
}
