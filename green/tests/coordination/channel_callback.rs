//! In a callback of the run loop a channel and a selection do what needs no waiting, and refuse the
//! rest. Programs get there by a hub or a clock of their own making only.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::channel::{
    JoinTasksError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, bounded, rendezvous,
};
use eventlet_green::testing::on_fresh_thread;
use eventlet_green::{ParkError, Setup, select, sleep, spawn, try_select};
use eventlet_runloop::{Clock, Monotonic, Time};

const SECOND: Duration = Duration::from_secs(1);

type Callback = Option<Box<dyn FnOnce()>>;

/// Calls something, once, when the loop asks for the time.
struct Caller {
    real: Monotonic,
    callback: Rc<Cell<Callback>>,
}

impl Clock for Caller {
    fn now(&self) -> Time {
        // In a callback nobody runs; a coroutine and the root stack have a number.
        if catch_unwind(eventlet_green::current_id).is_err()
            && let Some(callback) = self.callback.take()
        {
            callback();
        }
        self.real.now()
    }
}

#[test]
fn what_needs_no_waiting_is_done_and_the_rest_refused() {
    on_fresh_thread(|| {
        let _watchdog = crate::support::Watchdog::new("default");
        std::panic::set_hook(Box::new(|_| {}));
        let callback = Rc::new(Cell::new(Callback::None));
        let clock = Caller {
            real: Monotonic::new(),
            callback: Rc::clone(&callback),
        };
        Setup::new().clock(clock).install().unwrap();
        let (answers, answer) = rendezvous();
        let waiting = spawn(move || answer.recv().unwrap());
        crate::support::until_parked(&waiting);
        callback.set(Some(Box::new(move || {
            let (sender, receiver) = bounded(1);
            sender.send(1).unwrap();
            let error = sender.send(2).unwrap_err();
            assert!(matches!(
                error,
                SendError::Refused(2, ParkError::InCallback)
            ));
            let error = sender.send_timeout(3, SECOND).unwrap_err();
            assert!(matches!(
                error,
                SendTimeoutError::Refused(3, ParkError::InCallback)
            ));
            let error = sender.join().unwrap_err();
            assert!(matches!(
                error,
                JoinTasksError::Refused(ParkError::InCallback)
            ));
            assert_eq!(receiver.recv().unwrap(), 1);
            let error = receiver.recv().unwrap_err();
            assert!(matches!(error, RecvError::Refused(ParkError::InCallback)));
            let error = receiver.recv_timeout(SECOND).unwrap_err();
            assert!(matches!(
                error,
                RecvTimeoutError::Refused(ParkError::InCallback)
            ));
            let mut receiving = receiver.receiving();
            assert_eq!(try_select(&mut [&mut receiving]), None);
            let refused = select(&mut [&mut receiving]);
            assert!(matches!(refused, Err(ParkError::InCallback)));
            assert_eq!(sender.balance(), 0);
            // Somebody waits, so this needs no waiting either.
            answers.send("from a callback").unwrap();
        })));
        sleep(Duration::from_nanos(1));
        assert!(callback.take().is_none(), "it was called");
        assert_eq!(waiting.join().unwrap(), "from a callback");
        crate::support::assert_nothing_is_left();
    });
}
