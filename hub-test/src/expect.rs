//! Expectations of a hub: tolerant of spurious reports, exact about missing ones.
//!
//! A [`Watch`] is a hub with its sources and a batch. Its `expect_…` functions wait until what must
//! come has come, and say what came instead if the subject's patience is over.

use std::fs::File;
use std::time::{Duration, Instant};

use eventlet_hub::{
    Capabilities, Events, Hub, Interest, Readiness, Source, Sources, Token, Trigger,
};

use crate::Subject;

/// A hub being watched by a test.
pub(crate) struct Watch<S = File> {
    pub(crate) sources: Sources<Box<dyn Hub>, S>,
    pub(crate) events: Events,
    patience: Duration,
}

impl<S: Source> Watch<S> {
    pub(crate) fn new(subject: &Subject) -> Self {
        Self::with_capacity(subject, Events::DEFAULT_CAPACITY)
    }

    pub(crate) fn with_capacity(subject: &Subject, capacity: usize) -> Self {
        Watch {
            sources: subject.sources(),
            events: Events::with_capacity(capacity),
            patience: subject.patience(),
        }
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.sources.capabilities()
    }

    /// Whether what is armed is reported again while it is ready, and only what is armed.
    pub(crate) fn is_level(&self) -> bool {
        self.capabilities().trigger != Trigger::Edge
    }

    #[track_caller]
    pub(crate) fn add(&mut self, source: S) -> Token {
        self.sources.register(source).expect("register")
    }

    #[track_caller]
    pub(crate) fn arm(&mut self, token: Token, interest: Interest) {
        self.sources.arm(token, interest).expect("arm");
    }

    /// One wait. Returns what was reported of live registrations.
    #[track_caller]
    pub(crate) fn wait(&mut self, timeout: Duration) -> Vec<(Token, Readiness)> {
        self.sources
            .wait(&mut self.events, Some(timeout))
            .expect("wait");
        self.sources
            .ready(&self.events)
            .map(|(token, _, readiness)| (token, readiness))
            .collect()
    }

    /// One wait until a point in time. Returns what was reported of live registrations.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, deadline: Instant) -> Vec<(Token, Readiness)> {
        self.sources
            .wait_until(&mut self.events, deadline)
            .expect("wait_until");
        self.sources
            .ready(&self.events)
            .map(|(token, _, readiness)| (token, readiness))
            .collect()
    }

    /// Arms, and waits until `token` was reported with all of `wanted`. Returns every fact that was
    /// reported of it meanwhile.
    #[track_caller]
    pub(crate) fn expect(
        &mut self,
        token: Token,
        interest: Interest,
        wanted: Readiness,
    ) -> Readiness {
        self.arm(token, interest);
        let end = Instant::now() + self.patience;
        let mut seen = Readiness::NONE;
        loop {
            for (reported, readiness) in self.wait(end.saturating_duration_since(Instant::now())) {
                if reported == token {
                    seen |= readiness;
                }
            }
            if seen.contains(wanted) {
                return seen;
            }
            assert!(
                Instant::now() < end,
                "{token:?} was never reported {wanted:?}; reported was {seen:?}"
            );
            self.arm(token, interest);
        }
    }

    #[track_caller]
    pub(crate) fn expect_readable(&mut self, token: Token) -> Readiness {
        self.expect(token, Interest::READABLE, Readiness::READABLE)
    }

    #[track_caller]
    pub(crate) fn expect_writable(&mut self, token: Token) -> Readiness {
        self.expect(token, Interest::WRITABLE, Readiness::WRITABLE)
    }

    /// Looks several times and finds `unwanted` reported of `token` in none of the batches.
    #[track_caller]
    pub(crate) fn expect_not(&mut self, token: Token, unwanted: Readiness) {
        const LOOKS: usize = 3;
        for _ in 0..LOOKS {
            for (reported, readiness) in self.wait(Duration::ZERO) {
                assert!(
                    reported != token || !readiness.contains(unwanted),
                    "{token:?} was reported {readiness:?}"
                );
            }
        }
    }

    /// Takes what an edge-triggered hub reports of a fresh registration out of the way.
    #[track_caller]
    pub(crate) fn settle(&mut self) {
        const LOOKS: usize = 100;
        for _ in 0..LOOKS {
            if self.wait(Duration::ZERO).is_empty() {
                return;
            }
        }
        panic!("the hub reports without end: {:?}", self.events);
    }

    /// Waits until a waker ended a wait.
    #[track_caller]
    pub(crate) fn expect_woken(&mut self) {
        let end = Instant::now() + self.patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            self.wait(left);
            if self.events.is_woken() {
                return;
            }
            assert!(Instant::now() < end, "the wake-up was lost");
        }
    }
}
