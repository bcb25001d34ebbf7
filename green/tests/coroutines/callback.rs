//! Code that the run loop calls has no stack to park on: what would have to wait is refused.
//!
//! Programs get there by a hub or a clock of their own making only.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::sync::{Event, Semaphore};
use eventlet_green::testing::on_fresh_thread;
use eventlet_green::{JoinError, ParkError, Setup, offload, sleep, spawn, yield_now};
use eventlet_runloop::{Clock, Monotonic, Time};

/// Tries to wait whenever the loop asks for the time.
struct Meddler {
    real: Monotonic,
    enabled: Rc<Cell<bool>>,
    refused: Rc<Cell<u32>>,
}

impl Clock for Meddler {
    fn now(&self) -> Time {
        // In a callback nobody runs; a coroutine and the root stack have a number.
        let in_callback = self.enabled.get() && catch_unwind(eventlet_green::current_id).is_err();
        if in_callback {
            self.enabled.set(false);
            assert!(catch_unwind(yield_now).is_err());
            let outcome = offload(|| ());
            assert_eq!(outcome.unwrap_err().kind(), std::io::ErrorKind::Unsupported);
            let other = spawn(|| ());
            let joined = other.join();
            assert!(matches!(
                joined,
                Err(JoinError::Refused(ParkError::InCallback))
            ));
            // What does not have to wait works; what does gives its permit, its place, nothing up.
            let seats = Semaphore::new(1);
            let held = seats.try_acquire().unwrap();
            assert!(matches!(seats.acquire(), Err(ParkError::InCallback)));
            drop(held);
            assert_eq!((seats.free(), seats.waiting()), (1, 0));
            let event = Event::new();
            assert!(event.wait().is_err());
            event.send(7).unwrap();
            assert_eq!(event.wait().unwrap(), 7);
            self.enabled.set(true);
            self.refused.set(self.refused.get() + 1);
        }
        self.real.now()
    }
}

#[test]
fn waiting_is_refused() {
    on_fresh_thread(|| {
        let _watchdog = crate::support::Watchdog::new("default");
        std::panic::set_hook(Box::new(|_| {}));
        let refused = Rc::new(Cell::new(0));
        let enabled = Rc::new(Cell::new(false));
        let clock = Meddler {
            real: Monotonic::new(),
            enabled: Rc::clone(&enabled),
            refused: Rc::clone(&refused),
        };
        Setup::new().clock(clock).install().unwrap();
        enabled.set(true);
        sleep(Duration::from_nanos(1));
        enabled.set(false);
        assert!(refused.get() > 0);
        // What was spawned there runs like any other.
        yield_now();
        crate::support::assert_nothing_is_left();
    });
}
