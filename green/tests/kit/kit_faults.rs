//! The hub that fails as ordered: which call it is, how often, and what else it does meanwhile.

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use eventlet_green::net::{TcpListener, UdpSocket};
use eventlet_green::testing::{Given, Harness, HubCall, run, settle};
use eventlet_green::{Setup, sleep, stats};

fn short() -> io::Error {
    ErrorKind::OutOfMemory.into()
}

fn register() -> io::Result<UdpSocket> {
    UdpSocket::bind("127.0.0.1:0")
}

#[track_caller]
fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it is to panic");
    crate::support::text(&*payload).to_owned()
}

#[test]
fn the_nth_call_of_a_kind_fails_and_no_other() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        assert_eq!(stats().hub, given.hub());
        let before = faults.calls(HubCall::Register);
        faults.fail(HubCall::Register, 3, short);
        let outcomes: Vec<_> = (0..5).map(|_| register().is_ok()).collect();
        assert_eq!(outcomes, [true, true, false, true, true]);
        assert_eq!(faults.calls(HubCall::Register), before + 5);
        assert_eq!(faults.met(), 1);
        assert_eq!(stats().descriptors, 0);
    });
}

#[test]
fn a_removal_that_fails_has_removed_all_the_same() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        for _ in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            faults.fail(HubCall::Deregister, 1, short);
            let met = faults.met();
            drop(listener);
            assert_eq!((faults.met(), stats().descriptors), (met + 1, 0));
        }
    });
}

#[test]
fn whichever_comes_next() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let before = faults.all_calls();
        faults.fail_any(2, short);
        // Registered, and removed in vain.
        drop(register().unwrap());
        assert_eq!((faults.met(), faults.all_calls()), (1, before + 2));
        register().unwrap();
    });
}

#[test]
fn all_of_a_kind_until_it_is_whole_again() {
    Harness::new().failing().jumping().run(|given| {
        let faults = given.faults();
        faults.break_down(HubCall::Register, short);
        for _ in 0..3 {
            assert_eq!(register().unwrap_err().kind(), ErrorKind::OutOfMemory);
        }
        // Others are made as ever.
        let waits = faults.calls(HubCall::Wait);
        sleep(Duration::from_secs(3600));
        assert!(faults.calls(HubCall::Wait) > waits);
        faults.heal();
        register().unwrap();
        // A later order is the one that counts.
        faults.break_down(HubCall::Register, short);
        faults.fail(HubCall::Wait, 1, short);
        register().unwrap();
        assert_eq!(faults.met(), 3);
        let text = format!("{faults:?}");
        assert!(
            text.starts_with("HubFaults { calls: ") && text.contains("met: 3"),
            "{text}"
        );
    });
}

#[test]
fn an_error_may_be_made_of_what_the_test_knows() {
    Harness::new().failing().run(|given| {
        let (faults, inner) = (given.faults(), given.faults().clone());
        // It may even order the next one.
        faults.break_down(HubCall::Register, move || {
            inner.heal();
            io::Error::other("once")
        });
        assert_eq!(register().unwrap_err().to_string(), "once");
        register().unwrap();
        let inner = faults.clone();
        faults.fail(HubCall::Register, 1, move || {
            inner.fail(HubCall::Register, 1, short);
            io::Error::other("first")
        });
        assert_eq!(register().unwrap_err().to_string(), "first");
        assert_eq!(register().unwrap_err().kind(), ErrorKind::OutOfMemory);
        register().unwrap();
    });
}

#[test]
fn who_turns_the_loop_is_told() {
    Harness::new().failing().run(|given| {
        given.faults().fail(HubCall::Wait, 1, short);
        let text = panic_of(settle);
        assert_eq!(
            text,
            "the loop cannot be turned here: the hub cannot wait: out of memory"
        );
        settle();
    });
}

#[test]
fn what_cannot_be_ordered() {
    Harness::new().failing().default_hub().run(|given| {
        let text = panic_of(|| given.faults().fail(HubCall::Wait, 0, short));
        assert_eq!(text, "calls are counted from one");
    });
    Harness::new().default_hub().run(|given: &Given| {
        let text = panic_of(|| drop(given.faults().clone()));
        assert_eq!(
            text,
            "this test's hub does not fail as ordered: see Harness::failing"
        );
    });
    let text = panic_of(|| Harness::new().failing().hub("kqueuex").run(|_| ()));
    assert!(
        text.starts_with("no hub for the test: there is no hub \"kqueuex\""),
        "{text}"
    );
    run(|| assert!(Setup::new().hub("kqueuex").install().is_err()));
}
