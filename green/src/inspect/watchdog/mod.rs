//! With the feature `watchdog`: a thread that notices when somebody keeps a run loop's thread to
//! himself, and says who, and where.
//!
//! ```text
//!  watchdog's thread:  looks at the pulse … still the same … SIGURG ─►      unwinds, names, reports
//!  the loop's thread:  ──── computes ────────────────────────────── handler ──── computes ────
//! ```
//!
//! How the other thread is asked stands in `sys::interrupt`, the frames in `frames`. A loop that is
//! watched pays for two stores a wait, and nothing a switch: the pulse that is looked at is the
//! counter of switches.

mod frames;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use eventlet_runloop::{Activities, Activity, ObserverId, ObserverLife};

use crate::inspect::pulse::Pulse;
use crate::scheduler;
use crate::sys::interrupt::{self, Seen, Thread, Unseen, Who};
use crate::sys::slot;
pub use frames::StackFrame;

/// The pulse is looked at so many times within the limit, so that a stall is noticed soon after it.
const LOOKS: u32 = 4;

/// But not more often than this, nor less often.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(250));

/// Watches this thread's run loop: when nobody gets the thread for `limit` because one does not wait,
/// that is reported on standard error, with the name, the spawn place and the stack. Once a stall.
///
/// Ends when what is given is dropped, and with the thread. By real time, whatever clock the loop has.
///
/// * What is noticed is a coroutine, the root's own code or a callback of the loop that computes, or
///   is in a blocking system call.
/// * The thread is asked by the signal SIGURG, once a stall. It interrupts a system call, which is
///   restarted where the kernel restarts calls (`SA_RESTART`; see signal(7)). A thread that has it
///   blocked is reported without a stack, after a second. A handler that the program installs
///   *after* the first watchdog replaces the watchdog's, which is then left without an answer, too.
/// * The innermost 256 KiB of a stack are looked at, and 256 frames. Frames are found by the tables
///   that unwinding needs: code without them (hand-written assembly) ends the stack there. Function
///   names need symbols; files and lines, debug information.
/// * The report costs the watchdog's own thread some hundred milliseconds the first time, and the
///   thread that is asked some ten microseconds.
///
/// # Errors
///
/// * `InvalidInput`: the limit is zero.
/// * What the system gives, when no thread can be started; and as for [`init`](crate::init).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let watchdog = eventlet_green::watchdog(Duration::from_secs(1))?;
/// // … serve …
/// drop(watchdog);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn watchdog(limit: Duration) -> io::Result<Watchdog> {
    watchdog_with(limit, |stall| eprintln!("eventlet: {stall}"))
}

/// As [`watchdog`], with `report` called instead, on the watchdog's own thread. If it panics, the
/// watchdog ends.
///
/// # Errors
///
/// As for [`watchdog`].
///
/// # Examples
///
/// ```
/// use std::sync::mpsc::channel;
/// use std::time::Duration;
///
/// let (tell, told) = channel();
/// let _watchdog = eventlet_green::watchdog_with(Duration::from_millis(5), move |stall| {
///     let _ = tell.send(stall.label().to_string());
/// })?;
/// // On a machine that is busy with other things, `main` may be named as well.
/// let busy = eventlet_green::Builder::new().name("busy").spawn(move || {
///     while !told.try_recv().is_ok_and(|label| label.starts_with("coroutine \"busy\"")) {}
/// })?;
/// busy.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn watchdog_with<F>(limit: Duration, report: F) -> io::Result<Watchdog>
where
    F: FnMut(&Stall) + Send + 'static,
{
    if limit.is_zero() {
        let text = "a watchdog needs a time limit above zero";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    crate::setup::ensure()?;
    interrupt::prepare();
    let stopped = Arc::new(AtomicBool::new(false));
    let pulse = scheduler::with(|scheduler| Arc::clone(&scheduler.pulse));
    let watch = Watch {
        limit,
        pulse: Arc::clone(&pulse),
        thread: Thread::current(),
        stopped: Arc::clone(&stopped),
    };
    let thread = thread::Builder::new()
        .name("eventlet-watchdog".into())
        .spawn(move || watch.run(report))?;
    let observer = scheduler::with(|scheduler| {
        scheduler.run_loop.add_observer(
            Activities::BEFORE_WAITING | Activities::AFTER_WAITING,
            ObserverLife::Repeating,
            move |_, activity| match activity {
                Activity::BeforeWaiting => pulse.begin_wait(),
                _ => pulse.end_wait(),
            },
        )
    });
    Ok(Watchdog {
        stopped,
        thread: thread.thread().clone(),
        observer,
        _of_this_thread: PhantomData,
    })
}

/// Watches a run loop until it is dropped; see [`watchdog`]. A report that is under way then is still
/// made.
#[must_use = "dropping it ends the watch"]
pub struct Watchdog {
    stopped: Arc<AtomicBool>,
    thread: thread::Thread,
    observer: ObserverId,
    /// Dropped on the loop's own thread.
    _of_this_thread: PhantomData<*const ()>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.unpark();
        slot::with(|scheduler| scheduler.run_loop.remove_observer(self.observer));
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").finish_non_exhaustive()
    }
}

/// Somebody keeps a run loop's thread to himself. [`Display`](fmt::Display) says so, with the stack.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Builder, Stall, watchdog_with};
/// use std::sync::mpsc::channel;
/// use std::time::Duration;
///
/// let (tell, told) = channel();
/// let limit = Duration::from_millis(5);
/// let _watchdog = watchdog_with(limit, move |stall: &Stall| {
///     if stall.name() == Some("busy") {
///         let known = stall.id().is_some() && stall.spawned_at().is_some();
///         let _ = tell.send(known && stall.lasted() >= limit);
///         println!("{} is in {:?}", stall.label(), stall.frames().first());
///     }
/// })?;
/// let busy = Builder::new().name("busy").spawn(move || loop {
///     if let Ok(known) = told.try_recv() {
///         break known;
///     }
/// })?;
/// assert!(busy.join().unwrap());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stall {
    holder: Holder,
    lasted: Duration,
    frames: Vec<StackFrame>,
}

/// `None`: the thread does not say.
#[derive(Clone, Debug)]
struct Holder(Option<Who>);

impl Stall {
    /// Who it is, as messages give it: name, id and spawn place.
    pub fn label(&self) -> impl fmt::Display + '_ {
        &self.holder
    }

    /// The coroutine's id, 0 for the root stack; `None` for a callback of the run loop, and if the
    /// thread does not answer.
    pub fn id(&self) -> Option<u64> {
        match self.holder.0 {
            Some(Who::Coroutine { id, .. }) => Some(id),
            Some(Who::Root) => Some(crate::coroutine::ROOT_ID),
            Some(Who::Callback) | None => None,
        }
    }

    /// The name that the coroutine was given, the first 128 bytes of it.
    pub fn name(&self) -> Option<&str> {
        match &self.holder.0 {
            Some(Who::Coroutine { name, .. }) => name.as_deref(),
            _ => None,
        }
    }

    /// Where the coroutine was spawned.
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        match self.holder.0 {
            Some(Who::Coroutine { spawned_at, .. }) => Some(spawned_at),
            _ => None,
        }
    }

    /// How long it has lasted so far, at least.
    pub fn lasted(&self) -> Duration {
        self.lasted
    }

    /// What it was doing, the innermost function first. Empty if the thread does not answer.
    pub fn frames(&self) -> &[StackFrame] {
        &self.frames
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("somebody (the thread does not answer the signal)"),
            Some(Who::Root) => f.write_str("the root stack"),
            Some(Who::Callback) => f.write_str("a callback of the run loop"),
            Some(Who::Coroutine {
                id,
                name,
                spawned_at,
            }) => {
                f.write_str("coroutine ")?;
                if let Some(name) = name {
                    write!(f, "\"{name}\" ")?;
                }
                write!(f, "(#{id}, spawned at {spawned_at})")
            }
        }
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} has kept its thread for {:.3} s",
            self.holder,
            self.lasted.as_secs_f64()
        )?;
        for (number, frame) in self.frames.iter().enumerate() {
            write!(f, "\n{number:4}: {frame}")?;
        }
        Ok(())
    }
}

/// What the watchdog's thread knows.
struct Watch {
    limit: Duration,
    pulse: Arc<Pulse>,
    thread: Thread,
    stopped: Arc<AtomicBool>,
}

impl Watch {
    fn run(self, mut report: impl FnMut(&Stall)) {
        let (least, most) = LOOK_EVERY;
        let interval = (self.limit / LOOKS).clamp(least, most);
        let mut felt = self.pulse.beats();
        let mut since = Instant::now();
        let mut reported = None;
        loop {
            // On a thread of its own, which has no coroutines.
            #[expect(clippy::disallowed_methods, reason = "this thread has no run loop")]
            thread::park_timeout(interval);
            if self.stopped.load(Ordering::Relaxed) || self.pulse.has_ended() {
                return;
            }
            let beats = self.pulse.beats();
            if beats != felt || self.pulse.is_waiting() {
                felt = beats;
                since = Instant::now();
                continue;
            }
            let lasted = since.elapsed();
            if lasted < self.limit || reported == Some(beats) {
                continue;
            }
            let stall = match interrupt::ask(self.thread, beats) {
                Ok(seen) => Stall::new(lasted, seen),
                Err(Unseen::Silent) => Stall {
                    holder: Holder(None),
                    lasted,
                    frames: Vec::new(),
                },
                Err(Unseen::MovedOn) => continue,
            };
            reported = Some(beats);
            report(&stall);
        }
    }
}

impl Stall {
    fn new(lasted: Duration, seen: Seen) -> Self {
        let frames = frames::frames(&seen);
        Stall {
            holder: Holder(Some(seen.who)),
            lasted,
            frames,
        }
    }
}
