//! What can be done in a destructor while a panic or a kill unwinds: all that does not have to wait.
//! What would have to gives an error at once, and nobody else runs meanwhile.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::support::{flood, on_each_hub, pair, until, until_parked};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{
    Interest, JoinError, ParkError, offload, sleep, spawn, stats, timeout, trampoline, yield_now,
};
use socket2::SockRef;

/// The size of a socket's buffers, where it is set.
const BUFFER: usize = 64 * 1024;

const HOUR: Duration = Duration::from_secs(3600);

/// Calls a function when it is dropped.
struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs `check` in a destructor: while a panic unwinds, while a kill does, and while a time limit
/// does. Each time it must run to its end, and nobody else meanwhile.
fn in_destructors(check: impl Fn() + 'static) {
    let check = Rc::new(check);
    let done = Rc::new(Cell::new(0));
    let start = |body: fn(Box<dyn Any>)| {
        let (check, done) = (Rc::clone(&check), Rc::clone(&done));
        let at_drop = AtDrop(move || {
            assert!(thread::panicking());
            let before = stats().switches;
            check();
            assert_eq!(stats().switches, before, "somebody else ran");
            done.set(done.get() + 1);
        });
        spawn(move || body(Box::new(at_drop)))
    };
    let panics = start(|_at_drop| panic!("on purpose"));
    assert!(matches!(panics.join(), Err(JoinError::Panicked(_))));
    assert_eq!(done.get(), 1);
    let killed = start(|_at_drop| sleep(HOUR));
    until_parked(&killed);
    killed.kill().unwrap();
    assert!(matches!(killed.join(), Err(JoinError::Killed)));
    assert_eq!(done.get(), 2);
    let late = start(|at_drop| {
        let outcome = timeout(Duration::ZERO, move || {
            let _at_drop = at_drop;
            sleep(HOUR);
        });
        assert!(outcome.unwrap_err().is_elapsed());
    });
    late.join().unwrap();
    assert_eq!(done.get(), 3);
}

/// Fails unless an error is the one for unwinding.
#[track_caller]
fn assert_unwinding<T>(outcome: io::Result<T>) {
    let error = outcome.err().expect("it would have had to wait");
    assert_eq!(error.kind(), ErrorKind::Other);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    assert!(matches!(inner, Some(ParkError::Unwinding)), "{error}");
}

#[test]
fn sleeping_and_yielding_return_at_once() {
    on_each_hub(|| {
        in_destructors(|| {
            sleep(HOUR);
            sleep(Duration::ZERO);
            yield_now();
            assert_eq!(stats().timers, 0);
        });
    });
}

#[test]
fn reading_what_is_there_works_and_waiting_does_not() {
    on_each_hub(|| {
        let (near, far) = pair();
        in_destructors(move || {
            (&far).write_all(b"x").unwrap();
            let mut byte = [0; 2];
            // The hub is not asked while unwinding, so what is there may not be known yet.
            while let Err(error) = (&near).read(&mut byte) {
                assert_unwinding::<()>(Err(error));
                if crate::support::sys::same_socket(&near)
                    .peek(&mut byte)
                    .is_ok()
                {
                    break;
                }
            }
            assert_unwinding((&near).read_exact(&mut [0; 2]));
        });
    });
}

#[test]
fn a_write_that_would_wait_is_refused() {
    on_each_hub(|| {
        let (near, far) = pair();
        // Buffers that the kernel does not enlarge meanwhile: what is in them stays in them.
        SockRef::from(&near).set_send_buffer_size(BUFFER).unwrap();
        SockRef::from(&far).set_recv_buffer_size(BUFFER).unwrap();
        in_destructors(move || assert_unwinding((&near).write_all(&flood())));
    });
}

#[test]
fn accepting_and_foreign_descriptors_are_refused() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (reader, _writer) = io::pipe().unwrap();
        in_destructors(move || {
            assert_unwinding(listener.accept());
            assert_unwinding(trampoline(&reader, Interest::READABLE, None));
            assert_unwinding(offload(|| ()));
            assert_unwinding(TcpStream::connect(("localhost", 1)));
        });
    });
}

#[test]
fn a_join_is_refused_and_the_other_goes_on() {
    on_each_hub(|| {
        let ends = Rc::new(Cell::new(0));
        let counted = Rc::clone(&ends);
        in_destructors(move || {
            let counted = Rc::clone(&counted);
            // Spawning does not wait.
            let other = spawn(move || counted.set(counted.get() + 1));
            let outcome = other.join();
            assert!(matches!(
                outcome,
                Err(JoinError::Refused(ParkError::Unwinding))
            ));
        });
        until(|| ends.get() == 3);
    });
}

#[test]
fn a_catch_unwind_within_a_destructor_changes_nothing() {
    on_each_hub(|| {
        in_destructors(|| {
            let caught = catch_unwind(|| panic!("within the destructor"));
            assert!(caught.is_err());
            assert!(thread::panicking(), "the outer one goes on");
            let waited = catch_unwind(AssertUnwindSafe(|| sleep(HOUR)));
            assert!(waited.is_ok());
            let limited = timeout(Duration::ZERO, || sleep(HOUR));
            assert_eq!(limited, Ok(()));
        });
    });
}

#[test]
fn a_kill_of_another_is_noted_and_done_later() {
    on_each_hub(|| {
        let victim = spawn(|| sleep(HOUR));
        until_parked(&victim);
        let kept = Rc::new(Cell::new(Some(victim)));
        let theirs = Rc::clone(&kept);
        in_destructors(move || {
            if let Some(victim) = theirs.take() {
                let _ = victim.kill().unwrap();
                theirs.set(Some(victim));
            }
        });
        assert!(matches!(
            kept.take().unwrap().join(),
            Err(JoinError::Killed)
        ));
    });
}

#[test]
fn the_root_stack_unwinds_likewise() {
    on_each_hub(|| {
        let outcome = catch_unwind(|| {
            let _at_drop = AtDrop(|| {
                sleep(HOUR);
                assert_unwinding(offload(|| ()));
            });
            panic!("on the root stack, on purpose");
        });
        assert!(outcome.is_err());
        sleep(Duration::from_nanos(1));
    });
}

#[test]
fn the_panic_count_is_nobody_elses() {
    on_each_hub(|| {
        let broken: Vec<_> = (0..100).map(|_| spawn(|| panic!("one of many"))).collect();
        let calm = spawn(|| {
            for _ in 0..100 {
                assert!(!thread::panicking());
                yield_now();
            }
        });
        calm.join().unwrap();
        for handle in broken {
            assert!(handle.join().is_err());
        }
        assert!(!thread::panicking());
    });
}
