//! The shipped policies: whole, without idle rules, and what each decides.

use policy::{Action, Compiled, Layer, Policy, Question};

fn shipped(name: &str) -> Compiled {
    let file = format!("{}/../../packaging/policies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).expect(&file);
    let policy = Policy::parse(&format!("{name}.toml"), &text)
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let compiled = policy.compile();
    assert_eq!(compiled.idle(), [0usize; 0], "{name}: each rule decides something");
    compiled.register_wants(1).compile().expect("a filter");
    compiled
}

/// Whether each call is permitted, and where that is decided: `R` by registers, `M` by memory.
fn decides(name: &str, table: &[(&str, bool, char)]) {
    let compiled = shipped(name);
    for (question, permitted, layer) in table {
        let answer =
            compiled.ask(&Question::parse(question).unwrap_or_else(|e| panic!("{}", e.render(false))));
        let own = if answer.layer == Layer::Registers { 'R' } else { 'M' };
        let found = (answer.verdict.action.permits(), own);
        let why = answer.verdict.why(compiled.policy());
        assert_eq!(found, (*permitted, *layer), "{name}: {question}: {why}");
    }
}

#[test]
fn every_file_is_tested() {
    let directory = format!("{}/../../packaging/policies", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let tested = ["client-only", "game-server", "loopback-only", "no-alg-vsock", "web-client"];
    assert_eq!(names, tested.map(|name| format!("{name}.toml")));
}

#[test]
fn no_alg_vsock() {
    decides(
        "no-alg-vsock",
        &[
            ("socket alg seqpacket", false, 'R'),
            ("socket vsock stream", false, 'R'),
            ("socketpair vsock stream", false, 'R'),
            ("socket inet stream", true, 'R'),
            ("socket inet raw icmp", true, 'R'),
            ("socket packet raw", true, 'R'),
            ("connect inet stream 10.1.2.3:443", true, 'R'),
            ("bind unix stream /run/x.sock", true, 'R'),
            ("setsockopt ipv6.IPV6_RTHDR", true, 'R'),
            ("io_uring_setup", false, 'R'),
            ("ptrace", false, 'R'),
        ],
    );
    let compiled = shipped("no-alg-vsock");
    assert!(!compiled.needs_memory(), "no stop for any call");
    let Action::Deny(errno) = compiled.ask(&Question::parse("socket alg seqpacket").unwrap()).verdict.action
    else {
        panic!("denied");
    };
    assert_eq!(errno.name(), Some("EAFNOSUPPORT"));
}

#[test]
fn client_only() {
    decides(
        "client-only",
        &[
            ("socket inet stream", true, 'R'),
            ("socket inet6 dgram", true, 'R'),
            ("socket unix stream", true, 'R'),
            ("socket netlink raw", true, 'R'),
            ("socket inet raw icmp", false, 'R'),
            ("connect inet stream 10.1.2.3:443", true, 'R'),
            ("connect inet dgram 8.8.8.8:53", true, 'R'),
            ("sendto inet dgram 8.8.8.8:53", true, 'R'),
            ("listen inet stream", false, 'R'),
            ("listen unix stream", false, 'R'),
            ("accept", false, 'R'),
            ("bind inet dgram 0.0.0.0:0", true, 'M'),
            ("bind inet dgram 0.0.0.0:5353", false, 'M'),
            ("bind inet6 stream [::1]:8080", false, 'M'),
            ("bind unix dgram @x", true, 'M'),
            ("setsockopt ip.IP_LOCAL_PORT_RANGE", false, 'R'),
            ("setsockopt 0.51", false, 'R'),
            ("getsockopt 0.51", true, 'R'),
            ("setsockopt ip.IP_TTL", true, 'R'),
            ("recvmsg", true, 'R'),
        ],
    );
}

#[test]
fn loopback_only() {
    decides(
        "loopback-only",
        &[
            ("socket inet stream", true, 'R'),
            ("socket inet6 dgram", true, 'R'),
            ("socket unix stream", true, 'R'),
            ("socket netlink raw", true, 'R'),
            ("socket netlink raw audit", false, 'R'),
            ("socket inet raw icmp", false, 'R'),
            ("socket inet stream sctp", false, 'R'),
            ("socket packet raw", false, 'R'),
            ("socket vsock stream", false, 'R'),
            ("connect inet stream 127.0.0.1:80", true, 'M'),
            ("connect inet stream 127.200.0.1:80", true, 'M'),
            ("connect inet stream 0.0.0.0:80", true, 'M'),
            ("connect inet6 stream [::1]:80", true, 'M'),
            ("connect inet6 stream [::]:80", true, 'M'),
            ("connect inet6 stream 127.0.0.1:80", true, 'M'),
            ("connect inet6 stream 10.0.0.1:80", false, 'M'),
            ("connect inet stream 10.0.0.1:80", false, 'M'),
            ("sendto inet dgram 8.8.8.8:53", false, 'M'),
            ("sendmsg inet6 dgram [2001:db8::1]:53", false, 'M'),
            ("bind inet stream 127.0.0.1:8080", true, 'M'),
            ("bind inet stream 0.0.0.0:8080", false, 'M'),
            ("bind inet6 stream [::]:8080", false, 'M'),
            ("listen inet stream 127.0.0.1:8080", true, 'M'),
            ("listen inet stream", false, 'M'),
            ("bind inet dgram 0.0.0.0:0", true, 'M'),
            ("bind inet6 dgram [::]:0", true, 'M'),
            ("bind inet dgram 0.0.0.0:5353", false, 'M'),
            ("bind inet stream 0.0.0.0:0", true, 'M'),
            ("listen inet stream 0.0.0.0:0", false, 'M'),
            ("listen inet6 stream [::]:40000", false, 'M'),
            ("connect unix stream /run/x.sock", true, 'M'),
            ("setsockopt ipv6.IPV6_RTHDR", false, 'R'),
            ("setsockopt ip.IP_OPTIONS", false, 'R'),
            ("setsockopt tcp.TCP_NODELAY", true, 'R'),
            ("accept", true, 'R'),
            ("sendto inet stream", true, 'R'),
        ],
    );
}

#[test]
fn web_client() {
    decides(
        "web-client",
        &[
            ("socket inet stream", true, 'R'),
            ("socket inet6 stream mptcp", true, 'R'),
            ("socket inet dgram", true, 'R'),
            ("socket unix stream", true, 'R'),
            ("socket netlink raw", true, 'R'),
            ("socket packet raw", false, 'R'),
            ("socket inet raw icmp", false, 'R'),
            ("connect inet stream 93.184.215.14:443", true, 'M'),
            ("connect inet stream 93.184.215.14:80", true, 'M'),
            ("connect inet stream 93.184.215.14:22", false, 'M'),
            ("connect inet6 stream [2606:2800:21f::1]:443", true, 'M'),
            ("sendto inet dgram 93.184.215.14:443", true, 'M'),
            ("connect inet dgram 93.184.215.14:0", true, 'M'),
            ("connect inet6 dgram [2606:2800:21f::1]:80", true, 'M'),
            ("connect inet dgram 93.184.215.14:9", true, 'M'),
            ("connect inet dgram 93.184.215.14:65535", true, 'M'),
            ("connect inet stream 93.184.215.14:9", false, 'M'),
            ("sendto inet dgram 93.184.215.14:80", false, 'M'),
            ("connect inet dgram 10.0.0.1:0", false, 'M'),
            ("connect inet dgram 93.184.215.14:123", false, 'M'),
            ("connect inet stream 169.254.169.254:80", false, 'M'),
            ("connect inet6 stream 169.254.169.254:80", false, 'M'),
            ("connect inet stream 127.0.0.1:80", false, 'M'),
            ("connect inet stream 0.0.0.0:80", false, 'M'),
            ("connect inet6 stream [::]:80", false, 'M'),
            ("connect inet6 stream [fe80::1]:80", false, 'M'),
            ("connect inet6 stream [fec0::1]:443", false, 'M'),
            ("sendto inet dgram 255.255.255.255:443", false, 'M'),
            ("sendto inet dgram 224.0.0.251:443", false, 'M'),
            ("sendto inet6 dgram [ff02::1]:443", false, 'M'),
            ("connect inet6 stream [64:ff9b::10.0.0.1]:443", false, 'M'),
            ("connect inet6 stream [64:ff9b:1::10.0.0.1]:443", false, 'M'),
            ("connect inet6 stream [2002:a00:1::1]:443", false, 'M'),
            ("connect inet dgram 192.168.1.1:53", true, 'M'),
            ("bind inet stream 0.0.0.0:0", true, 'M'),
            ("bind inet stream 0.0.0.0:8080", false, 'M'),
            ("listen inet stream 0.0.0.0:8080", false, 'M'),
            ("connect unix stream /run/nscd/socket", true, 'M'),
            ("connect unix stream /run/docker.sock", false, 'M'),
            ("connect unix stream @/tmp/.X11-unix/X0", false, 'M'),
            ("mount", false, 'R'),
            ("open_tree_attr", false, 'R'),
            ("setns", false, 'R'),
        ],
    );
}

#[test]
fn game_server() {
    decides(
        "game-server",
        &[
            ("socket inet dgram", true, 'R'),
            ("socket inet stream", true, 'R'),
            ("socketpair unix stream", true, 'R'),
            ("connect unix stream /run/nscd/socket", true, 'M'),
            ("connect unix stream /run/docker.sock", false, 'M'),
            ("socket inet raw icmp", false, 'R'),
            ("bind inet dgram 0.0.0.0:27015", true, 'M'),
            ("bind inet stream 0.0.0.0:27015", true, 'M'),
            ("bind inet dgram 0.0.0.0:80", false, 'M'),
            ("bind inet dgram 0.0.0.0:0", true, 'M'),
            ("listen inet stream 0.0.0.0:27015", true, 'M'),
            ("listen inet stream 0.0.0.0:40000", false, 'M'),
            ("listen inet stream", false, 'M'),
            ("sendto inet dgram 203.0.113.9:51000", true, 'M'),
            ("sendto inet dgram 203.0.113.9:123", false, 'M'),
            ("sendto inet dgram 192.168.1.7:51000", false, 'M'),
            ("sendto inet dgram 203.0.113.9:27011", true, 'M'),
            ("sendto inet dgram 9.9.9.9:53", true, 'M'),
            ("sendto inet dgram 192.168.1.1:53", true, 'M'),
            ("connect inet dgram 203.0.113.9:0", true, 'M'),
            ("connect inet dgram 192.168.1.7:0", false, 'M'),
            ("connect inet dgram 203.0.113.9:51000", false, 'M'),
            ("connect inet stream 192.168.1.1:53", false, 'M'),
            ("connect inet stream 203.0.113.9:443", false, 'M'),
            ("sendmsg inet6 dgram [fd00::1]:51000", false, 'M'),
            ("sendto inet dgram 255.255.255.255:51000", false, 'M'),
            ("sendto inet dgram 224.0.0.251:5353", false, 'M'),
            ("sendto inet6 dgram [ff02::fb]:5353", false, 'M'),
            ("sendto inet6 dgram [64:ff9b::192.168.1.7]:51000", false, 'M'),
            ("sendto inet6 dgram [2002:c0a8:107::1]:51000", false, 'M'),
            ("sendto inet6 dgram [2001:db8::7]:51000", true, 'M'),
        ],
    );
}

/// What a reader of `policy explain` and `policy compile` gets.
#[test]
fn explained() {
    let compiled = shipped("web-client");
    let text: String = compiled
        .explain()
        .into_iter()
        .map(|one| format!("{:?}: registers: {}; memory: {}\n", one.by, one.registers, one.memory))
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn listed() {
    insta::assert_snapshot!(shipped("no-alg-vsock").listing().unwrap());
}
