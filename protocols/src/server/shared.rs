//! What the connections of a server share: settings, buffers, who is open, the date, and whether it
//! stops.
//!
//! Accepting and stopping are the business of `serve`.

use std::cell::{Cell, Ref, RefCell};
use std::mem;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use eventlet_green::{Time, Timer, now, turn_time};
use http::HeaderMap;

use super::config::Config;
use super::flusher::Flusher;
use super::handler::Handler;
use super::input::Buffers;
use super::listening::Listener;
use super::registry::Registry;
use crate::wire::{DateCache, DateText, HeadSpace, write_ending};

/// A date is good for so long. It has whole seconds.
const FRESH: Duration = Duration::from_millis(5);

/// The largest table of fields that is used again: no larger than those of most requests.
const MOST_KEPT_FIELDS: usize = 64;

/// What the connections of a server share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) handler: Box<dyn Handler>,
    pub(super) buffers: Buffers,
    pub(super) registry: Rc<Registry>,
    pub(super) flusher: Flusher,
    /// For the head that is being read: held from a parse until its request is made of it, between which
    /// nobody waits.
    pub(super) space: RefCell<HeadSpace>,
    dated: RefCell<Dated>,
    /// When the date is to be looked at again.
    dated_until: Cell<Time>,
    /// Of a response that has its fields elsewhere.
    pub(super) no_fields: HeaderMap,
    pub(super) stopping: Cell<bool>,
    /// Those that are being served, to be closed by a stop.
    pub(super) listeners: RefCell<Vec<Listener>>,
    /// When those who are left at a stop are killed.
    pub(super) deadlines: RefCell<Vec<Timer>>,
}

impl Shared {
    pub(super) fn new(handler: Box<dyn Handler>, config: Config) -> Self {
        Shared {
            handler,
            buffers: Buffers::default(),
            registry: Rc::default(),
            flusher: Flusher::default(),
            space: RefCell::new(HeadSpace::for_many(config.log.is_some())),
            config,
            dated: RefCell::default(),
            dated_until: Cell::new(Time::ORIGIN),
            no_fields: HeaderMap::new(),
            stopping: Cell::new(false),
            listeners: RefCell::default(),
            deadlines: RefCell::default(),
        }
    }

    /// Whether an answer takes nothing but to be written: no time limit, no log, and the connection goes on.
    pub(super) fn may_answer_at_once(&self) -> bool {
        let config = &self.config;
        config.log.is_none()
            && config.exchange.is_none()
            && config.limits.requests.is_none()
            && !self.is_stopping()
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
    pub(super) fn reuse(&self, fields: &mut HeaderMap) {
        fields.clear();
        if fields.capacity() <= MOST_KEPT_FIELDS
            && let Ok(mut space) = self.space.try_borrow_mut()
        {
            mem::swap(&mut space.head.headers, fields);
        }
    }

    /// The date of now, or of [`FRESH`] ago: looking at the clock for each would be a part of what answers
    /// cost.
    pub(super) fn dated(&self) -> Ref<'_, Dated> {
        let time = turn_time();
        if time >= self.dated_until.get() {
            self.dated_until.set(time + FRESH);
            self.dated.borrow_mut().refresh(&self.config);
        }
        self.dated.borrow()
    }
}

/// What depends on the date.
#[derive(Default)]
pub(super) struct Dated {
    cache: DateCache,
    ending: Vec<u8>,
}

impl Dated {
    /// For a `Date` field or a log line.
    pub(super) fn date(&self) -> &DateText {
        self.cache.last()
    }

    /// How the heads of most responses end: see [`write_ending`].
    pub(super) fn ending(&self) -> &[u8] {
        &self.ending
    }

    fn refresh(&mut self, config: &Config) {
        let before = *self.cache.last();
        let date = self.cache.at(SystemTime::now());
        if self.ending.is_empty() || *date != before {
            self.ending.clear();
            let server = config.server.as_ref();
            write_ending(Some(date), server, config.names, &mut self.ending);
        }
    }
}
