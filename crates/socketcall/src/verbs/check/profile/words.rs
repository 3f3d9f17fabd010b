//! Findings as sentences.

use profile::{Answer, Cause, FamilyReport, Finding, FindingKind, Seen, Verdict, Way};
use seccomp::Action;

use super::super::words::no_socket;
use super::Judged;

/// An answer in one word: an errno's name where there is one.
pub fn action(action: Action) -> String {
    match action {
        Action::Errno(errno) => {
            // The kernel gives no greater one (kernel/seccomp.c, `__seccomp_filter`).
            let errno = errno.min(abi::Errno::MAX as u16);
            let name = abi::Errno::from_raw(errno.into()).and_then(|errno| errno.name());
            name.map_or_else(|| format!("errno {errno}"), str::to_owned)
        }
        Action::Trap(_) => "SIGSYS".to_owned(),
        Action::KillProcess | Action::KillThread => "killed".to_owned(),
        Action::UserNotif | Action::Trace(_) => "asked".to_owned(),
        Action::Allow | Action::Log => "allowed".to_owned(),
    }
}

/// Families by name; of many, the first and how many there are.
pub fn families(families: &[profile::Family], most: usize) -> String {
    let names: Vec<_> = families.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        all if all.len() > most => {
            format!("{} and {} more", all[..most - 1].join(", "), all.len() - most + 1)
        }
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// The call that shows it.
pub fn call(finding: &Finding) -> String {
    let [a, b, c, ..] = finding.seen.args;
    match finding.way {
        Way::Socketcall => "socketcall(SYS_SOCKET, array)".to_owned(),
        Way::IoUring => "io_uring_setup(2), then IORING_OP_SOCKET".to_owned(),
        way => {
            let number = |value: u64| if value > 0xffff { format!("{value:#x}") } else { value.to_string() };
            format!("socket({}, {}, {}) of {}", number(a), number(b), number(c), way.name())
        }
    }
}

/// What is found.
pub fn what(finding: &Finding) -> String {
    let mut families = families(&finding.families, 8);
    if let Some(Seen { args, .. }) = &finding.partly {
        families += &format!(" (not every type and protocol: type {}, protocol {})", args[1], args[2]);
    }
    match finding.kind {
        FindingKind::BackDoor => format!("refused directly, possible by {}: {families}", finding.way),
        FindingKind::UpperBits => {
            format!("refused by socket(2), possible with upper bits, as {}: {families}", call(finding))
        }
        FindingKind::Asked => format!("nothing else decides on {}: {families}", finding.way),
        FindingKind::Broken => {
            let answer = match finding.seen.answer() {
                Answer::Killed => "kills them".to_owned(),
                _ => format!("answers {}", action(finding.seen.action)),
            };
            format!("possible directly, but 32-bit programs fail, for socketcall {answer}: {families}")
        }
    }
}

/// Why it is so, with the place.
pub fn why(judged: &Judged<'_>, finding: &Finding) -> String {
    let file = judged.file;
    let subject = match finding.way {
        Way::Socketcall => "socketcall",
        Way::IoUring => "io_uring_setup",
        _ => "socket",
    };
    let does = match finding.seen.answer() {
        Answer::Allowed => format!("allows {subject}"),
        Answer::Asked => format!("leaves {subject} to a listener or a tracer"),
        Answer::Refused => format!("denies {subject}"),
        Answer::Killed => format!("kills who calls {subject}"),
    };
    let (place, who) = match finding.seen.cause {
        Cause::Rule(origin) => {
            let name = judged.profile.name(origin);
            let of = if name == subject { String::new() } else { format!(" for {name}") };
            (judged.profile.place(origin), format!("this rule{of}"))
        }
        Cause::Default => (judged.profile.default_place(), "the default action".to_owned()),
        Cause::Architecture => {
            return format!(
                "{file}: this kind of call is not among the architectures, so the thread is killed"
            );
        }
        Cause::TooNew => {
            return format!("{file}: the number is above every one that is named, so runc answers ENOSYS");
        }
    };
    let because = match (finding.kind, finding.seen.cause, finding.way) {
        (FindingKind::UpperBits, ..) => ": 64 bits are compared, and the kernel takes the lower 32",
        (FindingKind::BackDoor | FindingKind::Broken, Cause::Rule(_), Way::Socketcall)
            if who.ends_with("for socket") =>
        {
            ": on i386 libseccomp makes of a rule for socket another for socketcall(SYS_SOCKET), where the family \
             is behind a pointer"
        }
        (FindingKind::BackDoor, _, Way::Socketcall) => ": the family is behind its pointer",
        (FindingKind::BackDoor, _, Way::IoUring) => ": a filter sees no operation of a ring",
        _ => "",
    };
    format!("{file}:{place}: {who} {does}{because}")
}

/// Rules against socketcall that are not there for runtimes.
pub fn dropped(judged: &Judged<'_>, finding: &Finding) -> Vec<String> {
    if finding.kind != FindingKind::BackDoor || finding.way != Way::Socketcall {
        return Vec::new();
    }
    let places = judged.compiled.dropped("socketcall").map(|origin| judged.profile.place(origin));
    let sentence =
        |place| format!("{}:{place}: this rule has the default's answer, so runtimes drop it", judged.file);
    places.map(sentence).collect()
}

/// What is to be said where sockets can be created, but not by 32-bit programs that the filter lets in, neither
/// by socketcall nor directly: such programs are beyond the help of `run`.
pub fn no_socket_for_32_bits(judged: &Judged<'_>) -> Option<String> {
    let report = &judged.report;
    if !report.has_i386 || !report.has(Verdict::Open) || report.families.iter().any(has_32_bits) {
        return None;
    }
    let mut sentence = no_socket("there", report.families.len());
    let too_new = |family: &FamilyReport| {
        let denied = family.access(Way::Direct32).and_then(|access| access.denied);
        denied.is_some_and(|seen| seen.cause == Cause::TooNew)
    };
    if report.families.iter().any(too_new) {
        sentence += ": runc answers ENOSYS to i386 calls above the highest one that the profile names, and a name \
                     of a socket call doesn't count; name one above 359, such as statx, or compile it by crun";
    }
    Some(sentence)
}

fn has_32_bits(report: &FamilyReport) -> bool {
    let may_work = |way: &Way| {
        let answer = report.access(*way).map(profile::Access::answer);
        matches!(answer, Some(Answer::Allowed | Answer::Asked))
    };
    [Way::Direct32, Way::Socketcall].iter().any(may_work)
}

/// What to do.
pub fn remedy(finding: &Finding) -> &'static str {
    match (finding.kind, finding.way) {
        (FindingKind::BackDoor, Way::Socketcall) => {
            "deny socketcall in front of all rules, with another answer than the default's; --fix writes such a \
             profile, and `socketcall run` lets 32-bit programs work there"
        }
        (FindingKind::BackDoor, Way::IoUring) => {
            "deny io_uring_setup, with another answer than the default's; --fix writes such a profile"
        }
        (FindingKind::BackDoor, Way::X32) => {
            "take SCMP_ARCH_X32 out of the architectures: hardly a program needs it; --fix writes such a profile"
        }
        (FindingKind::BackDoor, _) => {
            "write the rule so that it means the same in 32 bits: compare with values below 2^32"
        }
        (FindingKind::UpperBits, _) => {
            "deny socket where the argument is greater than 4294967295, in front of all rules, with another \
             answer than the default's; --fix writes such a profile"
        }
        (FindingKind::Asked, _) => {
            "what is answered is not in the profile: run `socketcall check` in the container; a listener must \
             read socketcall's array from memory that the program can change"
        }
        (FindingKind::Broken, _) if finding.seen.answer() == Answer::Killed => {
            "answer with an errno instead of killing, and start 32-bit programs by `socketcall run`; as it is, it \
             helps only programs that call through the vDSO"
        }
        (FindingKind::Broken, _) => "start 32-bit programs by `socketcall run`: it needs no socketcall",
    }
}
