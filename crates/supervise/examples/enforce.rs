//! Holds a program to a policy: `cargo run -p socketcall-supervise --example enforce -- POLICY PROGRAM [ARG]...`.

use policy::Policy;
use supervise::{Demux, Enforce, Launch, Session};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let file = arguments.next().ok_or("usage: enforce POLICY PROGRAM [ARG]...")?;
    let program = arguments.next().ok_or("usage: enforce POLICY PROGRAM [ARG]...")?;
    let text = std::fs::read_to_string(&file)?;
    let policy = Policy::parse(&file.to_string_lossy(), &text).map_err(|errors| errors.render(false))?;
    let enforce = Enforce::new(policy.compile(), |refusal| {
        eprintln!("refused: {} of {}: {:?}", refusal.name, refusal.tid, refusal.verdict);
    });
    let session = Session::new(Launch::new(program).args(arguments)).with(enforce).with(Demux::new());
    match session.keep_stderr(true).become_program()? {}
}
