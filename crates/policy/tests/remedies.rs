//! What is offered for a refused call is read again, and permits it.

use abi::{Call, Errno};
use policy::{Action, Asked, By, Compiled, Policy, Remedy, Rule, Step};
use proptest::prelude::*;
use random::{Event, FASTOPEN, INET, INET6, MEMORY, UNIX, event, inet, layered, policy};

mod random;

/// The event as it is asked about where it was refused.
fn asked<'a>(compiled: &Compiled, event: &'a Event) -> Asked<'a> {
    match (compiled.step(&event.data()), event.call) {
        (Step::Memory, _) => Asked::Memory(event.copied()),
        (_, call @ (Call::Socket | Call::Socketpair)) => Asked::Socket(call, event.socket()),
        (_, call @ (Call::Setsockopt | Call::Getsockopt)) => Asked::Option(call, event.level, event.name),
        (_, call) => Asked::Name(call),
    }
}

/// The policy with the remedy's rules in front, read from their text.
fn with(policy: &Policy, remedy: &Remedy) -> Policy {
    let rules: Vec<Rule> = match remedy {
        Remedy::Short(rules) => {
            rules.iter().map(|text| Rule::short("--allow", false, text).expect("a rule")).collect()
        }
        Remedy::File(rules) => {
            let text = format!("default = \"deny\"\nrule = [{}]\n", rules.join(", "));
            Policy::parse("remedy.toml", &text).expect("a policy").rules
        }
        Remedy::Unsayable => panic!("no rules"),
    };
    let mut policy = policy.clone();
    policy.rules.splice(0..0, rules);
    policy
}

fn decided(policy: &Policy, event: &Event) -> Action {
    let compiled = policy.clone().compile();
    let filter = compiled.register_wants(MEMORY).compile().expect("a filter");
    layered(&compiled, &filter, event)
}

/// Whether no rule could change anything: the kernel has no such address, or no rule a number so great.
fn is_beyond_rules(event: &Event) -> bool {
    const LENIENT: &str = "default = \"allow\"\n[[rule]]\naction = \"deny\"\naddress = \"203.0.113.9\"\n";
    let lenient = Policy::parse("lenient.toml", LENIENT).expect("a policy").compile();
    event.socket().family > 255
        || matches!(lenient.step(&event.data()), Step::Memory)
            && lenient.judge(&event.copied()).by == By::Malformed
}

fn is_offered_what_permits(policy: &Policy, event: &Event) -> Result<(), TestCaseError> {
    let compiled = policy.clone().compile();
    if decided(policy, event).permits() {
        return Ok(());
    }
    let rules = || policy.rules.iter().map(ToString::to_string).collect::<Vec<_>>();
    match policy.remedy(&asked(&compiled, event)) {
        None => prop_assert!(is_beyond_rules(event), "nothing for {event:?}: {:?}", rules()),
        Some(Remedy::Unsayable) => {
            let path = event.copied().path.unwrap_or_default();
            prop_assert!(event.family == UNIX && path != b"/", "{event:?}");
            let is_text = std::str::from_utf8(&event.address.as_deref().unwrap_or_default()[2..]).is_ok();
            prop_assert!(!is_text || !path.is_empty() && path[0] != b'/', "{event:?}");
        }
        Some(remedy) => {
            if let Remedy::Short(rules) | Remedy::File(rules) = &remedy {
                let shown = |rule: &String| rule.chars().all(|letter| !letter.is_control());
                prop_assert!(rules.iter().all(shown), "{remedy:?}");
            }
            let then = with(policy, &remedy);
            let action = decided(&then, event);
            // Where registers refused it nobody has looked at what it brings in memory, which may be refused next.
            if !action.permits() && !matches!(asked(&compiled, event), Asked::Memory(_)) {
                prop_assert!(matches!(asked(&then.clone().compile(), event), Asked::Memory(_)), "{remedy:?}");
                return is_offered_what_permits(&then, event);
            }
            // What is no address gets the kernel's errno once the call is permitted.
            let kernels = [Errno::EINVAL, Errno::EAFNOSUPPORT].map(Action::Deny).contains(&action);
            prop_assert!(
                action.permits() || kernels && is_beyond_rules(event),
                "{action:?} with {remedy:?}\n{event:?}\n{:?}",
                rules()
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_offered_permits(
        policy in policy(),
        events in proptest::collection::vec(event(), 10),
    ) {
        for event in events {
            is_offered_what_permits(&policy, &event)?;
        }
    }

    #[test]
    fn whatever_stands_in_a_path_or_name(
        policy in policy(),
        front in proptest::sample::select(&["/", "/tmp/", "\0", ""][..]),
        rest in prop_oneof!["[ ,\n\r\t\x1b*?\\[\\]!'\"`$;\\\\a\u{85}\u{a0}\u{202e}\u{2028}\u{301}=/-]{0,12}",
            proptest::collection::vec(any::<u8>(), 0..12).prop_map(|b| String::from_utf8_lossy(&b).into_owned())],
        raw in proptest::option::of(any::<u8>()),
        call in proptest::sample::select(&[Call::Connect, Call::Bind, Call::Sendto][..]),
    ) {
        let address = [&[1u8, 0], front.as_bytes(), rest.as_bytes(), raw.as_slice()].concat();
        is_offered_what_permits(&policy, &Event { call, ..of_unix(address) })?;
    }
}

fn of_unix(address: Vec<u8>) -> Event {
    of(UNIX, 1, 0, address)
}

fn of(family: u32, ty: u32, protocol: u32, address: Vec<u8>) -> Event {
    Event {
        call: Call::Connect,
        i386: true,
        upper: false,
        family,
        ty,
        protocol,
        address: Some(address),
        flags: 0,
        control: vec![],
        level: 0,
        name: 0,
    }
}

/// What is offered by a policy that permits 127.0.0.1 alone.
fn offered(event: &Event) -> Option<Remedy> {
    const RULES: &str = "default = \"deny\"\n[[rule]]\naction = \"allow\"\naddress = \"127.0.0.1\"\n";
    let policy = Policy::parse("policy.toml", RULES).expect("a policy");
    policy.remedy(&asked(&policy.clone().compile(), event))
}

fn short(rules: &[&str]) -> Option<Remedy> {
    Some(Remedy::Short(rules.iter().map(|rule| (*rule).to_owned()).collect()))
}

#[test]
fn a_call_that_is_two_gets_both() {
    const MPTCP: u32 = 262;
    for protocol in [0, MPTCP] {
        let listen = |family, address: &str, own| Event {
            call: Call::Listen,
            ..of(family, 1, protocol, inet(address, 0, own))
        };
        let v4 = offered(&listen(INET, "0.0.0.0", 2));
        assert_eq!(v4, short(&["call=bind,listen address=0.0.0.0 port=0"]));
        // A socket of IPv6 serves both versions.
        let v6 = offered(&listen(INET6, "::", 10));
        assert_eq!(v6, short(&["call=bind,listen address=::,0.0.0.0 port=0"]));
    }
    let sends = Event { call: Call::Sendto, flags: FASTOPEN, ..of(INET, 1, 0, inet("10.1.2.3", 80, 2)) };
    assert_eq!(offered(&sends), short(&["call=connect,sendto address=10.1.2.3 port=80"]));
    let message =
        |address, control| Event { call: Call::Sendmsg, control, ..of(INET, 2, 0, inet(address, 53, 2)) };
    assert_eq!(
        offered(&message("10.1.2.3", vec![(0, 8), (0, 7)])),
        short(&["call=sendmsg address=10.1.2.3 port=53", "option=ip.IP_RETOPTS"])
    );
    // What is permitted is not offered again.
    assert_eq!(offered(&message("127.0.0.1", vec![(0, 7)])), short(&["option=ip.IP_RETOPTS"]));
}

#[test]
fn what_is_in_a_path_is_taken_for_what_it_is() {
    let connect = |path: &str| offered(&of_unix([b"\x01\0", path.as_bytes()].concat()));
    let file = |address: &str| {
        let table = format!("{{ action = \"allow\", call = \"connect\", address = \"{address}\" }}");
        Some(Remedy::File(vec![table]))
    };
    assert_eq!(connect("/run/[a]*?\\'\""), short(&["call=connect address=/run/\\[a]\\*\\?\\\\'\""]));
    assert_eq!(connect("/a b,c"), file("/a b,c"));
    assert_eq!(connect("/x'; echo '\nsocketcall:"), file("/x'; echo '\\U0000000asocketcall:"));
    assert_eq!(connect("/\x1b[31m*"), file("/\\U0000001b\\\\[31m\\\\*"));
    assert_eq!(connect("\0name\0"), file("@name\\U00000000"));
    assert_eq!(connect("relative"), Some(Remedy::Unsayable));
    assert_eq!(offered(&of_unix(b"\x01\0/\xff".to_vec())), Some(Remedy::Unsayable));
}

/// As what is no address stays none, whatever a policy says.
#[test]
fn what_no_rule_changes_is_not_offered() {
    assert_eq!(offered(&of(INET, 1, 0, vec![2, 0, 1])), None);
    assert_eq!(offered(&of(INET, 1, 0, inet("127.0.0.1", 80, 2))), None, "it is permitted");
}
