//! Starting: what a program is given, and what cannot be started.

use std::io::{ErrorKind, Read};

use eventlet_green::testing::{child_command, in_children, is_child, run, until};
use eventlet_green::{JoinError, spawn, yield_now};
use eventlet_protocols::process::{Command, SIGKILL, Stdio};

use crate::support::{Way, children, each_way};

#[test]
fn what_cannot_be_started_is_named() {
    each_way(|way| {
        let error = way.program("no-such-program-here").spawn().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let text = error.to_string();
        assert!(
            text.starts_with("cannot start no-such-program-here: "),
            "{text}"
        );

        let error = way.program("/dev/null").output().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("/dev/null"), "{error}");

        let error = way
            .sh(":")
            .current_dir("/no/such/place")
            .status()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("/no/such/place"), "{error}");

        let error = way.program("echo").arg("nul\0").spawn().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn arguments_environment_and_directory_arrive() {
    each_way(|way| {
        let mut command = way.sh("pwd; echo \"$ONE|$TWO|$THREE|$1|$2\"");
        command
            .args(["name", "a  b", "*"])
            .env("ONE", "1")
            .envs([("TWO", "2"), ("THREE", "3")])
            .env_remove("TWO")
            .current_dir("/");
        // More than once from one command.
        for _ in 0..2 {
            assert_eq!(command.output().unwrap().stdout, b"/\n1||3|a  b|*\n");
        }
        let mut bare = way.program("/usr/bin/env");
        bare.env("GONE", "x").env_clear().env("LEFT", "y");
        assert_eq!(bare.output().unwrap().stdout, b"LEFT=y\n");
    });
}

#[test]
fn an_inherited_stream_is_the_parents() {
    if is_child() {
        Command::new("echo")
            .arg("to the parent's own")
            .status()
            .unwrap();
        let mut merged = Command::new("sh");
        merged
            .args(["-c", "echo merged >&2"])
            .stderr(Stdio::merged());
        assert!(merged.status().unwrap().success());
        return;
    }
    let output = child_command("starts::an_inherited_stream_is_the_parents");
    let output = output.unwrap().output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("to the parent's own\nmerged\n"), "{text}");
}

/// Who wanted it is killed before it has started: nothing is left of it.
#[test]
fn a_child_that_nobody_wants_any_more_is_killed() {
    in_children(
        "starts::a_child_that_nobody_wants_any_more_is_killed",
        || {
            for _ in 0..20 {
                let (mut reader, writer) = eventlet_green::io::pipe().unwrap();
                let writer = writer.into_std().unwrap();
                let starter = spawn(move || {
                    let mut command = Way::USUAL.program("sleep");
                    command.arg("1000").stdout(writer).spawn()
                });
                yield_now();
                starter.kill().unwrap();
                match starter.join() {
                    Err(error) => assert!(matches!(error, JoinError::Killed)),
                    // It was there already, and its starter could not be killed any more.
                    Ok(child) => child.unwrap().kill(SIGKILL).unwrap(),
                }
                // At its end when the child is gone, and nobody else holds it.
                assert_eq!(reader.read(&mut [0]).unwrap(), 0);
            }
            until(|| children().is_empty());
        },
    );
}

#[test]
fn a_merge_is_for_standard_error_only() {
    run(|| {
        let mut command = Way::USUAL.program("true");
        let error = command.stdout(Stdio::merged()).spawn().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let mut command = Way::USUAL.program("true");
        let error = command.stdin(Stdio::merged()).spawn().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}
