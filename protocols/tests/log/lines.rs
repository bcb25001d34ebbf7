//! The line logger: complete lines only, whatever the pieces; long ones; what is left at the end.

use std::cell::RefCell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use eventlet_green::testing::{on_each_hub, until_parked};
use eventlet_green::{sleep, spawn};
use eventlet_protocols::log::{CONTINUED, DEFAULT_LINE_LIMIT, LineLogger};

use crate::support::LONG;

type Lines = Rc<RefCell<Vec<String>>>;

fn keep(lines: &Lines) -> impl FnMut(&str) + use<> {
    let lines = Rc::clone(lines);
    move |line| lines.borrow_mut().push(line.to_owned())
}

/// What becomes of pieces, the limit being `limit`.
fn lines_of(limit: usize, pieces: &[&[u8]]) -> Vec<String> {
    let lines = Lines::default();
    let mut logger = LineLogger::text(keep(&lines)).limit(limit);
    for piece in pieces {
        logger.write_all(piece).unwrap();
        logger.flush().unwrap();
    }
    drop(logger);
    lines.take()
}

#[test]
fn lines_are_handed_on_once_they_are_complete() {
    let lines = Lines::default();
    let mut logger = LineLogger::text(keep(&lines));
    logger.write_all(b"on").unwrap();
    logger.flush().unwrap();
    assert!(lines.borrow().is_empty());
    logger.write_all(b"e\ntwo\nthr").unwrap();
    assert_eq!(lines.take(), ["one", "two"]);
    logger.end_line();
    assert_eq!(lines.take(), ["thr"]);
    // There is none: unlike the original's, which handed on an empty one each time.
    logger.end_line();
    logger.write_all(b"ee\n").unwrap();
    assert_eq!(lines.take(), ["ee"]);
}

#[test]
fn two_line_ends_are_two_empty_lines() {
    assert_eq!(lines_of(80, &[b"\n\n"]), ["", ""]);
    assert_eq!(lines_of(80, &[b"\n", b"\r\n"]), ["", ""]);
}

#[test]
fn the_rest_comes_when_it_is_dropped() {
    assert_eq!(lines_of(80, &[b"a\nrest"]), ["a", "rest"]);
    assert_eq!(lines_of(80, &[b"a\n"]), ["a"]);
    assert!(lines_of(80, &[]).is_empty());
}

#[test]
fn it_does_not_matter_where_pieces_are_split() {
    let text = "one\r\n\ntwo \u{20ac}uro\rsame line\n\u{1d11e}".as_bytes();
    let wanted = ["one", "", "two \u{20ac}uro\rsame line", "\u{1d11e}"];
    for first in 0..=text.len() {
        for second in first..=text.len() {
            let pieces = [&text[..first], &text[first..second], &text[second..]];
            assert_eq!(lines_of(80, &pieces), wanted, "{first} {second}");
        }
    }
}

#[test]
fn a_line_at_the_limit_is_whole_and_one_past_it_comes_in_parts() {
    let exact = "x".repeat(DEFAULT_LINE_LIMIT);
    let limit = DEFAULT_LINE_LIMIT;
    for end in ["\n", "\r\n"] {
        let line = format!("{exact}{end}next\n");
        assert_eq!(lines_of(limit, &[line.as_bytes()]), [&exact, "next"]);
        let (before, after) = line.split_at(limit + 1);
        let lines = lines_of(limit, &[before.as_bytes(), after.as_bytes()]);
        assert_eq!(lines, [&exact, "next"]);
    }
    let past = format!("{exact}y\nnext\n");
    let parts = [&format!("{exact}{CONTINUED}"), "y", "next"];
    assert_eq!(lines_of(limit, &[past.as_bytes()]), parts);
    // Not kept until its end comes.
    let lines = Lines::default();
    let mut logger = LineLogger::text(keep(&lines)).limit(4);
    logger.write_all(b"123456789").unwrap();
    let parts = ["1234", "5678"].map(|part| format!("{part}{CONTINUED}"));
    assert_eq!(lines.take(), parts);
    assert!(format!("{logger:?}").contains("kept: 1"));
}

#[test]
fn no_character_is_cut() {
    let parts = lines_of(5, &["aaa\u{20ac}bb\u{1d11e}\u{1d11e}\n".as_bytes()]);
    let parts: Vec<_> = parts
        .iter()
        .map(|part| part.strip_suffix(CONTINUED).unwrap_or(part))
        .collect();
    assert_eq!(parts, ["aaa", "\u{20ac}bb", "\u{1d11e}", "\u{1d11e}"]);
    // What is no text is taken as it comes, and loses nothing.
    let bytes = Rc::new(RefCell::new(Vec::new()));
    let theirs = Rc::clone(&bytes);
    let mut logger = LineLogger::new(move |line: &[u8]| {
        let line = line.strip_suffix(CONTINUED.as_bytes()).unwrap_or(line);
        theirs.borrow_mut().extend_from_slice(line);
    });
    logger = logger.limit(4);
    let noise: Vec<u8> = (0..=255).rev().filter(|&byte| byte != b'\n').collect();
    logger.write_all(&noise).unwrap();
    drop(logger);
    let noise: Vec<u8> = noise.into_iter().collect();
    assert_eq!(*bytes.borrow(), noise);
}

#[test]
#[should_panic(expected = "at least 4 bytes")]
fn a_limit_that_has_no_room_for_a_character_is_refused() {
    let _ = LineLogger::new(|_: &[u8]| {}).limit(3);
}

#[test]
fn text_that_is_none_is_shown_as_far_as_it_goes() {
    assert_eq!(lines_of(80, &[b"a\xffb\n"]), ["a\u{fffd}b"]);
}

#[test]
fn a_function_that_panics_has_had_its_line_and_the_others_follow() {
    let lines = Lines::default();
    let theirs = Rc::clone(&lines);
    let mut logger = LineLogger::text(move |line: &str| {
        assert_ne!(line, "bad", "told to");
        theirs.borrow_mut().push(line.to_owned());
    });
    let outcome = catch_unwind(AssertUnwindSafe(|| logger.write_all(b"a\nbad\nb\nc")));
    assert!(outcome.is_err());
    assert_eq!(lines.take(), ["a"]);
    logger.write_all(b"d\n").unwrap();
    assert_eq!(lines.take(), ["b", "cd"]);
}

#[test]
fn the_rest_is_logged_while_unwinding_and_a_second_panic_does_no_harm() {
    let lines = Lines::default();
    let theirs = Rc::clone(&lines);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut good = LineLogger::text(keep(&theirs));
        let mut bad = LineLogger::text(|_| panic!("within the panic"));
        good.write_all(b"last words").unwrap();
        bad.write_all(b"last words").unwrap();
        panic!("the panic");
    }));
    assert!(outcome.is_err());
    assert_eq!(lines.take(), ["last words"]);
}

#[test]
fn one_who_is_killed_while_it_hands_on_leaves_the_other_lines() {
    on_each_hub(|| {
        let lines = Lines::default();
        let theirs = Rc::clone(&lines);
        let writer = spawn(move || -> io::Result<()> {
            let mut logger = LineLogger::text(|line: &str| {
                theirs.borrow_mut().push(line.to_owned());
                if line == "wait" {
                    sleep(LONG);
                }
            });
            logger.write_all(b"wait\nnext\nrest")
        });
        until_parked(&writer);
        writer.kill().unwrap();
        assert!(writer.join().is_err());
        assert_eq!(lines.take(), ["wait", "next", "rest"]);
    });
}

#[test]
fn what_comes_over_a_connection_in_bits_comes_out_in_lines() {
    use eventlet_green::testing::{Trickle, duplex};
    on_each_hub(|| {
        let (near, mut far) = duplex(16);
        let lines = Lines::default();
        let mut logger = LineLogger::text(keep(&lines));
        let reader = spawn(move || io::copy(&mut Trickle::new(near), &mut logger).map(drop));
        for number in 0..100 {
            writeln!(far, "line {number}").unwrap();
        }
        drop(far);
        reader.join().unwrap().unwrap();
        let wanted: Vec<_> = (0..100).map(|number| format!("line {number}")).collect();
        assert_eq!(lines.take(), wanted);
    });
}
