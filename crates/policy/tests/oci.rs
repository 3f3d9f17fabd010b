//! The profile for container runtimes, read by our own `check --profile`: it says what the registers' layer says.

use policy::{By, Compiled, Escape, Policy, Step, Verdict, silent};
use profile::{FindingKind, Kernel, Profile, Report, Runtime, Target, Verdict as Of};
use proptest::prelude::*;
use seccomp::Data;

fn compiled(text: &str) -> Compiled {
    Policy::parse("policy.toml", text).unwrap_or_else(|errors| panic!("{}", errors.render(false))).compile()
}

fn profile(compiled: &Compiled, runtime: Runtime) -> profile::Compiled {
    let text = compiled.oci().text;
    let profile = Profile::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(profile.warnings().is_empty(), "{:?}", profile.warnings());
    let target = Target { runtime, ..Target::new(Kernel { major: 6, minor: 12 }) };
    profile.compile(&target).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const POLICIES: [&str; 6] = [
    "default = \"allow\"\n[[rule]]\naction = \"deny\"\nfamily = [\"alg\", \"vsock\"]\n",
    "default = \"deny\"\n[[rule]]\naction = \"allow\"\nfamily = [\"inet\", \"inet6\", \"unix\"]\n",
    "default = \"deny\"\n[[rule]]\naction = \"allow\"\naddress = \"127.0.0.0/8\"\n[[rule]]\naction = \"allow\"\nfamily = \"netlink\"\nprotocol = \"route\"\n",
    "default = \"allow\"\n[[rule]]\naction = \"deny\"\nerrno = \"EPERM\"\nfamily = \"inet\"\ntype = \"raw\"\n\
     [[rule]]\naction = \"kill\"\nfamily = [38, 40]\n[[rule]]\naction = \"log\"\nfamily = \"packet\"\n\
     [[rule]]\naction = \"deny\"\noption = [\"socket.SO_ATTACH_FILTER\", \"tcp.*\"]\n",
    "default = \"allow\"\n[[rule]]\naction = \"deny\"\ncall = [\"listen\", \"accept\", \"send\"]\n",
    "default = \"deny\"\n[[rule]]\naction = \"allow\"\nfamily = [\"inet\", \"unix\"]\naddress = [\"10.0.0.0/8\", \"/run/**\"]\n[escape]\nx32 = true\n",
];

/// No back door, no upper bits, and exactly the families that the policy refuses are closed.
#[test]
fn check_finds_nothing_open() {
    for text in POLICIES {
        for runtime in [Runtime::Runc, Runtime::Crun] {
            let compiled = compiled(text);
            let report = Report::new(&profile(&compiled, runtime), profile::Family::all());
            for kind in [FindingKind::BackDoor, FindingKind::UpperBits, FindingKind::Asked] {
                assert!(!report.found(kind), "{text}\n{:?}", report.findings);
            }
            for family in &report.families {
                // For each type and protocol that the check tries, 32-bit programs need `run`.
                assert!(matches!(family.verdict, Of::Closed | Of::Broken), "{text}: {:?}", family.family);
            }
        }
    }
    let closed = |text: &str| -> Vec<u32> {
        let report = Report::new(&profile(&compiled(text), Runtime::Runc), profile::Family::all());
        let closed = report.families.iter().filter(|family| family.verdict == Of::Closed);
        closed.map(|family| family.family.number()).collect()
    };
    assert_eq!(closed(POLICIES[0]), [38, 40]);
    let others: Vec<u32> = (1..=45).filter(|family| ![1, 2, 10].contains(family)).collect();
    assert_eq!(closed(POLICIES[1]), others);
}

fn word() -> impl Strategy<Value = u64> {
    let low = prop_oneof![8 => 0u64..50, 2 => 0u64..300, 1 => any::<u32>().prop_map(u64::from)];
    (low, prop_oneof![3 => Just(0u64), 1 => Just(1 << 32), 1 => Just(0xffff_ffff << 32)])
        .prop_map(|(l, h)| l | h)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_profile_says_what_registers_say(
        which in 0..POLICIES.len(),
        args in proptest::collection::vec(proptest::array::uniform6(word()), 40),
    ) {
        let compiled = compiled(POLICIES[which]);
        let profile = profile(&compiled, Runtime::Crun);
        for planned in compiled.plan().filter(|planned| planned.number & 0x4000_0000 == 0) {
            for args in &args {
                // Pointers and upper bits are x86-64's alone.
                let narrow = planned.arch == seccomp::Arch::I386;
                let args = args.map(|arg| if narrow { arg & 0xffff_ffff } else { arg });
                // What no kernel knows is left to the kernel.
                let create = matches!(planned.name, "socket" | "socketpair");
                if create && (args[0] as u32 >= 64 || args[2] as u32 >= 512) {
                    continue;
                }
                let step = planned.step(&args);
                let own = [Escape::Ptrace, Escape::ProcessVmWritev, Escape::PidfdGetfd, Escape::SeccompListener];
                let step = match step {
                    // What `run` decides, and what it needs itself.
                    Step::Memory | Step::Held => Step::Allow,
                    Step::Decided(Verdict { by: By::Escape(escape), .. }) if own.contains(&escape) => Step::Allow,
                    step => step,
                };
                let expected = silent(step, 0).unwrap_or(seccomp::Action::Allow);
                let data = Data { arch: planned.arch.audit(), nr: planned.number, args, ..Data::default() };
                prop_assert_eq!(profile.judge(&data).0, expected, "{} {:x?}", planned.name, args);
            }
        }
    }
}

#[test]
fn what_memory_decides_is_named() {
    let oci = compiled(POLICIES[2]).oci();
    assert_eq!(oci.memory, ["sendmmsg", "bind", "connect", "listen", "sendto", "sendmsg"]);
    assert!(compiled(POLICIES[0]).oci().memory.is_empty());
}

#[test]
fn the_profile_of_a_family_rule() {
    insta::assert_snapshot!(compiled(POLICIES[0]).oci().text);
}

/// The actions' names are those of runtimes.
#[test]
fn actions() {
    let text = compiled(POLICIES[3]).oci().text;
    for action in ["SCMP_ACT_KILL_PROCESS", "SCMP_ACT_LOG", "SCMP_ACT_ERRNO"] {
        assert!(text.contains(action), "{action}");
    }
}
