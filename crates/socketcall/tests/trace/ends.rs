//! Exit statuses.

use crate::harness::{signal, status, trace};

#[test]
fn a_program_s_end_is_ours() {
    assert_eq!(status(trace(&["-o", "/dev/null"]).args(["/bin/sh", "-c", "exit 7"])).code(), Some(7));
    for number in [1, 2, 9, 13, 15, 10] {
        let script = format!("kill -{number} $$");
        let ended = signal(trace(&["-o", "/dev/null"]).args(["/bin/sh", "-c", &script]));
        assert_eq!(ended, Some(number));
    }
}

#[test]
fn errors_of_our_own() {
    for (arguments, expected) in [
        (&["/no/such/program"][..], 127),
        (&["no-such-program"], 127),
        (&["/etc/passwd"], 126),
        (&["--no-such-option", "true"], 125),
        (&["-e", "trace=nope", "true"], 125),
        (&["-o", "/no/such/directory/file", "true"], 125),
        (&[], 125),
        (&["-p", "2147483647"], 1),
        (&["-p", "none"], 125),
        (&["-p", "1", "true"], 125),
    ] {
        assert_eq!(status(&mut trace(arguments)).code(), Some(expected), "{arguments:?}");
    }
}
