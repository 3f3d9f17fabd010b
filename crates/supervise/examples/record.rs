//! Shows the network calls of a program: `cargo run -p socketcall-supervise --example record -- PROGRAM [ARG]...`.

use decode::text::{self, Style};
use decode::{Abi, Descriptors, Event, Limits, Unknown, What};
use supervise::{Demux, Launch, Observer, Record, Session};

/// Prints calls when they have returned.
struct Print;

impl Observer for Print {
    fn shows(&self, _: Abi, _: &str) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn descriptors(&self, _: i32) -> Box<dyn Descriptors> {
        Box::new(Unknown)
    }

    fn event(&mut self, event: &Event<'_>) {
        let What::Exit { request, .. } = &event.what else {
            eprintln!("{}", &format!("{event:?}")[..60.min(format!("{event:?}").len())]);
            return;
        };
        let style = Style::default();
        let mut line = format!("{} {}(", event.tid, request.asked.form.name);
        text::arguments(&mut line, request, 0, &style);
        line.push_str(") = ");
        text::outcome(&mut line, request.outcome.as_ref(), &style);
        eprintln!("{line}  [{} {}]", request.asked.seen.entry.name(), request.asked.seen.number);
    }

    fn flush(&mut self) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let apart = arguments.next_if(|first| first == "--run").is_some();
    let program = arguments.next().ok_or("usage: record [--run] PROGRAM [ARG]...")?;
    let session = Session::new(Launch::new(program).args(arguments)).foreground();
    let session = if apart {
        session.with(Record::new(Print).beside_demux()).with(Demux::new().shown())
    } else {
        session.with(Record::new(Print))
    };
    println!("{:?}", session.run()?);
    Ok(())
}
