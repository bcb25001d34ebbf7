//! A record that logs while it is logged: allowed, but not without end.
//!
//! A value that is shown in a message may log in its `Display`, a sink may log what happens to it. Each
//! such record is made within another; one that never stops at that would overflow the stack.

use std::cell::RefCell;

use eventlet_green::current;

/// How many records one may be made within another, the outermost counted: more than code does that
/// means to, and few enough for a small stack.
pub const MAX_NESTED: usize = 4;

/// What stands for a thread without a loop, and for callbacks of one.
const NO_COROUTINE: u64 = u64::MAX;

thread_local! {
    /// Who is about to log, once for each record. Several coroutines may be: what a program shows of
    /// itself may wait.
    static LOGGING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The caller logs, until this is dropped.
pub(super) struct Within {
    who: u64,
}

impl Within {
    /// `None`: it is nested too deep. (On a thread whose locals are gone already, too.)
    pub(super) fn enter() -> Option<Self> {
        let who = current().map_or(NO_COROUTINE, |coroutine| coroutine.id());
        let entered = LOGGING.try_with(|logging| {
            let mut logging = logging.borrow_mut();
            if logging.iter().filter(|&&other| other == who).count() >= MAX_NESTED {
                return None;
            }
            logging.push(who);
            Some(Within { who })
        });
        entered.ok().flatten()
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        let _ = LOGGING.try_with(|logging| {
            let mut logging = logging.borrow_mut();
            if let Some(place) = logging.iter().rposition(|&other| other == self.who) {
                logging.swap_remove(place);
            }
        });
    }
}
