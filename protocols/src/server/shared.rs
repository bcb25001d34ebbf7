//! What the connections of a server share: settings, buffers, who is open, the date, and whether it
//! stops.
//!
//! Accepting and stopping are the business of `serve`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::SystemTime;

use eventlet_green::{Time, Timer, now, turn_count};
use http::HeaderMap;

use super::config::Config;
use super::flusher::Flusher;
use super::handler::Handler;
use super::input::Buffers;
use super::listening::Listener;
use super::registry::Registry;
use crate::wire::{DateCache, DateText, RequestHead};

/// The largest table of fields that is used again: no larger than those of most requests.
const MOST_KEPT_FIELDS: usize = 64;

/// What the connections of a server share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) handler: Box<dyn Handler>,
    pub(super) buffers: Buffers,
    pub(super) registry: Rc<Registry>,
    pub(super) flusher: Flusher,
    /// The one that is being read: held from a parse until its request is made of it, between which
    /// nobody waits.
    pub(super) head: RefCell<RequestHead>,
    dates: RefCell<DateCache>,
    /// The turn of the run loop that the date was taken in.
    dated: Cell<Option<u64>>,
    pub(super) stopping: Cell<bool>,
    /// Those that are being served, to be closed by a stop.
    pub(super) listeners: RefCell<Vec<Listener>>,
    /// When those who are left at a stop are killed.
    pub(super) deadlines: RefCell<Vec<Timer>>,
}

impl Shared {
    pub(super) fn new(handler: Box<dyn Handler>, config: Config) -> Self {
        Shared {
            config,
            handler,
            buffers: Buffers::default(),
            registry: Rc::default(),
            flusher: Flusher::default(),
            head: RefCell::new(RequestHead::blank()),
            dates: RefCell::default(),
            dated: Cell::new(None),
            stopping: Cell::new(false),
            listeners: RefCell::default(),
            deadlines: RefCell::default(),
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Cancels what a stop has put off, once there is nobody left to kill.
    pub(super) fn forget_deadlines_if_done(&self) {
        if self.is_stopping() && self.registry.status().open == 0 {
            for deadline in self.deadlines.borrow_mut().drain(..) {
                deadline.cancel();
            }
        }
    }

    /// Until when a connection may rest that begins to rest now.
    pub(super) fn idle_until(&self) -> Time {
        now() + self.config.idle
    }

    /// Takes a table of fields that nobody needs any more, for the next request's.
    pub(super) fn reuse(&self, mut fields: HeaderMap) {
        fields.clear();
        if fields.capacity() <= MOST_KEPT_FIELDS
            && let Ok(mut head) = self.head.try_borrow_mut()
        {
            head.headers = fields;
        }
    }

    /// The date of now, for a `Date` field or a log line. The clock is read once a turn of the run
    /// loop: between two looks at the sockets.
    pub(super) fn with_date<T>(&self, f: impl FnOnce(&DateText) -> T) -> T {
        let mut dates = self.dates.borrow_mut();
        let turn = turn_count();
        if self.dated.replace(Some(turn)) != Some(turn) {
            dates.at(SystemTime::now());
        }
        f(dates.last())
    }
}
