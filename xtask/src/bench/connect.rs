//! `xtask connect`: connections over loopback, by a 64-bit program, and asked for as the guests' loops are. Nobody
//! else takes part: the listener's queue makes the connection before it is accepted.

use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub struct Options {}

/// Reads numbers, one a line, and answers each by the nanoseconds in which so many connections were made,
/// accepted and closed.
pub fn run(_: &Options) -> Result<ExitCode> {
    answer(std::io::stdin().lock(), std::io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn answer(questions: impl BufRead, mut answers: impl Write) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    for times in questions.lines() {
        let times: u32 = times?.parse()?;
        let start = Instant::now();
        for _ in 0..times {
            let _one = TcpStream::connect(address)?;
            let _other = listener.accept()?;
        }
        writeln!(answers, "{}", start.elapsed().as_nanos())?;
        answers.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_answered_by_a_time() {
        let mut answers = vec![];
        answer(&b"1\n20\n"[..], &mut answers).unwrap();
        let times: Vec<u64> =
            String::from_utf8(answers).unwrap().lines().map(|time| time.parse().unwrap()).collect();
        assert!(times.len() == 2 && times.iter().all(|time| *time > 0), "{times:?}");
    }
}
