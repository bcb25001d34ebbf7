//! Trying again after pauses, where the kernel says that it would have to wait and does not report when
//! it would not any more: Unix sockets whose queue is full, and nothing else.

use std::io;
use std::rc::Rc;

use eventlet_hub::Source;
use eventlet_hub::fd::RawFd;

use super::errors::timed_out;
use super::{Direction, Pauses, Watched, deadline_of};
use crate::coroutine::Wait;
use crate::now::now;

impl<S: Source + 'static> Watched<S> {
    /// An operation for which the kernel says `WouldBlock`, but does not report when it would not
    /// any more: tried again after pauses.
    pub(crate) fn exchange_pausing<T>(
        self: &Rc<Self>,
        direction: Direction,
        wait: fn(RawFd) -> Wait,
        mut pauses: Pauses,
        mut operation: impl FnMut(&S) -> io::Result<T>,
    ) -> io::Result<T> {
        crate::scheduler::with(crate::scheduler::Scheduler::spend_credit);
        let mut deadline = None;
        loop {
            match operation(self.source()?) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => return outcome,
            }
            let deadline = *deadline.get_or_insert_with(|| deadline_of(self.limit(direction)));
            let until = now() + pauses.next();
            let until = match deadline {
                Some(deadline) if deadline <= now() => return Err(timed_out(direction.interest())),
                Some(deadline) => deadline.min(until),
                None => until,
            };
            self.pause(direction, wait, until)?;
        }
    }
}
