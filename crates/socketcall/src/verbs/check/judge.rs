//! What the answers mean, taken together.

use abi::Errno;
use profile::Family;
use supervise::probe::Way;

use super::ask::{Access, Asked};
use super::here::Here;
use super::words;

/// What becomes of a family. The order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// This kernel does not have it.
    Absent,
    /// Refused on every way.
    Closed,
    /// Possible directly, and for 32-bit programs too as far as there are any.
    Open,
    /// Possible by the direct calls, and not by socketcall: 32-bit programs fail.
    Broken,
    /// What decides could not be tried.
    Unknown,
    /// Refused directly, possible on another way.
    BackDoor,
}

impl Verdict {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Absent => "absent",
            Verdict::Closed => "closed",
            Verdict::Open => "open",
            Verdict::Broken => "broken",
            Verdict::Unknown => "could not be checked",
            Verdict::BackDoor => "back door",
        }
    }
}

/// One family.
#[derive(Clone, Debug)]
pub struct FamilyReport {
    pub family: Family,
    pub verdict: Verdict,
    /// In the order of [`Way::ALL`].
    pub ways: Vec<Access>,
    /// The ways of a back door.
    pub doors: Vec<Way>,
}

impl FamilyReport {
    fn on(&self, way: Way) -> Access {
        on(&self.ways, way)
    }

    /// Whether it is not the kernel that refuses socket(2).
    pub fn by_seccomp(&self) -> bool {
        matches!(self.on(Way::X86_64), Access::Denied(_) | Access::Killed(_))
    }
}

/// Something to tell.
#[derive(Debug)]
pub struct Finding {
    pub verdict: Verdict,
    pub families: Vec<Family>,
    pub text: String,
    pub remedy: String,
}

fn on(ways: &[Access], way: Way) -> Access {
    let index = Way::ALL.iter().position(|other| *other == way);
    index.and_then(|index| ways.get(index)).copied().unwrap_or(Access::Unknown)
}

/// Judges each family.
pub fn families(families: &[Family], asked: &Asked) -> Vec<FamilyReport> {
    let report = |(index, family): (usize, &Family)| {
        let ways: Vec<_> = asked.ways.iter().map(|way| way.answers[index]).collect();
        let (verdict, doors) = judge(&ways);
        FamilyReport { family: *family, verdict, ways, doors }
    };
    families.iter().enumerate().map(report).collect()
}

fn judge(ways: &[Access]) -> (Verdict, Vec<Way>) {
    let front = on(ways, Way::X86_64);
    if front.is_denied() {
        let doors: Vec<_> = Way::ALL.into_iter().filter(|way| on(ways, *way).is_allowed()).collect();
        let verdict = match doors.as_slice() {
            [] if Way::ALL.iter().any(|way| known(ways, *way) == Access::Unknown) => Verdict::Unknown,
            [] => Verdict::Closed,
            _ => Verdict::BackDoor,
        };
        return (verdict, doors);
    }
    let verdict = match front {
        Access::Absent => Verdict::Absent,
        _ if !front.is_allowed() => Verdict::Unknown,
        _ => {
            let direct = known(ways, Way::Process32Direct);
            let multiplexed = [Way::Process32Int80, Way::Process32Vdso].map(|way| known(ways, way));
            if direct == Access::Unknown || multiplexed.contains(&Access::Unknown) {
                Verdict::Unknown
            } else if direct.is_allowed() && multiplexed.iter().any(|access| access.is_denied()) {
                Verdict::Broken
            } else {
                Verdict::Open
            }
        }
    };
    (verdict, vec![])
}

/// What is known of a way. Seccomp sees the same of a call whether a 32-bit or a 64-bit program makes it, so
/// where no 32-bit program can be executed the other's answer stands for it.
fn known(ways: &[Access], way: Way) -> Access {
    let same = match way {
        Way::Process32Direct => Way::I386,
        Way::Process32Int80 | Way::Process32Vdso => Way::Socketcall,
        other => other,
    };
    match on(ways, way) {
        Access::Unknown => on(ways, same),
        access => access,
    }
}

/// Whether no way of a 32-bit program leads to the family, though some are there.
pub fn is_closed_to_32_bit(ways: &[Access]) -> bool {
    [Way::Process32Direct, Way::Process32Int80, Way::Process32Vdso]
        .into_iter()
        .map(|way| known(ways, way))
        .all(|access| access.is_denied() || matches!(access, Access::NoEntry | Access::Absent))
}

/// What there is to tell, the worst first. Families of which the same is true are one finding.
pub fn findings(reports: &[FamilyReport], here: &Here) -> Vec<Finding> {
    let mut findings: Vec<(Verdict, Vec<Way>, Vec<&FamilyReport>)> = Vec::new();
    for report in reports {
        if !matches!(report.verdict, Verdict::BackDoor | Verdict::Broken | Verdict::Unknown) {
            continue;
        }
        match findings
            .iter_mut()
            .find(|(verdict, doors, _)| *verdict == report.verdict && *doors == report.doors)
        {
            Some((.., same)) => same.push(report),
            None => findings.push((report.verdict, report.doors.clone(), vec![report])),
        }
    }
    findings.sort_by_key(|(verdict, ..)| std::cmp::Reverse(*verdict));
    let finding = |(verdict, doors, reports): (Verdict, Vec<Way>, Vec<&FamilyReport>)| {
        let families: Vec<_> = reports.iter().map(|report| report.family).collect();
        let (text, remedy) = match verdict {
            Verdict::BackDoor => (
                format!(
                    "refused directly, possible by {}: {}",
                    words::ways(&doors),
                    words::families(&families, 8)
                ),
                words::close(&doors),
            ),
            Verdict::Broken => {
                let answers = answers(&reports);
                let text = format!(
                    "the direct calls work and socketcall {}, so 32-bit programs fail here: {}",
                    words::answers(&answers),
                    words::families(&families, 8)
                );
                (text, words::help(answers.iter().any(|access| matches!(access, Access::Killed(_))), here))
            }
            _ => (
                format!("what decides could not be tried: {}", words::families(&families, 8)),
                "the lines below say why; check again where that is allowed".to_owned(),
            ),
        };
        Finding { verdict, families, text, remedy }
    };
    findings.into_iter().map(finding).collect()
}

/// The different answers that keep 32-bit programs from socketcall.
fn answers(reports: &[&FamilyReport]) -> Vec<Access> {
    let mut answers = Vec::new();
    for report in reports {
        for way in [Way::Process32Int80, Way::Process32Vdso] {
            let access = known(&report.ways, way);
            if access.is_denied() && !answers.contains(&access) {
                answers.push(access);
            }
        }
    }
    answers
}

/// The errno of a refusal.
pub fn errno(access: Access) -> Option<Errno> {
    match access {
        Access::Denied(errno) | Access::Refused(errno) => Some(errno),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Verdict, Way, judge};
    use abi::Errno;

    /// Answers in the order of [`Way::ALL`], by letter.
    fn ways(letters: &str) -> Vec<Access> {
        let access = |letter| match letter {
            'c' => Access::Created,
            'p' => Access::Passes,
            'a' => Access::Absent,
            'd' => Access::Denied(Errno::ENOSYS),
            'r' => Access::Refused(Errno::EPERM),
            'k' => Access::Killed(31),
            '-' => Access::NoEntry,
            '?' => Access::Unknown,
            _ => panic!("{letter}"),
        };
        let ways: Vec<_> = letters.chars().filter(|letter| *letter != ' ').map(access).collect();
        assert_eq!(ways.len(), Way::ALL.len(), "{letters}");
        ways
    }

    #[test]
    fn verdicts() {
        // x86_64 upper x32, i386 socketcall io_uring; 32-bit process: direct int80 vdso.
        let cases = [
            ("ccc ccc ccc", Verdict::Open),
            ("pp- ppd ppp", Verdict::Open),
            ("cc- --c ---", Verdict::Open),
            ("cc- ccc c-- ", Verdict::Open),
            ("rrr rrr rrr", Verdict::Closed),
            ("ddk -dd kkk", Verdict::Closed),
            ("aa- aaa aaa", Verdict::Absent),
            ("cc- cdd cdd", Verdict::Broken),
            ("cc- ckd ckk", Verdict::Broken),
            ("cc- cdd ccd", Verdict::Broken),
            ("cc- cdd ???", Verdict::Broken),
            ("cc- ccc ???", Verdict::Open),
            ("cc- c?c ???", Verdict::Unknown),
            ("cc- ddd ddd", Verdict::Open),
            ("?c- ccc ccc", Verdict::Unknown),
            ("dd- d?d ???", Verdict::Unknown),
            ("dd- ddd ???", Verdict::Closed),
            ("dd- ppd ???", Verdict::BackDoor),
            ("kk- kkp kkk", Verdict::BackDoor),
        ];
        for (letters, verdict) in cases {
            assert_eq!(judge(&ways(letters)).0, verdict, "{letters}");
        }
    }

    #[test]
    fn what_32_bit_programs_have_none_of() {
        for (letters, closed) in [
            ("cc- ddc ddd", true),
            ("cc- ddc dd-", true),
            ("cc- kkc ???", true),
            ("cc- dcc dcc", false),
            ("cc- ddc ddc", false),
            ("cc- cdc cdd", false),
            ("cc- d?c ???", false),
        ] {
            assert_eq!(super::is_closed_to_32_bit(&ways(letters)), closed, "{letters}");
        }
    }

    #[test]
    fn doors_are_named() {
        let (_, doors) = judge(&ways("dd- dpd dpp"));
        assert_eq!(doors, [Way::Socketcall, Way::Process32Int80, Way::Process32Vdso]);
        let (_, doors) = judge(&ways("dp- ddc ddd"));
        assert_eq!(doors, [Way::UpperBits, Way::IoUring]);
        assert_eq!(judge(&ways("cc- ddd ddd")).1, []);
    }
}
