//! The end of a child: waiting for it, by one, by many, for a while; signals; what becomes of one
//! that nobody waits for.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process;
use std::time::Duration;

use eventlet_green::spawn;
use eventlet_green::testing::{until, until_parked};
use eventlet_protocols::process::{OnDrop, SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Stdio};

use crate::support::{each_way, each_way_jumping, settled, state};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_status_is_the_childs() {
    each_way(|way| {
        assert_eq!(way.sh("exit 3").status().unwrap().code(), Some(3));
        assert_eq!(way.sh("exit 255").status().unwrap().code(), Some(255));
        assert!(way.program("true").status().unwrap().success());
        let status = way.sh("kill -9 $$").status().unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(SIGKILL)));
    });
}

#[test]
fn everybody_who_waits_is_told() {
    each_way(|way| {
        let mut child = way.program("cat").stdin(Stdio::piped()).spawn().unwrap();
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let handle = child.handle();
                spawn(move || handle.wait())
            })
            .collect();
        waiters.iter().for_each(until_parked);
        assert!(child.try_wait().unwrap().is_none());
        assert!(child.wait().unwrap().success());
        for waiter in waiters {
            assert!(waiter.join().unwrap().unwrap().success());
        }
        // And later, as often as one likes.
        assert!(child.wait().unwrap().success());
        assert!(child.handle().try_wait().unwrap().unwrap().success());
    });
}

#[test]
fn a_waiter_that_is_killed_takes_nobody_with_it() {
    each_way(|way| {
        let mut child = way.program("cat").stdin(Stdio::piped()).spawn().unwrap();
        let [one, other] = [(), ()].map(|()| {
            let handle = child.handle();
            spawn(move || handle.wait())
        });
        until_parked(&one);
        until_parked(&other);
        one.kill().unwrap();
        assert!(one.join().is_err());
        assert!(child.try_wait().unwrap().is_none(), "it still runs");
        child.stdin = None;
        assert!(other.join().unwrap().unwrap().success());
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn a_wait_for_a_while_ends() {
    each_way_jumping(|way| {
        let mut child = way.program("sleep").arg("1000").spawn().unwrap();
        let begun = eventlet_green::now();
        assert_eq!(child.wait_timeout(HOUR).unwrap(), None);
        assert_eq!(eventlet_green::now() - begun, HOUR);
        child.kill(SIGTERM).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(SIGTERM));
    });
}

#[test]
fn a_child_is_reaped_whether_it_is_waited_for_or_not() {
    each_way(|way| {
        // Held, and not waited for.
        let held = way.program("true").spawn().unwrap();
        until(|| state(held.id()).is_none());
        assert!(held.try_wait().unwrap().unwrap().success());
        // Dropped while it runs.
        let mut dropped = way.program("cat").stdin(Stdio::piped()).spawn().unwrap();
        let (id, input) = (dropped.id(), dropped.stdin.take());
        drop(dropped);
        assert!(state(id).is_some());
        drop(input);
        until(|| state(id).is_none());
    });
}

#[test]
fn a_child_can_be_killed_when_it_is_dropped() {
    each_way(|way| {
        let mut command = way.program("sleep");
        let child = command.arg("1000").on_drop(OnDrop::Kill).spawn().unwrap();
        let id = child.id();
        drop(child);
        until(|| state(id).is_none());
    });
}

#[test]
fn signals_reach_it_and_nobody_else() {
    each_way(|way| {
        let mut child = way.program("cat").stdin(Stdio::piped()).spawn().unwrap();
        child.kill(SIGSTOP).unwrap();
        until(|| state(child.id()) == Some('T'));
        assert!(child.try_wait().unwrap().is_none(), "stopped is not ended");
        child.kill(SIGCONT).unwrap();
        let error = child.kill(12_345).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(child.kill(0).unwrap_err().kind(), ErrorKind::InvalidInput);
        let error = child.kill_group(SIGTERM).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "not a leader");
        assert!(child.wait().unwrap().success());
        // Its number may be another's by now.
        child.kill(SIGKILL).unwrap();
    });
}

#[test]
fn who_ignores_the_request_to_end_is_killed() {
    each_way_jumping(|way| {
        let mut command = way.sh("trap '' TERM; echo ready; while :; do sleep 1; done");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 6];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut line)
            .unwrap();
        let begun = eventlet_green::now();
        let status = child.terminate(HOUR).unwrap();
        assert_eq!(status.signal(), Some(SIGKILL));
        assert_eq!(eventlet_green::now() - begun, HOUR, "it had its grace");
    });
}

#[test]
fn who_heeds_the_request_to_end_has_the_time_for_it() {
    each_way(|way| {
        let mut command =
            way.sh("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut [0; 6]).unwrap();
        assert_eq!(child.terminate(HOUR).unwrap().code(), Some(7));
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "bye\n");
    });
}

/// Children that were started with std are not ours to wait for, whatever happens beside them.
#[test]
fn the_children_of_others_are_left_alone() {
    each_way(|way| {
        let mut theirs: Vec<_> = (0..5)
            .map(|code| {
                let script = format!("exit {code}");
                process::Command::new("sh")
                    .args(["-c", &script])
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut living = process::Command::new("cat")
            .stdin(process::Stdio::piped())
            .spawn()
            .unwrap();
        until(|| theirs.iter().all(|child| state(child.id()) == Some('Z')));
        for _ in 0..20 {
            assert!(way.program("true").status().unwrap().success());
        }
        settled();
        for (code, child) in theirs.iter_mut().enumerate() {
            assert_eq!(child.wait().unwrap().code(), Some(code as i32));
        }
        assert!(living.try_wait().unwrap().is_none());
        living.stdin.take().unwrap().write_all(b"x").unwrap();
        assert!(living.wait().unwrap().success());
    });
}
