//! The tee: each gets everything, one that fails does not stop the others.

use std::io::{self, ErrorKind, Write};

use eventlet_green::testing::Failing;
use eventlet_protocols::log::{LineLogger, Tee};

use crate::support::Gate;

fn keeper() -> Gate {
    let gate = Gate::default();
    gate.open();
    gate
}

#[test]
fn all_of_them_get_all_of_it() {
    let (one, two) = (keeper(), keeper());
    let mut tee = Tee::new().to(one.clone()).to(two.clone());
    write!(tee, "a {}", 1).unwrap();
    tee.flush().unwrap();
    assert_eq!((one.text().as_str(), two.text().as_str()), ("a 1", "a 1"));
    assert_eq!(
        (tee.failures(0), tee.failures(1), tee.failures(2)),
        (0, 0, 0)
    );
    assert_eq!(tee.problem(0), None);
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let (before, after) = (keeper(), keeper());
    let full = Failing::new(io::sink()).writes_after(3, ErrorKind::StorageFull);
    let mut tee = Tee::new().to(before.clone()).to(full).to(after.clone());
    for _ in 0..3 {
        tee.write_all(b"ab").unwrap();
    }
    tee.flush().unwrap();
    assert_eq!(before.text(), "ababab");
    assert_eq!(after.text(), "ababab");
    assert_eq!(tee.failures(1), 2);
    assert!(tee.problem(1).is_some());
    assert_eq!(tee.failures(0) + tee.failures(2), 0);
}

/// Fails until it has been asked so often.
struct Heals(u32, Gate);

impl Write for Heals {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 > 0 {
            self.0 -= 1;
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(ErrorKind::TimedOut.into())
    }
}

#[test]
fn it_is_tried_again_and_when_all_fail_that_is_told() {
    let text = keeper();
    let mut tee = Tee::new().to(Heals(1, text.clone()));
    let error = tee.write(b"lost").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(tee.write(b"kept").unwrap(), 4);
    assert_eq!(text.text(), "kept");
    assert_eq!(tee.flush().unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(tee.failures(0), 2);
}

#[test]
fn without_any_it_leads_nowhere() {
    let mut tee = Tee::new();
    assert_eq!(tee.write(b"gone").unwrap(), 4);
    tee.flush().unwrap();
}

#[test]
fn lines_go_through_it() {
    let (one, two) = (keeper(), keeper());
    let mut tee = Tee::new().to(one.clone()).to(two.clone());
    let mut logger = LineLogger::new(|line: &[u8]| {
        tee.write_all(&[b"> ", line, b"\n"].concat()).unwrap();
    });
    logger.write_all(b"a\nb").unwrap();
    drop(logger);
    assert_eq!(one.text(), "> a\n> b\n");
    assert_eq!(two.text(), one.text());
}
