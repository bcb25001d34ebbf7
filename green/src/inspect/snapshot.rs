//! All that a thread's run loop has, at one moment: every coroutine with what it waits for, the timers,
//! the descriptors, and the counts. For a look at a running program: a console, a signal, a test that hangs.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use eventlet_hub::Hub;
use eventlet_hub::fd::RawFd;
use eventlet_runloop::{Task, Time};

use crate::coroutine::{Coroutine, State, Wait};
use crate::inspect::stats::{Stats, stats};
use crate::scheduler;
use crate::sys::fiber;

/// How many timers, and descriptors, the table shows; of the rest it gives the number.
const LISTED: usize = 20;

/// What this thread's run loop has now.
///
/// Costs time linear in the number of coroutines, about a system call each (how much memory the
/// stack has), and in that of timers and descriptors. Nobody is disturbed, and what is given does not change later.
///
/// # Panics
///
/// If no run loop can be made; see [`init`](crate::init).
///
/// # Examples
///
/// ```
/// use eventlet_green::{Builder, Wait, sleep, snapshot, yield_now};
/// use std::time::Duration;
///
/// let sleeper = Builder::new().name("sleeper").spawn(|| sleep(Duration::from_millis(1)))?;
/// yield_now();
/// let now = snapshot();
/// let seen = now.coroutine(sleeper.id()).unwrap();
/// assert_eq!(seen.name(), Some("sleeper"));
/// assert_eq!(seen.wait(), Wait::Sleep);
/// println!("{now}");
/// sleeper.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn snapshot() -> Snapshot {
    scheduler::with(|scheduler| {
        let run_loop = &scheduler.run_loop;
        let now = run_loop.now();
        let mut coroutines: Vec<_> = scheduler
            .all()
            .iter()
            .map(|coroutine| CoroutineInfo::new(coroutine, now))
            .collect();
        coroutines.sort_unstable_by_key(|coroutine| coroutine.id);
        let mut timers: Vec<_> = run_loop
            .timers()
            .iter()
            .map(|(deadline, task)| TimerInfo {
                deadline: *deadline,
                left: *deadline - now,
                what: Described(&**task).to_string(),
            })
            .collect();
        timers.sort_by_key(|timer| timer.deadline);
        let mut descriptors = run_loop.descriptors();
        descriptors.sort_unstable();
        Snapshot {
            stats: stats(),
            taken: now,
            coroutines,
            timers,
            descriptors,
        }
    })
}

/// What [`snapshot`] found. [`Display`](fmt::Display) shows it as a table.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Snapshot, sleep, snapshot, spawn, yield_now};
/// use std::time::Duration;
///
/// let sleeper = spawn(|| sleep(Duration::from_secs(60)));
/// yield_now();
/// let now: Snapshot = snapshot();
/// assert_eq!(now.coroutines().len(), 2, "the root stack, and the sleeper");
/// assert_eq!((now.timers().len(), now.descriptors().len()), (1, 0));
/// assert!(now.stats().switches > 0 && now.taken() >= eventlet_runloop::Time::ORIGIN);
/// # sleeper.kill().unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    stats: Stats,
    taken: Time,
    coroutines: Vec<CoroutineInfo>,
    timers: Vec<TimerInfo>,
    descriptors: Vec<RawFd>,
}

impl Snapshot {
    /// How many timers and descriptors there are, and how many turns, events, switches and wake-ups
    /// there have been.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// When it was taken, by the loop's clock.
    pub fn taken(&self) -> Time {
        self.taken
    }

    /// The timers that are set, the next to expire first.
    pub fn timers(&self) -> &[TimerInfo] {
        &self.timers
    }

    /// The numbers of the descriptors that are registered, in order. What somebody waits for on one
    /// is told by who [waits](CoroutineInfo::wait).
    pub fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    /// The root stack, which has the id 0, and every coroutine that has not finished, by id.
    pub fn coroutines(&self) -> &[CoroutineInfo] {
        &self.coroutines
    }

    /// The coroutine with this id.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{snapshot, spawn};
    ///
    /// let job = spawn(|| ());
    /// assert!(snapshot().coroutine(job.id()).is_some());
    /// let number = job.id();
    /// job.join().unwrap();
    /// assert!(snapshot().coroutine(number).is_none(), "it has finished");
    /// ```
    pub fn coroutine(&self, id: u64) -> Option<&CoroutineInfo> {
        let found = self
            .coroutines
            .binary_search_by_key(&id, |coroutine| coroutine.id);
        found.ok().map(|index| &self.coroutines[index])
    }
}

/// One timer, as [`snapshot`] found it.
///
/// # Examples
///
/// ```
/// use eventlet_green::{TimerInfo, call_after, snapshot};
/// use std::time::Duration;
///
/// let later = call_after(Duration::from_secs(60), || ());
/// let now = snapshot();
/// let timer: &TimerInfo = &now.timers()[0];
/// assert_eq!(timer.left(), timer.deadline() - now.taken());
/// println!("in {:?}: {}", timer.left(), timer.what());
/// assert!(later.cancel());
/// ```
#[derive(Clone, Debug)]
pub struct TimerInfo {
    deadline: Time,
    left: Duration,
    what: String,
}

impl TimerInfo {
    /// When it expires, by the loop's clock.
    pub fn deadline(&self) -> Time {
        self.deadline
    }

    /// How long that was in the future; zero if it was due.
    pub fn left(&self) -> Duration {
        self.left
    }

    /// What it is for: whom it wakes, what it calls.
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// What a timer calls, as text.
pub(crate) struct Described<'a>(pub(crate) &'a dyn Task<Box<dyn Hub>>);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(f)
    }
}

/// One coroutine, as [`snapshot`] found it.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Builder, CoroutineInfo, State, Wait, sleep, snapshot, yield_now};
/// use std::time::Duration;
///
/// let sleeper = Builder::new().name("sleeper").spawn(|| sleep(Duration::from_secs(60)))?;
/// yield_now();
/// let now = snapshot();
/// let info: &CoroutineInfo = now.coroutine(sleeper.id()).expect("it lives");
/// assert_eq!((info.name(), info.id()), (Some("sleeper"), sleeper.id()));
/// assert_eq!((info.state(), info.wait(), info.resumed()), (State::Parked, Wait::Sleep, 1));
/// assert!(info.since().is_some() && info.waited().is_some());
/// assert_eq!(info.ran(), Duration::ZERO, "unless it is measured");
/// assert!(info.spawned_at().is_some() && info.stack_size() > info.stack_high_water());
/// # sleeper.kill().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CoroutineInfo {
    id: u64,
    name: Option<Box<str>>,
    state: State,
    wait: Wait,
    since: Option<Time>,
    waited: Option<Duration>,
    resumed: u64,
    ran: Duration,
    spawned_at: Option<&'static Location<'static>>,
    stack: Option<StackInfo>,
}

#[derive(Clone, Copy, Debug)]
struct StackInfo {
    size: usize,
    high_water: Option<usize>,
}

impl CoroutineInfo {
    fn new(coroutine: &Coroutine, now: Time) -> Self {
        let parked = coroutine.state.get() == State::Parked;
        let since = parked.then(|| coroutine.since.get());
        let own = (!coroutine.is_root()).then_some(coroutine);
        CoroutineInfo {
            id: coroutine.id,
            name: coroutine.name.clone(),
            state: coroutine.state.get(),
            wait: coroutine.wait.get(),
            since,
            waited: since.map(|since| now - since),
            resumed: coroutine.resumed.get(),
            ran: coroutine.ran.get(),
            spawned_at: own.map(|coroutine| coroutine.spawned_at),
            stack: own.map(|coroutine| StackInfo {
                size: coroutine.stack.size,
                high_water: fiber::touched(coroutine.stack),
            }),
        }
    }

    /// Its number; 0 is the root stack.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The name it was given.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where in its life it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// What it waits for.
    pub fn wait(&self) -> Wait {
        self.wait
    }

    /// Since when it waits, by the loop's clock: the beginning of the turn of the run loop in which
    /// it began to, since reading the clock at each wait would cost as much as the wait. `None`
    /// unless it is parked.
    pub fn since(&self) -> Option<Time> {
        self.since
    }

    /// How long it has waited, at most; as exact as [`since`](Self::since).
    pub fn waited(&self) -> Option<Duration> {
        self.waited
    }

    /// How often it was given the thread; 0 for the root stack, which has it whenever nobody else
    /// does.
    pub fn resumed(&self) -> u64 {
        self.resumed
    }

    /// How long it had the thread, while that was measured: see [`run_times`](crate::run_times()).
    /// Without what it runs now.
    pub fn ran(&self) -> Duration {
        self.ran
    }

    /// Where it was spawned; `None` for the root stack.
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.spawned_at
    }

    /// How large its stack is, guard included, in bytes of address space. `None` for the root
    /// stack, which is the thread's own.
    pub fn stack_size(&self) -> Option<usize> {
        Some(self.stack?.size)
    }

    /// How much of its stack has memory, in bytes, in whole pages: the most that was ever used of
    /// it. Stacks are used again, so that may have been somebody before; see
    /// [`trim_stacks`](crate::trim_stacks). `None` for the root stack, and where the system does
    /// not tell.
    pub fn stack_high_water(&self) -> Option<usize> {
        self.stack?.high_water
    }
}

/// The columns of the table: id, state, how long it waits, stack, and what has no certain length.
impl fmt::Display for CoroutineInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = format!("{:?}", self.state).to_lowercase();
        let waited = self.waited.map_or_else(String::new, |waited| {
            format!("{:.1} s", waited.as_secs_f64())
        });
        let stack = match self.stack {
            None => "the thread's".to_owned(),
            Some(StackInfo { size, high_water }) => match high_water {
                Some(used) => format!("{} of {} KiB", used / 1024, size / 1024),
                None => format!("? of {} KiB", size / 1024),
            },
        };
        write!(f, "{:>6}  {state:8} {waited:>10}  {stack:>16}  ", self.id)?;
        match (&self.name, self.spawned_at) {
            (_, None) => f.write_str("the root stack")?,
            (Some(name), Some(place)) => write!(f, "\"{name}\" ({place})")?,
            (None, Some(place)) => write!(f, "{place}")?,
        }
        if self.state == State::Parked {
            write!(f, ": waits for {}", self.wait)?;
        }
        Ok(())
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats {
            hub,
            coroutines,
            timers,
            descriptors,
            turns,
            waits,
            polls,
            events,
            switches,
            spawned,
            expired,
            wake_ups,
        } = self.stats;
        write!(
            f,
            "hub {hub}: {descriptors} descriptors, {timers} timers, {coroutines} coroutines\nso far: {turns} turns, {waits} waits, {polls} quick looks, \
             {events} events, {wake_ups} wake-ups, {switches} switches, {spawned} spawned, \
             {expired} timers expired\n\
             {:>6}  {:8} {:>10}  {:>16}  who",
            "id", "state", "waited", "stack"
        )?;
        for coroutine in &self.coroutines {
            write!(f, "\n{coroutine}")?;
        }
        for timer in self.timers.iter().take(LISTED) {
            let (left, what) = (timer.left.as_secs_f64(), &timer.what);
            write!(f, "\ntimer in {left:.3} s: {what}")?;
        }
        if self.timers.len() > LISTED {
            write!(f, "\nand {} more timers", self.timers.len() - LISTED)?;
        }
        if !self.descriptors.is_empty() {
            f.write_str("\ndescriptors:")?;
            for number in self.descriptors.iter().take(LISTED) {
                write!(f, " {number}")?;
            }
        }
        if self.descriptors.len() > LISTED {
            write!(f, " and {} more", self.descriptors.len() - LISTED)?;
        }
        Ok(())
    }
}
