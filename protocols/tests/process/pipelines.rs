//! Several programs in a row.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use eventlet_green::spawn;
use eventlet_protocols::process::{Command, Pipeline, SIGKILL, Stdio, Unfinished};

use crate::support::{each_way, each_way_jumping, state};

fn words(command: &mut Command, words: &[&str]) -> Command {
    command.args(words);
    std::mem::replace(command, Command::new(""))
}

#[test]
fn what_one_writes_the_next_reads() {
    each_way(|way| {
        let output = Pipeline::new(words(&mut way.program("tr"), &["a-z", "A-Z"]))
            .pipe(words(&mut way.program("sort"), &["-r"]))
            .pipe(words(&mut way.program("head"), &["-n", "2"]))
            .communicate("one\ntwo\nthree\n")
            .unwrap();
        assert_eq!(output.stdout, b"TWO\nTHREE\n");
        assert!(output.is_success());
        assert_eq!(output.statuses.len(), 3);
    });
}

#[test]
fn one_alone_and_many() {
    each_way(|way| {
        let output = Pipeline::new(way.program("cat")).communicate("x").unwrap();
        assert_eq!(output.stdout, b"x");
        let many = (0..10).fold(Pipeline::new(way.program("cat")), |many, _| {
            many.pipe(way.program("cat"))
        });
        let much = vec![b'x'; 1 << 20];
        assert!(many.communicate(much.clone()).unwrap().stdout == much);
    });
}

#[test]
fn the_first_is_told_when_the_last_has_enough() {
    each_way(|way| {
        let output = Pipeline::new(way.program("yes"))
            .pipe(words(&mut way.program("head"), &["-n", "1"]))
            .communicate("")
            .unwrap();
        assert_eq!(output.stdout, b"y\n");
        assert_eq!(output.statuses[0].signal(), Some(13), "SIGPIPE");
        assert!(!output.is_success());
    });
}

#[test]
fn streamed_at_both_ends() {
    each_way(|way| {
        let mut running = Pipeline::new(way.program("cat"))
            .pipe(words(&mut way.program("tr"), &["a", "b"]))
            .spawn()
            .unwrap();
        let mut input = running.stdin.take().unwrap();
        let writer = spawn(move || (0..100).try_for_each(|_| input.write_all(&[b'a'; 10_000])));
        let mut text = Vec::new();
        running
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut text)
            .unwrap();
        assert!(text.len() == 1_000_000 && text.iter().all(|&byte| byte == b'b'));
        writer.join().unwrap().unwrap();
        assert!(
            running
                .wait()
                .unwrap()
                .iter()
                .all(|status| status.success())
        );
        assert_eq!(running.children().len(), 2);
    });
}

#[test]
fn a_program_that_is_missing_takes_the_others_with_it() {
    each_way(|way| {
        let error = Pipeline::new(words(&mut way.program("sleep"), &["1000"]))
            .pipe(way.program("no-such-program-here"))
            .spawn()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            error.to_string().contains("no-such-program-here"),
            "{error}"
        );
        // That nothing is left, each test looks at its end.
    });
}

#[test]
fn a_time_limit_kills_them_all() {
    each_way_jumping(|way| {
        let error = Pipeline::new(way.sh("echo begun; sleep 1000 & sleep 1000"))
            .pipe(way.sh("cat; exec sleep 1000"))
            .communicate_timeout("", Duration::from_secs(3600))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(Unfinished::of(&error).unwrap().program, "sh");
    });
}

#[test]
fn a_signal_reaches_them_all_also_when_the_first_has_ended() {
    each_way(|way| {
        let mut last = words(&mut way.program("sleep"), &["1000"]);
        last.stdout(Stdio::null());
        let mut running = Pipeline::new(way.program("true"))
            .pipe(last)
            .spawn()
            .unwrap();
        assert!(running.stdout.is_none());
        assert!(running.children()[0].wait().unwrap().success());
        let leader = running.children()[0].id();
        assert_eq!(state(leader), Some('Z'), "its number is kept");
        running.kill(SIGKILL).unwrap();
        assert_eq!(running.wait().unwrap()[1].signal(), Some(SIGKILL));
        drop(running);
        assert_eq!(state(leader), None);
    });
}
