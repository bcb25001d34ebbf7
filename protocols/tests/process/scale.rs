//! Many children: in a row and at a time. Others go on meanwhile, and nothing is left.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eventlet_green::testing::in_children;
use eventlet_green::{sleep, spawn};
use eventlet_protocols::process::Stdio;

use crate::support::{Way, both, children, loudly};

const MANY: usize = 1000;
const AT_A_TIME: usize = 100;

/// Looks how late it is woken; what it has seen: how often, and how late at the most.
fn with_ticker<T>(f: impl FnOnce() -> T) -> (T, usize, Duration) {
    const PERIOD: Duration = Duration::from_micros(500);
    let seen = Rc::new(Cell::new((0, Duration::ZERO)));
    let theirs = Rc::clone(&seen);
    let ticker = spawn(move || {
        let mut last = Instant::now();
        loop {
            sleep(PERIOD);
            let late = last.elapsed().saturating_sub(PERIOD);
            last = Instant::now();
            let (ticks, longest) = theirs.get();
            theirs.set((ticks + 1, late.max(longest)));
        }
    });
    let value = f();
    ticker.kill().unwrap();
    assert!(ticker.join().is_err());
    let (ticks, longest) = seen.get();
    (value, ticks, longest)
}

fn short(way: Way) {
    let mut command = way.program("true");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_thousand_in_a_row() {
    in_children("scale::a_thousand_in_a_row", || {
        both(&|way| {
            let ((), ticks, longest) = with_ticker(|| (0..MANY).for_each(|_| short(way)));
            loudly(&format!(
                "{MANY} spawns in a row: the loop's longest stall was {longest:?}; \
                 another coroutine ran {ticks} times meanwhile"
            ));
            assert!(ticks > 0);
        });
        // What it would be if they were started on the loop, for comparison.
        let ((), _, longest) = with_ticker(|| {
            for _ in 0..MANY {
                let mut child = std::process::Command::new("true").spawn().unwrap();
                while child.try_wait().unwrap().is_none() {
                    sleep(Duration::from_micros(100));
                }
            }
        });
        loudly(&format!(
            "{MANY} spawns by std on the loop: the longest stall was {longest:?}"
        ));
        assert_eq!(children(), []);
    });
}

#[test]
fn a_hundred_at_a_time() {
    in_children("scale::a_hundred_at_a_time", || {
        both(&|way| {
            let ((), ticks, _) = with_ticker(|| {
                for _ in 0..2 {
                    let all: Vec<_> = (0..AT_A_TIME)
                        .map(|_| {
                            spawn(move || {
                                let mut command = way.program("cat");
                                let child = command.stdin(Stdio::piped()).stdout(Stdio::piped());
                                let child = child.spawn().unwrap();
                                child.communicate("hello").unwrap().stdout
                            })
                        })
                        .collect();
                    for one in all {
                        assert_eq!(one.join().unwrap(), b"hello");
                    }
                }
            });
            assert!(ticks > 0);
        });
        assert_eq!(children(), []);
    });
}

/// All alive before the first ends, and then dropped unwaited.
#[test]
fn a_hundred_that_nobody_waits_for() {
    in_children("scale::a_hundred_that_nobody_waits_for", || {
        both(&|way| {
            let mut inputs = Vec::new();
            for _ in 0..AT_A_TIME {
                let mut child = way.program("cat").stdin(Stdio::piped()).spawn().unwrap();
                inputs.push(child.stdin.take());
            }
            drop(inputs);
        });
        assert_eq!(children(), []);
    });
}
