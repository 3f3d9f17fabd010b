//! The example `supervise`, as a part of this test: what it prints is what the library did.

#[allow(dead_code)] // `main`, which calls `run` as we do
#[path = "../examples/supervise.rs"]
mod supervise;

#[test]
fn the_host_goes_on_and_the_counts_are_exact() {
    let mut out = Vec::new();
    supervise::run(&mut out).expect("the example to work");
    let out = String::from_utf8(out).expect("text");
    let lines: Vec<_> = out.lines().collect();
    let [started, own, says, ended, counts] = lines[..] else { panic!("{out}") };
    assert!(started.starts_with("fork-calls-int80 is process "), "{out}");
    assert_eq!(own, "20 of 20 children of our own were started and waited for");
    assert_eq!(says, "fork-calls-int80 says: 8 children");
    assert_eq!(ended, "fork-calls-int80 ended: Exited(0)");
    // Each child makes four sockets by int $0x80, and closes them by a call that is no socket call.
    assert_eq!(counts, "8 processes made calls: stub 0, trap 32, direct 0");
}
