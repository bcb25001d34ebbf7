//! All at once: input, both outputs and the end; time limits; pipes that somebody else holds.

use std::cell::Cell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::testing::{until, until_parked};
use eventlet_green::{sleep, spawn};
use eventlet_protocols::process::{Command, Drained, Group, OnDrop, SIGKILL, Stdio, Unfinished};

use crate::support::{Way, each_way, each_way_jumping, state};

const HOUR: Duration = Duration::from_secs(3600);
/// Long enough for a program to say something, as a rule.
const SHORT: Duration = Duration::from_millis(300);
/// More than any pipe holds.
const MUCH: usize = 4 << 20;

fn piped(mut command: Command) -> Command {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn much_both_ways_without_a_deadlock() {
    each_way(|way| {
        let input: Vec<u8> = (0..MUCH).map(|at| (at / 3 % 251) as u8).collect();
        let child = piped(way.program("cat")).spawn().unwrap();
        let output = child.communicate(input.clone()).unwrap();
        assert!(output.stdout == input, "it came back otherwise");
        assert_eq!((output.stderr.len(), output.drained), (0, Drained::Fully));
        assert!(output.status.success());
    });
}

#[test]
fn a_hundred_megabytes_on_both_streams() {
    const HUNDRED: usize = 100_000_000;
    eventlet_green::testing::on_each_hub(|| {
        let script = format!("head -c {HUNDRED} /dev/zero | tee /dev/stderr");
        let ticks = Rc::new(Cell::new(0));
        let counted = Rc::clone(&ticks);
        let ticker = spawn(move || {
            loop {
                counted.set(counted.get() + 1);
                sleep(Duration::from_millis(1));
            }
        });
        let output = Way::USUAL.sh(&script).output().unwrap();
        assert_eq!(
            (output.stdout.len(), output.stderr.len()),
            (HUNDRED, HUNDRED)
        );
        assert!(output.status.success());
        ticker.kill().unwrap();
        assert!(ticker.join().is_err());
        assert!(ticks.get() > 1, "others go on meanwhile");
    });
}

#[test]
fn a_child_that_does_not_read_is_no_error() {
    each_way(|way| {
        let child = piped(way.sh("echo no; exit 9")).spawn().unwrap();
        let output = child.communicate(vec![b'x'; MUCH]).unwrap();
        assert_eq!(
            (output.status.code(), &*output.stdout),
            (Some(9), &b"no\n"[..])
        );
    });
}

#[test]
fn a_child_that_never_reads_and_never_ends_is_cut_off() {
    each_way_jumping(|way| {
        let mut child = piped(way.program("sleep"));
        let mut child = child.arg("1000").spawn().unwrap();
        let error = child
            .communicate_timeout(vec![b'x'; MUCH], HOUR)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "sleep had not ended after 3600s");
        assert!(child.try_wait().unwrap().is_none(), "the caller's to end");
        child.kill(SIGKILL).unwrap();
        child.wait().unwrap();
    });
}

#[test]
fn what_was_said_before_the_limit_is_kept() {
    each_way(|way| {
        let mut command = way.sh("echo err >&2; echo out; exec sleep 1000");
        until_said(&mut command, |unfinished| {
            assert_eq!(unfinished.stderr, b"err\n");
            assert_eq!(unfinished.stdout, b"out\n");
            assert_eq!(
                (unfinished.program.to_str(), unfinished.limit),
                (Some("sh"), SHORT)
            );
        });
    });
}

#[test]
fn a_limit_that_is_not_needed_changes_nothing() {
    each_way(|way| {
        let output = way.program("echo").arg("x").output_timeout(HOUR).unwrap();
        assert_eq!(
            (&*output.stdout, output.drained),
            (&b"x\n"[..], Drained::Fully)
        );
    });
}

/// The child has ended, and what it has left behind holds its pipes.
#[test]
fn grandchildren_that_hold_the_pipe_are_not_waited_for_without_end() {
    each_way_jumping(|way| {
        let mut command = way.sh("sleep 1000 & echo $!");
        let begun = eventlet_green::now();
        let output = command.drain_limit(Some(HOUR)).output().unwrap();
        assert_eq!(eventlet_green::now() - begun, HOUR);
        assert_eq!(output.drained, Drained::CutOff);
        assert!(output.status.success());
        let offspring: u32 = String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert!(state(offspring).is_some());
        let kill = format!("kill -9 {offspring}");
        assert!(way.sh(&kill).status().unwrap().success());
    });
}

#[test]
fn the_deadline_goes_for_the_drain_as_well() {
    each_way(|way| {
        let mut command = way.sh("sleep 1000 & echo said");
        command.process_group(Group::New).drain_limit(None);
        until_said(&mut command, |unfinished| {
            assert_eq!(unfinished.stdout, b"said\n");
        });
    });
}

/// Runs it until its limit. A slow machine may not come so far that it says something; then again.
fn until_said(command: &mut Command, check: impl Fn(&Unfinished)) {
    loop {
        let error = command.output_timeout(SHORT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let unfinished = Unfinished::of(&error).unwrap();
        if !unfinished.stdout.is_empty() {
            return check(unfinished);
        }
    }
}

#[test]
fn grandchildren_that_end_are_waited_for() {
    each_way(|way| {
        let mut command = way.sh("(sleep 0.05; echo late) & echo early");
        let output = command.drain_limit(None).output().unwrap();
        assert_eq!(output.stdout, b"early\nlate\n");
        assert_eq!(output.drained, Drained::Fully);
    });
}

#[test]
fn one_who_is_killed_in_the_middle_leaves_nothing_behind() {
    each_way(|way| {
        let id = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&id);
        let talker = spawn(move || {
            let mut command = piped(way.sh("exec sleep 1000"));
            let child = command.on_drop(OnDrop::Kill).spawn().unwrap();
            theirs.set(child.id());
            child.communicate(vec![b'x'; MUCH])
        });
        until(|| id.get() != 0);
        until_parked(&talker);
        talker.kill().unwrap();
        assert!(talker.join().is_err());
        until(|| state(id.get()).is_none());
    });
}
