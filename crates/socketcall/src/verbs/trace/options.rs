//! What the command line asks for, as the recorder takes it.

use std::ffi::OsStr;

use ::trace::{Describe, Options, Output, Quiet, Statuses, Summary, Time};
use anyhow::{Result, bail};
use decode::Limits;
use decode::text::{Names, Strings, Style};

use super::qualify::Qualified;
use super::times::{Precision, Stamps};
use super::{Format, Trace};

/// The options of `args`, where so many processes are attached to.
pub fn of(args: &Trace, attached: usize) -> Result<Options> {
    let qualified = qualified(args)?;
    let separately = args.follow_forks > 1 || args.output_separately;
    let output = output(args.output.as_deref());
    if separately && matches!(output, Output::Command(_)) {
        bail!("a command's input can't be a file for each thread: give -o a file's name, or leave out -ff");
    }
    let default = Options::default();
    Ok(Options {
        output,
        append: args.append,
        separately,
        follow: !args.no_follow,
        attached,
        statuses: statuses(args, &qualified),
        quiet: quiet(args, &qualified)?,
        calls: qualified.calls.unwrap_or(default.calls),
        signals: qualified.signals.unwrap_or(default.signals),
        describe: match args.decode_fds {
            0 => qualified.describe.unwrap_or_default(),
            1 => Describe::Paths,
            2.. => Describe::All,
        },
        time: match args.time {
            0 => Stamps::time(&args.absolute_timestamps),
            1 => Time::Clock { digits: 0 },
            2 => Time::Clock { digits: 6 },
            3.. => Time::Unix { digits: 6 },
        },
        relative: args.relative_timestamps.map(Precision::digits),
        duration: args.syscall_times.map(Precision::digits),
        numbers: args.syscall_number,
        column: args.columns,
        summary: match (args.summary_only, args.summary) {
            (true, _) => Summary::Only,
            (_, true) => Summary::Also,
            _ => Summary::No,
        },
        sort: args.summary_sort_by.into(),
        wall_clock: args.summary_wall_clock,
        limits: Limits { bytes: args.string_limit, elements: args.string_limit, verbose: args.no_abbrev },
        style: style(args),
        entry: args.own.entry,
        json: args.own.json,
        sockets: args.own.sockets,
    })
}

/// What `-e` and its long forms say.
fn qualified(args: &Trace) -> Result<Qualified> {
    let mut qualified = Qualified::default();
    for expression in &args.expressions {
        qualified.expression(expression)?;
    }
    for (name, set) in [
        ("trace", &args.trace),
        ("status", &args.status),
        ("signal", &args.signal),
        ("quiet", &args.quiet_set),
        ("decode-fds", &args.decode_fds_set),
    ] {
        if let Some(set) = set {
            qualified.set(name, set)?;
        }
    }
    Ok(qualified)
}

fn output(name: Option<&OsStr>) -> Output {
    let Some(name) = name else { return Output::StandardError };
    match name.to_str().and_then(|name| name.strip_prefix(['|', '!'])) {
        Some(command) => Output::Command(command.to_owned()),
        None => Output::File(name.into()),
    }
}

fn statuses(args: &Trace, qualified: &Qualified) -> Statuses {
    match (args.successful_only, args.failed_only) {
        (_, true) => Statuses { failed: true, ..Statuses::NONE },
        (true, _) => Statuses { successful: true, ..Statuses::NONE },
        _ => qualified.statuses.unwrap_or(Statuses::ALL),
    }
}

fn quiet(args: &Trace, qualified: &Qualified) -> Result<Quiet> {
    Ok(match (args.quiet, qualified.quiet) {
        (1.., Some(_)) => bail!("-q and -e quiet= can't be used together"),
        (0, Some(quiet)) => quiet,
        // A program's output that is not mixed with ours is not to be by messages either.
        (0, None) if args.output.is_none() || args.command.is_empty() => Quiet::default(),
        (0 | 1, None) => Quiet::ATTACH,
        (2, None) => Quiet::EXIT,
        (3.., None) => Quiet::ALL,
    })
}

fn style(args: &Trace) -> Style {
    Style {
        names: match args.const_print_style {
            Format::Raw => Names::Raw,
            Format::Abbrev => Names::Abbreviated,
            Format::Verbose => Names::Verbose,
        },
        strings: match args.strings_in_hex {
            0 => Strings::Plain,
            1 => Strings::HexIfNeeded,
            2.. => Strings::Hex,
        },
        beyond: args.own.more,
    }
}
