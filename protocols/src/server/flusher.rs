//! Sending for many at once: answers that were made in the same turn go out one after another.
//!
//! Handling a request and sending its answer are two large pieces of code, the server's and the
//! kernel's, and going back and forth between them for every request keeps throwing each out of the
//! processor's caches. So what is ready is announced here, and sent when those who are ready now have
//! had their turn, or earlier, when it has become many or takes long. It is also what sends an answer
//! while the handler of the next, pipelined request waits for something.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{Callback, now, turn_time};

use super::link::Link;
use super::rest::Resting;
use super::shared::Shared;

/// So many connections are sent for at once; with more, the first would wait too long.
const MANY: usize = 64;

/// An answer is not held back longer than this from the beginning of the turn, and the time that the
/// next [`LOOK`] take to be made.
const LONG: Duration = Duration::from_micros(200);

/// The clock is read for every so many answers: for each, it would be a part of what they cost.
const LOOK: usize = 4;

/// Who has something ready to be sent.
#[derive(Default)]
pub(super) struct Flusher {
    announced: RefCell<Vec<Announced>>,
    callback: OnceCell<Callback>,
}

enum Announced {
    /// It has nothing more to do.
    Done(Rc<Resting>),
    /// It is about to handle another request.
    Busy(Rc<Link>),
}

impl Flusher {
    /// Has `flush` called when those who are ready have had their turn: it is to call
    /// [`send_all`](Self::send_all).
    pub(super) fn flush_with(&self, flush: impl Fn() + 'static) {
        self.callback.get_or_init(|| Callback::new(flush));
    }

    /// Sends what is ready for a connection that has nothing more to do, and lets it rest.
    pub(super) fn settle_soon(&self, shared: &Shared, connection: Rc<Resting>) {
        let count = self.enter(Announced::Done(connection));
        let is_long = || now() - turn_time() >= LONG;
        if count >= MANY || count.is_multiple_of(LOOK) && is_long() {
            self.send_all(shared);
        }
    }

    /// The same for one that took no time to speak of: the clock is not read for its sake.
    pub(super) fn settle_quickly(&self, shared: &Shared, connection: Rc<Resting>) {
        if self.enter(Announced::Done(connection)) >= MANY {
            self.send_all(shared);
        }
    }

    /// Sends what is ready for a connection that goes on with something else.
    pub(super) fn announce(&self, link: &Rc<Link>) {
        if !link.is_announced.replace(true) {
            self.enter(Announced::Busy(Rc::clone(link)));
        }
    }

    /// Says how many there are now.
    fn enter(&self, who: Announced) -> usize {
        let mut announced = self.announced.borrow_mut();
        announced.push(who);
        if let (1, Some(callback)) = (announced.len(), self.callback.get()) {
            callback.schedule();
        }
        announced.len()
    }

    /// Sends what is ready, without waiting for anybody; then those rest who have nothing more to do.
    /// They do so together, since the clock need be read but once for them.
    pub(super) fn send_all(&self, shared: &Shared) {
        let mut all = self.announced.take();
        all.retain(|announced| match announced {
            Announced::Done(connection) => connection.send(),
            Announced::Busy(link) => {
                link.is_announced.set(false);
                // If it fails, or there is no room, its coroutine finds out.
                let _ = link.try_flush();
                false
            }
        });
        if !all.is_empty() {
            let until = shared.idle_until();
            for announced in all.drain(..) {
                if let Announced::Done(connection) = announced {
                    connection.rest(until);
                }
            }
        }
        // The memory is used again, unless others have come meanwhile.
        let mut announced = self.announced.borrow_mut();
        if announced.is_empty() {
            *announced = all;
        }
    }
}
