//! The supervisor is a child that the program does not see.

use crate::harness::{World, natively};
use crate::hidden;
use supervise::End;

/// What the program sees of its children: none by any ordinary wait, the supervisor by `__WALL`.
pub fn wait() {
    let waited = |flags: libc::c_int| {
        // SAFETY: waitpid may be given no place for the status.
        let pid = unsafe { libc::waitpid(-1, std::ptr::null_mut(), flags | libc::WNOHANG) };
        match pid {
            -1 => format!("{}", std::io::Error::last_os_error()),
            pid => pid.to_string(),
        }
    };
    println!("{}\n{}", waited(0), waited(libc::WUNTRACED | libc::WCONTINUED));
    println!("{}", waited(libc::__WALL));
    // SAFETY: the child ends at once; the parent waits for whichever child ends.
    let own = unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(0);
        }
        libc::wait(std::ptr::null_mut()) == child
    };
    println!("{own}\n{}", waited(0));
}

#[test]
fn a_wait_sees_the_programs_own_children_only() {
    const NOBODY: &str = "No child processes (os error 10)";
    let native = natively(hidden::command("wait"));
    assert_eq!(native.stdout, format!("{NOBODY}\n{NOBODY}\n{NOBODY}\ntrue\n{NOBODY}\n"));
    for world in World::ALL {
        let finished = world.within(|| {
            let mut command = hidden::command("become");
            command.arg(std::env::current_exe().expect("an executable")).args(["--as-a-program", "wait"]);
            natively(command)
        });
        assert_eq!(finished.end, End::Exited(0), "{world:?} {finished:?}");
        // There is somebody, who is alive; and only `__WALL` shows it.
        assert_eq!(finished.stdout, format!("{NOBODY}\n{NOBODY}\n0\ntrue\n{NOBODY}\n"), "{world:?}");
    }
}
