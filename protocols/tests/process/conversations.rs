//! The original's `Process`, with what its tests asked for and what its users found.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::testing::{child_command, is_child, until};
use eventlet_green::{spawn, yield_now};
use eventlet_protocols::process::{
    Cause, Command, DeadProcess, Process, ProcessError, SIGKILL, SIGTERM, Stdio,
};

use crate::support::{Way, each_way, each_way_jumping, state};

fn start(command: &Command) -> Process {
    Process::start(command).unwrap()
}

#[track_caller]
fn dead<T: std::fmt::Debug>(outcome: Result<T, ProcessError>) -> DeadProcess {
    match outcome {
        Err(ProcessError::Dead(dead)) => dead,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_echo_says_and_then_its_end() {
    each_way(|way| {
        let mut echo = start(way.program("echo").arg("hello"));
        let mut text = [0; 64];
        let count = echo.read(&mut text).unwrap();
        assert_eq!(&text[..count], b"hello\n");
        let dead = dead(echo.read(&mut text));
        assert_eq!(dead.cause, Cause::OutputEnded);
        assert!(dead.status.unwrap().success());
        assert_eq!(echo.read(&mut []).unwrap(), 0);
    });
}

#[test]
fn there_and_back_through_cat() {
    each_way(|way| {
        let mut cat = start(&way.program("cat"));
        for word in ["one\n", "two\n"] {
            cat.write(word.as_bytes()).unwrap();
            assert_eq!(cat.read_line().unwrap(), word.as_bytes());
        }
        cat.write(b"a\nb without an end").unwrap();
        cat.close_stdin();
        assert_eq!(cat.read_line().unwrap(), b"a\n");
        assert_eq!(cat.read_line().unwrap(), b"b without an end");
        assert!(dead(cat.read_line()).status.unwrap().success());
    });
}

#[test]
fn all_to_the_end_and_then_it_is_dead() {
    each_way(|way| {
        let mut seq = start(way.program("seq").arg("3"));
        assert_eq!(seq.read_to_end().unwrap(), b"1\n2\n3\n");
        assert_eq!(dead(seq.read_line()).cause, Cause::OutputEnded);
        assert_eq!(seq.read_to_end().unwrap(), b"");
    });
}

#[test]
fn a_write_larger_than_the_pipe_waits() {
    const MUCH: usize = 1 << 20;
    each_way(|way| {
        let mut cat = start(&way.sh("head -c 1048576 | wc -c"));
        let others = spawn(|| (0..100).for_each(|_| yield_now()));
        cat.write(&vec![b'x'; MUCH]).unwrap();
        assert_eq!(
            String::from_utf8(cat.read_line().unwrap()).unwrap().trim(),
            "1048576"
        );
        others.join().unwrap();
    });
}

#[test]
fn a_missing_program_is_an_error_at_the_start() {
    each_way(|way| {
        let error = Process::start(&way.program("no-such-program-here")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("no-such-program-here"));
    });
}

#[test]
fn the_dead_are_told_of_with_status_and_last_words() {
    each_way(|way| {
        let mut child = start(&way.sh("echo first >&2; echo the reason >&2; exit 3"));
        let dead = dead(child.read_line());
        assert_eq!(dead.status.unwrap().code(), Some(3));
        assert_eq!(dead.stderr, ["first", "the reason"]);
        assert_eq!(
            dead.to_string(),
            "sh has ended its output (exit status: 3), last saying: the reason"
        );
        let error = std::io::Error::from(ProcessError::Dead(dead));
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert!(error.get_ref().unwrap().is::<DeadProcess>());
        // The original's way: in the output.
        let mut merged = way.sh("echo said >&2");
        let mut child = start(merged.stderr(Stdio::merged()));
        assert_eq!(child.read_line().unwrap(), b"said\n");
    });
}

#[test]
fn one_that_does_not_take_its_input_is_dead() {
    each_way(|way| {
        let mut child = start(&way.sh("exec <&-; echo closed; exit 2"));
        assert_eq!(child.read_line().unwrap(), b"closed\n");
        let dead = dead(child.write(b"hello"));
        assert_eq!(dead.cause, Cause::InputRefused);
        assert_eq!(dead.status.unwrap().code(), Some(2));
    });
}

#[test]
fn what_is_closed_here_is_an_error_here() {
    each_way(|way| {
        let mut cat = start(&way.program("cat"));
        cat.close_stdin();
        let told = dead(cat.write(b"more"));
        assert_eq!(told.cause, Cause::Closed);
        // That was no death: it still had to say something, or not.
        assert_eq!(cat.read_to_end().unwrap(), b"");

        let mut cat = start(&way.program("cat"));
        cat.close();
        assert_eq!(dead(cat.write(b"more")).cause, Cause::Closed);
        assert_eq!(dead(cat.read(&mut [0])).cause, Cause::Closed);
        assert_eq!(dead(cat.read_to_end()).cause, Cause::Closed);
        assert!(cat.wait().unwrap().success());
    });
}

/// Counts what a callback is told.
fn told_of(process: &mut Process) -> Rc<RefCell<Vec<DeadProcess>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let theirs = Rc::clone(&told);
    process.on_death(move |dead| theirs.borrow_mut().push(dead.clone()));
    told
}

#[test]
fn the_callback_is_called_once_whoever_finds_out() {
    each_way(|way| {
        // By reading, again and again.
        let mut child = start(&way.sh("echo x"));
        let told = told_of(&mut child);
        child.read_line().unwrap();
        for _ in 0..3 {
            dead(child.read_line());
            dead(child.write(b"x"));
            child.close();
        }
        child.wait().unwrap();
        // By closing.
        let mut closed = start(&way.program("cat"));
        let of_closed = told_of(&mut closed);
        closed.close();
        closed.close();
        closed.wait().unwrap();
        // By nobody who talks to it.
        let mut killed = start(&way.program("cat"));
        let of_killed = told_of(&mut killed);
        killed.kill(SIGKILL).unwrap();
        until(|| !of_killed.borrow().is_empty());
        dead(killed.read_line());
        // Too late.
        let late = told_of(&mut killed);
        until(|| !late.borrow().is_empty());
        drop((child, closed, killed));
        crate::support::settled();
        assert_eq!(told.borrow().len(), 1);
        assert_eq!(of_closed.borrow().len(), 1);
        assert_eq!(of_closed.borrow()[0].cause, Cause::Closed);
        assert_eq!(of_killed.borrow().len(), 1);
        let status = of_killed.borrow()[0].status.unwrap();
        assert_eq!((status.signal(), late.borrow().len()), (Some(SIGKILL), 1));
    });
}

#[test]
#[cfg(target_os = "linux")] // for `state`
fn the_callback_is_told_what_was_found_out_though_the_end_is_noticed_meanwhile() {
    const NAME: &str = "conversations::\
        the_callback_is_told_what_was_found_out_though_the_end_is_noticed_meanwhile";
    if !is_child() {
        // Alone: what other threads start has the pipes for a moment, between its fork and its exec, and
        // reading to their end would have to wait. Then the end is what is found out first.
        let output = child_command(NAME).unwrap().output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("1 passed"), "{}: {said}", output.status);
        return;
    }
    /// One that has ended, which nobody has been told: no coroutine has had a turn since.
    fn ended(way: Way) -> (Process, Rc<RefCell<Vec<DeadProcess>>>) {
        let mut cat = start(&way.program("cat"));
        let told = told_of(&mut cat);
        // Its callback's coroutine waits for the end.
        yield_now();
        cat.kill(SIGKILL).unwrap();
        while state(cat.id()) != Some('Z') {
            std::thread::yield_now();
        }
        (cat, told)
    }
    each_way(|way| {
        // Each of these waits for the last words, so that others have their turn.
        let (mut cat, told) = ended(way);
        cat.close();
        let (mut other, of_other) = ended(way);
        assert_eq!(dead(other.read_line()).cause, Cause::OutputEnded);
        drop((cat, other));
        crate::support::settled();
        assert_eq!((told.borrow().len(), of_other.borrow().len()), (1, 1));
        assert_eq!(told.borrow()[0].cause, Cause::Closed);
        assert_eq!(of_other.borrow()[0].cause, Cause::OutputEnded);
        // What is printed of it; nothing was said.
        for (told, text) in [
            (told, "was closed here"),
            (of_other, "has ended its output"),
        ] {
            let dead = told.borrow()[0].clone();
            assert_eq!(
                dead.to_string(),
                format!("cat {text} (signal: 9 (SIGKILL))")
            );
            let error = ProcessError::Dead(dead);
            assert!(error.is_dead() && error.to_string().contains(text));
            let as_io = std::io::Error::from(error);
            assert_eq!(as_io.kind(), ErrorKind::BrokenPipe);
            assert!(as_io.get_ref().unwrap().is::<DeadProcess>());
        }
    });
}

#[test]
fn a_callback_may_do_anything() {
    each_way(|way| {
        let mut child = start(&way.program("cat"));
        let child_again = Rc::new(RefCell::new(None));
        let theirs = Rc::clone(&child_again);
        child.on_death(move |_| {
            let mut next = start(&way.program("cat"));
            next.write(b"risen\n").unwrap();
            *theirs.borrow_mut() = Some(next.read_line().unwrap());
        });
        child.kill(SIGTERM).unwrap();
        until(|| child_again.borrow().is_some());
        assert_eq!(child_again.take().unwrap(), b"risen\n");
    });
}

#[test]
fn a_line_has_a_limit_and_nothing_is_lost_by_it() {
    each_way(|way| {
        let mut cat = start(&way.program("cat"));
        cat.set_line_limit(8);
        cat.write(b"1234567\n12345678\n").unwrap();
        cat.close_stdin();
        assert_eq!(cat.read_line().unwrap(), b"1234567\n", "at the limit");
        match cat.read_line() {
            Err(ProcessError::Io(error)) => assert_eq!(error.kind(), ErrorKind::InvalidData),
            other => panic!("{other:?}"),
        }
        assert_eq!(cat.read_to_end().unwrap(), b"12345678\n");
    });
}

#[test]
fn a_time_limit_loses_nothing() {
    each_way_jumping(|way| {
        let mut cat = start(&way.program("cat"));
        cat.set_timeout(Some(Duration::from_secs(3600))).unwrap();
        cat.write(b"half a ").unwrap();
        match cat.read_line() {
            Err(ProcessError::Io(error)) => assert_eq!(error.kind(), ErrorKind::TimedOut),
            other => panic!("{other:?}"),
        }
        cat.set_timeout(None).unwrap();
        cat.write(b"line\n").unwrap();
        assert_eq!(cat.read_line().unwrap(), b"half a line\n");
    });
}

#[test]
fn other_streams_than_pipes_are_refused() {
    eventlet_green::testing::run(|| {
        let mut command = Way::USUAL.program("cat");
        let error = Process::start(command.stdin(Stdio::null())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn dropping_one_lets_it_end_and_be_reaped() {
    each_way(|way| {
        let cat = start(&way.program("cat"));
        let id = cat.id();
        drop(cat);
        until(|| state(id).is_none());
    });
}
