//! Ends that are not noticed in the usual way: a loop that has ended, a status that somebody has
//! taken.

use std::io::ErrorKind;
use std::process::Command as StdCommand;
use std::thread;

use eventlet_green::testing::{Watchdog, child_command, is_child};
use eventlet_protocols::process::Stdio;

use crate::support::{Way, both, each_way, state};

#[test]
fn a_child_whose_loop_has_ended_is_reaped_all_the_same() {
    let _watchdog = Watchdog::new("a loop that ends");
    let run = |way: Way| {
        let (id, input) = thread::spawn(move || {
            let mut child = way.program("cat").stdin(Stdio::piped()).spawn().unwrap();
            let input = child.stdin.take().unwrap().into_std().unwrap();
            (child.id(), input)
        })
        .join()
        .unwrap();
        assert!(state(id).is_some_and(|state| state != 'Z'));
        drop(input);
        while state(id).is_some() {
            thread::yield_now();
        }
    };
    // Not in a loop of this thread's: that is what is tested.
    both(&run);
}

/// Where the process ignores SIGCHLD, the system reaps children itself, and no status is kept.
#[test]
fn a_status_that_is_lost_is_an_error_and_no_hang() {
    const NAME: &str = "losses::a_status_that_is_lost_is_an_error_and_no_hang";
    if is_child() {
        each_way(|way| {
            let outcome = way.sh("exit 3").status();
            match outcome {
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
                // Whoever asks for the signal takes it over, and ends the ignoring.
                Ok(status) => assert_eq!(status.code(), Some(3)),
            }
            let mut child = way.program("true").stdin(Stdio::piped()).spawn().unwrap();
            let _ = child.wait();
            child.kill(9).unwrap();
        });
        // Only the first round was without a handler.
        return;
    }
    let plain = child_command(NAME).unwrap();
    let mut shell = StdCommand::new("sh");
    shell.args(["-c", "trap '' CHLD; exec \"$0\" \"$@\""]);
    shell.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
