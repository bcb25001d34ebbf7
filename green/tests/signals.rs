//! Signals as something to wait for: each test in a process of its own.

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use eventlet_green::signals::{SIGINT, SIGTERM, STOP, Signals};
use eventlet_green::{spawn, stats, timeout};
use signal_hook::low_level::raise;
use support::{in_children, until_parked};

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
fn a_waiter_that_is_killed_leaves_its_place() {
    in_children("a_waiter_that_is_killed_leaves_its_place", || {
        let signals = std::rc::Rc::new(Signals::new(&[SIGTERM]).unwrap());
        let theirs = std::rc::Rc::clone(&signals);
        let waiter = spawn(move || theirs.wait().map(drop));
        until_parked(&waiter);
        assert_eq!(signals.wait().unwrap_err().kind(), ErrorKind::ResourceBusy);
        waiter.kill().unwrap();
        waiter.join().map(drop).unwrap_err();
        raise(SIGTERM).unwrap();
        assert_eq!(signals.wait().unwrap(), SIGTERM);
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
