//! Signals as something to wait for: each test in a process of its own.

mod support;

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::signals::{self, SIGINT, SIGTERM, STOP, Signals};
use eventlet_green::{JoinError, Wait, spawn, stats, timeout};
use signal_hook::low_level::raise;
use support::{in_children, until, until_parked};

#[test]
fn one_that_came_before() {
    in_children("one_that_came_before", || {
        let signals = Signals::new(&STOP).unwrap();
        raise(SIGTERM).unwrap();
        raise(SIGTERM).unwrap();
        assert_eq!(signals.wait().unwrap(), SIGTERM);
        let again = timeout(Duration::from_millis(1), || signals.wait().unwrap());
        assert!(again.unwrap_err().is_elapsed(), "several count once");
        raise(SIGINT).unwrap();
        assert_eq!(signals.wait().unwrap(), SIGINT);
    });
}

#[test]
fn one_that_comes_while_a_coroutine_waits() {
    in_children("one_that_comes_while_a_coroutine_waits", || {
        let waiter = spawn(|| Signals::new(&[SIGTERM]).unwrap().wait().unwrap());
        until_parked(&waiter);
        // From another thread, while this one is in the hub's wait.
        let sender = std::thread::spawn(|| raise(SIGTERM).unwrap());
        assert_eq!(waiter.join().unwrap(), SIGTERM);
        sender.join().unwrap();
    });
}

#[test]
fn both_of_two_sets_are_told() {
    in_children("both_of_two_sets_are_told", || {
        let sets = [0; 2].map(|_| Signals::new(&[SIGTERM]).unwrap());
        raise(SIGTERM).unwrap();
        for set in sets {
            assert_eq!(set.wait().unwrap(), SIGTERM);
        }
    });
}

#[test]
fn several_wait_on_one_set_and_are_told_in_turn() {
    in_children("several_wait_on_one_set_and_are_told_in_turn", || {
        let signals = Rc::new(Signals::new(&[SIGTERM, SIGINT]).unwrap());
        let order = Rc::new(RefCell::new(Vec::new()));
        let waiters: Vec<_> = (0..3)
            .map(|number| {
                let (signals, order) = (Rc::clone(&signals), Rc::clone(&order));
                let waiter = spawn(move || {
                    let signal = signals.wait().unwrap();
                    order.borrow_mut().push((number, signal));
                });
                until_parked(&waiter);
                waiter
            })
            .collect();
        assert_eq!(waiters[0].waits_for(), Wait::Signal);
        for signal in [SIGTERM, SIGINT, SIGTERM] {
            let told = order.borrow().len();
            raise(signal).unwrap();
            until(|| order.borrow().len() > told);
        }
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!(*order.borrow(), [(0, SIGTERM), (1, SIGINT), (2, SIGTERM)]);
    });
}

/// Two different ones at once: nobody sleeps over the second.
#[test]
fn two_at_once_are_for_two_waiters() {
    in_children("two_at_once_are_for_two_waiters", || {
        let signals = Rc::new(Signals::new(&STOP).unwrap());
        let waiters = [0; 2].map(|_| {
            let signals = Rc::clone(&signals);
            let waiter = spawn(move || signals.wait().unwrap());
            until_parked(&waiter);
            waiter
        });
        raise(SIGTERM).unwrap();
        raise(SIGINT).unwrap();
        let mut got = waiters.map(|waiter| waiter.join().unwrap());
        got.sort_unstable();
        assert_eq!(got, [SIGINT, SIGTERM]);
    });
}

#[test]
fn a_waiter_that_is_killed_leaves_its_place() {
    in_children("a_waiter_that_is_killed_leaves_its_place", || {
        let signals = Rc::new(Signals::new(&[SIGTERM]).unwrap());
        let waiters = [0; 3].map(|_| {
            let signals = Rc::clone(&signals);
            let waiter = spawn(move || signals.wait().unwrap());
            until_parked(&waiter);
            waiter
        });
        let [listens, stands, last] = waiters;
        // The one that listens for the bell, and one that stands in line.
        for victim in [listens, stands] {
            victim.kill().unwrap();
            assert!(matches!(victim.join(), Err(JoinError::Killed)));
        }
        raise(SIGTERM).unwrap();
        assert_eq!(last.join().unwrap(), SIGTERM);
        assert_eq!(signals.try_wait(), None);
    });
}

#[test]
fn a_time_limit() {
    in_children("a_time_limit", || {
        let signals = Rc::new(Signals::new(&[SIGTERM]).unwrap());
        let short = Duration::from_millis(1);
        assert_eq!(signals.wait_timeout(short).unwrap(), None);
        // While another one listens, too.
        let theirs = Rc::clone(&signals);
        let listens = spawn(move || theirs.wait().unwrap());
        until_parked(&listens);
        assert_eq!(signals.wait_timeout(short).unwrap(), None);
        raise(SIGTERM).unwrap();
        assert_eq!(listens.join().unwrap(), SIGTERM);
        raise(SIGTERM).unwrap();
        let patient = Duration::from_secs(3600);
        assert_eq!(signals.wait_timeout(patient).unwrap(), Some(SIGTERM));
        assert_eq!(signals.wait_timeout(Duration::ZERO).unwrap(), None);
    });
}

#[test]
fn one_that_has_come_is_taken_without_waiting() {
    in_children("one_that_has_come_is_taken_without_waiting", || {
        let signals = Signals::new(&[SIGTERM]).unwrap();
        assert_eq!(signals.try_wait(), None);
        raise(SIGTERM).unwrap();
        assert_eq!(signals.try_wait(), Some(SIGTERM));
        assert_eq!(signals.try_wait(), None);
        // Its ring is left, and is no signal.
        assert_eq!(
            signals.wait_timeout(Duration::from_millis(1)).unwrap(),
            None
        );
    });
}

#[test]
fn any_signal_that_can_be_handled() {
    in_children("any_signal_that_can_be_handled", || {
        let all = [
            libc::SIGHUP,
            libc::SIGQUIT,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGALRM,
            libc::SIGPIPE,
            libc::SIGCHLD,
            libc::SIGCONT,
            libc::SIGTSTP,
            libc::SIGWINCH,
            libc::SIGURG,
        ];
        let signals = Signals::new(&all).unwrap();
        for signal in all {
            raise(signal).unwrap();
            assert_eq!(signals.wait().unwrap(), signal);
        }
    });
}

#[test]
fn the_helpers_wait_for_what_ends_a_program() {
    in_children("the_helpers_wait_for_what_ends_a_program", || {
        for signal in STOP {
            let stop = spawn(signals::wait_for_stop);
            until_parked(&stop);
            raise(signal).unwrap();
            assert_eq!(stop.join().unwrap().unwrap(), signal);
        }
        let interrupted = spawn(signals::ctrl_c);
        until_parked(&interrupted);
        raise(SIGINT).unwrap();
        interrupted.join().unwrap().unwrap();
    });
}

#[test]
fn what_cannot_be_waited_for_is_refused() {
    in_children("what_cannot_be_waited_for_is_refused", || {
        for signal in [
            libc::SIGKILL,
            libc::SIGSTOP,
            libc::SIGSEGV,
            libc::SIGFPE,
            libc::SIGILL,
        ] {
            let error = Signals::new(&[SIGTERM, signal]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert!(Signals::new(&[100_000]).is_err());
        let none = Signals::new(&[]).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::InvalidInput);
        assert_eq!(stats().descriptors, 0);
    });
}

/// A stop and a continue interrupt the hub's wait (EINTR); nobody notices.
#[test]
fn a_stop_and_a_continue_are_survived() {
    in_children("a_stop_and_a_continue_are_survived", || {
        let listener = eventlet_green::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = spawn(move || listener.accept().map(drop));
        until_parked(&acceptor);
        let me = std::process::id();
        let script = format!("kill -STOP {me}; kill -CONT {me}");
        let mut shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .spawn()
            .unwrap();
        let waited = eventlet_green::offload(move || shell.wait().unwrap()).unwrap();
        assert!(waited.success());
        let client = eventlet_green::net::TcpStream::connect(address).unwrap();
        acceptor.join().unwrap().unwrap();
        drop(client);
    });
}
