//! `supervisor`: a program that fails and is started again, one that ends well, and one that is
//! asked to end.

use crate::support::{Program, assert_refusal, under_each_hub};

/// Without the number of the process.
fn said(line: &str) -> &str {
    line.split_once("] ").map_or(line, |(_, said)| said)
}

#[test]
fn a_program_that_fails_is_started_again() {
    under_each_hub("supervisor", "a_program_that_fails", |hub| {
        let mut program = Program::start("supervisor", hub, &["sh", "-c", "echo one; exit 3"]);
        for pause in ["100ms", "200ms"] {
            assert_eq!(said(&program.line()), "started");
            assert_eq!(said(&program.line()), "out: one");
            assert_eq!(said(&program.line()), "ended: exit status: 3");
            assert_eq!(program.line(), format!("starting it again in {pause}"));
        }
        program.signal("INT");
        program.end();
    });
}

#[test]
fn a_program_that_ends_well_is_the_end() {
    under_each_hub("supervisor", "a_program_that_ends_well", |hub| {
        let program = Program::start("supervisor", hub, &["sh", "-c", "echo problem >&2"]);
        let lines = program.end();
        let lines: Vec<_> = lines.iter().map(|line| said(line)).collect();
        assert_eq!(lines, ["started", "err: problem", "ended: exit status: 0"]);
    });
}

#[test]
fn a_program_is_asked_to_end() {
    under_each_hub("supervisor", "a_program_is_asked_to_end", |hub| {
        let script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
        let mut program = Program::start("supervisor", hub, &["sh", "-c", script]);
        assert_eq!(said(&program.line()), "started");
        assert_eq!(said(&program.line()), "out: ready");
        program.signal("TERM");
        program.end();
    });
}

#[test]
fn what_cannot_be_done_is_one_line() {
    under_each_hub("supervisor", "what_cannot_be_done", |hub| {
        assert_refusal("supervisor", hub, &[], "usage: supervisor PROGRAM");
        assert_refusal(
            "supervisor",
            hub,
            &["no-such-program-here"],
            "cannot start no-such-program-here",
        );
    });
}
