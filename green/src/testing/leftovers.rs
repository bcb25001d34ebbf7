//! What a test has left behind in its thread's loop.
//!
//! Descriptors that are open without being registered are the business of
//! [`OpenFiles`](super::OpenFiles).

use std::fmt;
use std::time::Duration;

use eventlet_hub::Hub;
use eventlet_runloop::Task;

use super::open_files::describe_descriptor;
use crate::coroutine::{Coroutine, State};
use crate::inspect::Described;
use crate::scheduler;

/// How many of a kind a report names; of the rest it gives the number.
const LISTED: usize = 20;

/// What this thread's loop has: coroutines that have not ended, watchers that wait, timers that are
/// set, descriptors that are registered; each with what is known of it.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::Leftovers;
/// use eventlet_green::{sleep, spawn, yield_now};
/// use std::time::Duration;
///
/// let sleeper = spawn(|| sleep(Duration::from_secs(60)));
/// yield_now();
/// let left = Leftovers::now();
/// assert_eq!(left.coroutines().len(), 1);
/// assert!(left.to_string().contains("waits for the end of a sleep"));
/// sleeper.kill().unwrap();
/// drop(sleeper.join());
/// assert!(Leftovers::now().is_empty());
/// ```
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_green::testing::Leftovers;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let left = Leftovers::now();
/// assert_eq!((left.descriptors().len(), left.timers().len(), left.watchers().len()), (1, 0, 0));
/// drop(listener);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    coroutines: Vec<String>,
    watchers: Vec<String>,
    timers: Vec<String>,
    descriptors: Vec<String>,
}

impl Leftovers {
    /// What there is now.
    ///
    /// # Panics
    ///
    /// If no run loop can be made; see [`init`](crate::init).
    pub fn now() -> Self {
        scheduler::with(|scheduler| {
            let run_loop = &scheduler.run_loop;
            let coroutines = scheduler.live();
            let mut timers = run_loop.timers();
            timers.sort_by_key(|(deadline, _)| *deadline);
            let now = run_loop.now();
            let mut descriptors = run_loop.descriptors();
            descriptors.sort_unstable();
            Leftovers {
                coroutines: coroutines.iter().map(|one| coroutine(one)).collect(),
                watchers: scheduler
                    .watchers
                    .places()
                    .iter()
                    .map(|place| format!("a watcher, since {place}"))
                    .collect(),
                timers: timers
                    .iter()
                    .map(|(deadline, task)| timer(*deadline - now, &**task))
                    .collect(),
                descriptors: descriptors
                    .into_iter()
                    .map(|number| format!("descriptor {number}: {}", describe_descriptor(number)))
                    .collect(),
            }
        })
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.kinds().all(|kind| kind.is_empty())
    }

    fn kinds(&self) -> impl Iterator<Item = &Vec<String>> {
        let Leftovers {
            coroutines,
            watchers,
            timers,
            descriptors,
        } = self;
        [coroutines, watchers, timers, descriptors].into_iter()
    }

    /// The coroutines, the oldest first: name, number, spawn place, and what each waits for.
    pub fn coroutines(&self) -> &[String] {
        &self.coroutines
    }

    /// The [watchers](crate::Watcher) that wait: where each watch was begun.
    pub fn watchers(&self) -> &[String] {
        &self.watchers
    }

    /// The timers, the next to expire first: what each is for, and when it is due.
    pub fn timers(&self) -> &[String] {
        &self.timers
    }

    /// The registered descriptors: numbers, and what they are as far as the system tells.
    pub fn descriptors(&self) -> &[String] {
        &self.descriptors
    }
}

impl fmt::Display for Leftovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing is left behind");
        }
        f.write_str("left behind:")?;
        for kind in self.kinds() {
            for one in kind.iter().take(LISTED) {
                write!(f, "\n  {one}")?;
            }
            if kind.len() > LISTED {
                write!(f, "\n  and {} more of these", kind.len() - LISTED)?;
            }
        }
        Ok(())
    }
}

/// Fails unless this thread's loop has nothing left of what a test did. [`Harness`](super::Harness)
/// does this at the end of each test.
///
/// # Panics
///
/// If something is left; the message is [`Leftovers`]'.
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, testing::assert_nothing_is_left};
///
/// spawn(|| ()).join().unwrap();
/// assert_nothing_is_left();
/// ```
#[track_caller]
pub fn assert_nothing_is_left() {
    let left = Leftovers::now();
    assert!(left.is_empty(), "{left}");
}

fn coroutine(one: &Coroutine) -> String {
    let label = one.label();
    match one.state.get() {
        State::New => format!("{label} has not run yet"),
        State::Ready => format!("{label} is ready to go on"),
        State::Parked => format!("{label} waits for {}", one.wait.get()),
        state => format!("{label} is {state:?}"),
    }
}

fn timer(left: Duration, task: &dyn Task<Box<dyn Hub>>) -> String {
    format!("timer, due in {left:?}: {}", Described(task))
}
