//! Process groups: one signal for a child and all that it has started, also when it has ended.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use eventlet_green::io::PipeReader;
use eventlet_green::testing::until;
use eventlet_protocols::process::{Child, Group, OnDrop, SIGKILL, SIGTERM, Stdio};

use crate::support::{Way, each_way, each_way_jumping, state};

const HOUR: Duration = Duration::from_secs(3600);

/// A child that leaves a process behind which holds its output for long, and that process's number.
fn with_offspring(way: Way, then: &str) -> (Child, u32) {
    let mut command = way.sh(&format!("sleep 1000 & echo $!; {then}"));
    command.stdout(Stdio::piped()).process_group(Group::New);
    let mut child = command.spawn().unwrap();
    let offspring = number(child.stdout.as_mut().unwrap());
    (child, offspring)
}

fn number(output: &mut PipeReader) -> u32 {
    let mut text = String::new();
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        text.push(char::from(byte[0]));
    }
    text.parse().unwrap()
}

/// Whether it is gone, or waits for whoever inherited it.
fn is_over(id: u32) -> bool {
    state(id).is_none_or(|state| state == 'Z')
}

#[test]
fn a_signal_reaches_the_whole_group() {
    each_way(|way| {
        let (mut child, offspring) = with_offspring(way, "wait");
        assert!(!is_over(offspring));
        child.kill_group(SIGTERM).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(SIGTERM));
        until(|| is_over(offspring));
    });
}

#[test]
fn the_number_of_a_leader_is_kept_until_it_is_dropped() {
    each_way(|way| {
        let (mut child, offspring) = with_offspring(way, "exit 4");
        assert_eq!(child.wait().unwrap().code(), Some(4));
        // So that no other process can have the number, and the group.
        let id = child.id();
        assert_eq!(state(id), Some('Z'));
        let handle = child.handle();
        drop(child);
        assert_eq!(state(id), Some('Z'));
        assert!(!is_over(offspring));
        handle.kill_group(SIGKILL).unwrap();
        until(|| is_over(offspring));
        // None is left of it.
        handle.kill_group(SIGKILL).unwrap();
        drop(handle);
        until(|| state(id).is_none());
    });
}

#[test]
fn dropping_can_kill_the_group() {
    each_way(|way| {
        let mut command = way.sh("sleep 1000 & echo $!; wait");
        command
            .stdout(Stdio::piped())
            .process_group(Group::New)
            .on_drop(OnDrop::Kill);
        let mut child = command.spawn().unwrap();
        let offspring = number(child.stdout.as_mut().unwrap());
        let id = child.id();
        drop(child);
        until(|| is_over(offspring) && state(id).is_none());
    });
}

#[test]
fn a_time_limit_kills_the_group() {
    each_way_jumping(|way| {
        let mut command = way.sh("sleep 1000 & sleep 1000; wait");
        command.process_group(Group::New);
        let error = command.output_timeout(HOUR).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    });
}

#[test]
fn ending_a_leader_ends_those_who_stayed_behind() {
    each_way(|way| {
        let then = "trap '' TERM; sleep 1000 & wait";
        let (mut child, offspring) = with_offspring(way, &format!("({then}) & wait"));
        child.terminate(Duration::from_secs(5)).unwrap();
        until(|| is_over(offspring));
        // At its end only when all of them are gone.
        let mut rest = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
    });
}

#[test]
fn a_child_can_join_a_group() {
    each_way(|way| {
        let leader = way
            .program("sleep")
            .arg("1000")
            .process_group(Group::New)
            .spawn()
            .unwrap();
        let group = Group::Joined(leader.id());
        let mut member = way
            .program("sleep")
            .arg("1000")
            .process_group(group)
            .spawn()
            .unwrap();
        leader.kill_group(SIGKILL).unwrap();
        assert_eq!(member.wait().unwrap().signal(), Some(SIGKILL));
        let error = way
            .program("true")
            .process_group(Group::Joined(u32::MAX))
            .spawn();
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    });
}
