//! A hub that does what a test tells it, a reporter that remembers, and a watchdog.
//!
//! The hub never blocks: a wait that would last for ever panics and says so, one with a timeout
//! moves the test's clock instead. Real hubs are in `descriptors.rs`.

#![allow(dead_code)] // Each test file uses its own share of this.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use eventlet_hub::{
    Capabilities, Event, Events, Hub, Interest, Readiness, Token, Trigger, WakeSource, Waker,
};
use eventlet_runloop::{Clock, Culprit, ManualClock, RunLoop, Time};

/// What a test sees of its hub, and how it steers it.
#[derive(Default)]
pub struct Script {
    /// Batches to report, one per wait.
    pub batches: RefCell<VecDeque<Vec<(Token, Readiness)>>>,
    /// Reported at every wait, before the rest.
    pub always: RefCell<Vec<Token>>,
    /// The timeouts of the waits so far.
    pub waits: RefCell<Vec<Option<Duration>>>,
    /// What the waits were to last until, where they were told.
    pub deadlines: RefCell<Vec<Instant>>,
    /// How many events the latest wait had room for.
    pub room: Cell<usize>,
    /// What is registered.
    pub tokens: RefCell<HashMap<Token, Vec<Interest>>>,
    /// Calls of any method that may fail, so far.
    pub calls: Cell<u32>,
    /// Which of those fails, and how.
    pub fail: Cell<Option<(u32, io::ErrorKind)>>,
    /// Moved forward by a wait with a timeout that nothing ends.
    pub clock: ManualClock,
    wake: RefCell<Option<WakeSource>>,
}

impl Script {
    pub fn push(&self, token: Token) {
        let batch = vec![(token, Readiness::READABLE)];
        self.batches.borrow_mut().push_back(batch);
    }

    /// The `n`-th call from now fails (counted from one).
    pub fn fail_after(&self, n: u32, kind: io::ErrorKind) {
        self.fail.set(Some((self.calls.get() + n, kind)));
    }

    fn step(&self) -> io::Result<()> {
        self.calls.set(self.calls.get() + 1);
        match self.fail.get() {
            Some((call, kind)) if call == self.calls.get() => {
                Err(io::Error::new(kind, "as the test ordered"))
            }
            _ => Ok(()),
        }
    }

    fn unknown(&self, token: Token) -> io::Result<()> {
        if self.tokens.borrow().contains_key(&token) {
            return Ok(());
        }
        Err(eventlet_hub::error::unknown_token(token))
    }
}

pub struct ScriptedHub(Rc<Script>);

impl Hub for ScriptedHub {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: Trigger::Level,
            regular_files: true,
            max_descriptor: None,
            tells_hang_up: true,
            tells_read_closed: true,
            tells_urgent: true,
        }
    }

    unsafe fn register(&mut self, _: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.0.step()?;
        self.0.tokens.borrow_mut().insert(token, Vec::new());
        Ok(())
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        self.0.step()?;
        self.0.unknown(token)?;
        let mut tokens = self.0.tokens.borrow_mut();
        tokens.entry(token).or_default().push(interest);
        Ok(())
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        let known = self.0.unknown(token);
        self.0.tokens.borrow_mut().remove(&token);
        self.0.step()?;
        known
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.0.waits.borrow_mut().push(timeout);
        events.clear();
        self.0.room.set(events.remaining());
        self.0.step()?;
        let batch = self.0.batches.borrow_mut().pop_front().unwrap_or_default();
        for &token in self.0.always.borrow().iter() {
            let readiness = Readiness::READABLE;
            events.push(Event { token, readiness });
        }
        for (token, readiness) in batch {
            events.push(Event { token, readiness });
        }
        if self.0.wake.borrow().as_ref().unwrap().acknowledge() {
            events.set_woken();
        }
        if events.is_empty() && !events.is_woken() {
            let timeout = timeout.expect("the test would wait for ever");
            self.0.clock.advance(timeout);
        }
        Ok(())
    }

    fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        self.0.deadlines.borrow_mut().push(deadline);
        self.wait(events, None)
    }

    fn waker(&self) -> Waker {
        self.0.wake.borrow().as_ref().unwrap().waker()
    }
}

/// A clock that runs only while the scripted hub waits.
pub struct WaitClock(ManualClock);

impl Clock for WaitClock {
    fn now(&self) -> Time {
        self.0.now()
    }
}

pub type Loop = RunLoop<ScriptedHub>;

/// A loop over a scripted hub, on a clock that the hub's waits and the test move.
pub fn scripted() -> (Loop, Rc<Script>) {
    let script = new_script();
    let clock = WaitClock(script.clock.clone());
    let run_loop = RunLoop::with_clock(ScriptedHub(script.clone()), clock);
    (run_loop, script)
}

/// The same with a clock of the test's choice.
pub fn scripted_with(clock: impl Clock + 'static) -> (Loop, Rc<Script>) {
    let script = new_script();
    (
        RunLoop::with_clock(ScriptedHub(script.clone()), clock),
        script,
    )
}

fn new_script() -> Rc<Script> {
    let script = Script::default();
    let wake = WakeSource::new().expect("a descriptor for the waker");
    *script.wake.borrow_mut() = Some(wake);
    Rc::new(script)
}

/// Some open descriptor, for hubs that do not look at it.
pub fn any_source() -> UnixStream {
    UnixStream::pair().expect("a pair of sockets").0
}

/// Notes what happens, in order.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    /// What was noted since the last time, in one line.
    #[track_caller]
    pub fn expect(&self, expected: &str) {
        let noted = self.0.take().join(" ");
        assert_eq!(noted, expected);
    }
}

/// Collects the reports of a loop.
pub fn reports<H: Hub>(run_loop: &RunLoop<H>) -> Rc<RefCell<Vec<(Culprit, String)>>> {
    let list = Rc::new(RefCell::new(Vec::new()));
    let into = list.clone();
    run_loop.set_panic_reporter(move |report| {
        into.borrow_mut()
            .push((report.culprit(), report.text().to_owned()));
    });
    list
}

/// Ends the process if the test is not done after a minute.
pub struct Watchdog(#[allow(dead_code)] mpsc::Sender<()>); // Held for its drop.

pub fn watchdog(test: &'static str) -> Watchdog {
    let (alive, dead) = mpsc::channel();
    std::thread::spawn(move || {
        const LIMIT: Duration = Duration::from_secs(60);
        if dead.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("test {test} hangs");
            std::process::abort();
        }
    });
    Watchdog(alive)
}

/// Runs a closure when dropped.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
