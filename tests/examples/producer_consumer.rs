//! `producer_consumer`: what was produced is done, at its own end and at Ctrl-C.

use crate::support::{Program, assert_refusal, under_each_hub};

/// How many were produced; done by as many workers as there are, all of them.
fn assert_all_done(lines: &[String]) -> u64 {
    let number = |line: &str| line.split(' ').next().unwrap().parse::<u64>().unwrap();
    let produced = number(lines[0].strip_suffix(" produced").unwrap());
    let done = lines
        .iter()
        .filter(|line| line.contains(" done by worker "));
    let done: Vec<_> = done.map(|line| number(line)).collect();
    assert_eq!(done.len(), 4);
    assert_eq!(done.iter().sum::<u64>(), produced);
    let sum = produced * (produced + 1);
    assert_eq!(*lines.last().unwrap(), format!("sum {sum}, expected {sum}"));
    produced
}

#[test]
fn does_all_its_jobs() {
    under_each_hub("producer_consumer", "does_all_its_jobs", |hub| {
        for count in [0, 1, 100] {
            let mut program = Program::start("producer_consumer", hub, &[&count.to_string()]);
            assert_eq!(program.line(), "at work");
            assert_eq!(assert_all_done(&program.end()), count);
        }
    });
}

#[test]
fn a_signal_ends_it_with_all_done_that_was_queued() {
    const ENDLESS: &str = "1000000000";
    under_each_hub(
        "producer_consumer",
        "a_signal_ends_it_with_all_done_that_was_queued",
        |hub| {
            for signal in ["INT", "TERM"] {
                let mut program = Program::start("producer_consumer", hub, &[ENDLESS]);
                assert_eq!(program.line(), "at work");
                program.signal(signal);
                assert!(assert_all_done(&program.end()) < 1_000_000_000);
            }
        },
    );
}

#[test]
fn a_number_that_is_none_is_refused() {
    under_each_hub(
        "producer_consumer",
        "a_number_that_is_none_is_refused",
        |hub| {
            assert_refusal("producer_consumer", hub, &["-1"], "-1");
            assert_refusal("producer_consumer", "kq", &[], "EVENTLET_HUB");
        },
    );
}
