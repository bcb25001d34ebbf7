//! Threads with a loop each: starting them together, stopping them, and what became of each.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Builder;
use crate::cross::{self, Receiver, RecvError, Sender};
use crate::join::panic_text;
use crate::offload::offload;
use crate::remote::{Remote, remote};
use crate::setup::Setup;

/// Loops on threads of their own. Dropping it asks them to stop, without waiting for that.
///
/// # Examples
///
/// ```
/// use eventlet_green::cores;
///
/// let loops = cores::Builder::new().threads(2).name("worker").start(|core| core.wait_for_stop())?;
/// assert!(loops.len() == 2 && !loops.is_empty());
/// let answer = loops.remotes()[1].spawn(|| 42)?;
/// assert_eq!(answer.join().unwrap(), 42); // Computed there.
/// loops.stop();
/// loops.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Loops {
    threads: Vec<thread::JoinHandle<()>>,
    remotes: Vec<Remote>,
    /// Closed when they are to stop; nothing is ever sent.
    stop: Sender<Infallible>,
    ended: Receiver<Ended>,
}

/// How a thread's body came to its end.
struct Ended {
    index: usize,
    outcome: thread::Result<()>,
}

/// What a thread says when it has its loop.
type Started = (usize, io::Result<Remote>);

impl Loops {
    /// Starts a thread for each input, and waits until all of them have a loop.
    pub(super) fn launch<I: Send + 'static>(
        settings: &Builder,
        inputs: Vec<I>,
        body: impl Fn(&Core, I) + Send + Sync + 'static,
    ) -> io::Result<Loops> {
        let (stop, stopped) = cross::bounded(0);
        let (end, ended) = cross::unbounded();
        let (start, started) = cross::unbounded::<Started>();
        let body = Arc::new(body);
        let mut loops = Loops {
            threads: Vec::with_capacity(inputs.len()),
            remotes: Vec::with_capacity(inputs.len()),
            stop,
            ended,
        };
        for (index, input) in inputs.into_iter().enumerate() {
            let core = Core {
                index,
                grace: settings.grace,
                stopped: stopped.clone(),
                stop: loops.stop.clone(),
            };
            let hub = settings.hub.clone();
            let (start, end, body) = (start.clone(), end.clone(), Arc::clone(&body));
            let thread = thread::Builder::new().name(format!("{}-{index}", settings.name));
            // What was started before is stopped by the drop of `loops`.
            let handle = thread.spawn(move || {
                let made = set_up(hub);
                let goes_on = made.is_ok();
                let told = start.send((index, made));
                drop(start);
                if !goes_on || told.is_err() {
                    return;
                }
                let outcome = catch_unwind(AssertUnwindSafe(|| body(&core, input)));
                if outcome.is_err() {
                    core.stop.close();
                }
                // Refused when nobody will join.
                let _ = end.send(Ended { index, outcome });
            })?;
            loops.threads.push(handle);
        }
        drop(start);
        let mut remotes: Vec<_> = started.iter().collect();
        remotes.sort_by_key(|(index, _)| *index);
        for (_, remote) in remotes {
            loops.remotes.push(remote?);
        }
        Ok(loops)
    }

    /// The ways to the loops, in order: to spawn onto any of them.
    pub fn remotes(&self) -> &[Remote] {
        &self.remotes
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.threads.len()
    }

    /// Whether there are none; never so.
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    /// Asks every loop to stop: whoever waits for that ([`Core::wait_for_stop`]) goes on. Does not
    /// wait; [`join`](Self::join) does.
    pub fn stop(&self) {
        self.stop.close();
    }

    /// What stops them from elsewhere: a coroutine that waits for a signal, say.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::cores;
    ///
    /// let loops = cores::Builder::new().threads(1).start(|core| core.wait_for_stop())?;
    /// loops.stopper().stop();
    /// loops.join().unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stopper(&self) -> Stopper {
        Stopper {
            stop: self.stop.clone(),
        }
    }

    /// Waits until every loop has ended and its coroutines are unwound. Parks a coroutine; blocks a
    /// thread that has no loop. Without a [`stop`](Self::stop) it waits for as long as they run.
    ///
    /// # Errors
    ///
    /// [`LoopsError`] with what those panicked with that did; or why the caller could not wait, and
    /// then they are asked to stop, and go on until they do.
    pub fn join(mut self) -> Result<(), LoopsError> {
        let mut panics = Vec::new();
        for _ in 0..self.threads.len() {
            match self.ended.recv() {
                Ok(Ended { index, outcome }) => {
                    if let Err(payload) = outcome {
                        panics.push((index, payload));
                    }
                }
                // A thread was ended by its own destructors' panic: the join below has it.
                Err(RecvError::Closed) => break,
                Err(RecvError::Refused(reason)) => return Err(LoopsError::Refused(reason.into())),
            }
        }
        self.remotes.clear();
        let threads = std::mem::take(&mut self.threads);
        // What is left is the unwinding of their coroutines.
        let joined = offload(move || {
            let outcomes: Vec<_> = threads.into_iter().map(thread::JoinHandle::join).collect();
            outcomes
        })
        .map_err(LoopsError::Refused)?;
        for (index, outcome) in joined.into_iter().enumerate() {
            if let Err(payload) = outcome {
                panics.push((index, payload));
            }
        }
        if panics.is_empty() {
            return Ok(());
        }
        panics.sort_by_key(|(index, _)| *index);
        Err(LoopsError::Panicked(panics))
    }
}

fn set_up(hub: Option<String>) -> io::Result<Remote> {
    let setup = match hub {
        Some(name) => Setup::new().hub(name),
        None => Setup::new(),
    };
    setup.install()?;
    Ok(remote())
}

impl Drop for Loops {
    fn drop(&mut self) {
        self.stop.close();
    }
}

impl fmt::Debug for Loops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loops")
            .field("threads", &self.threads.len())
            .field("is_stopping", &self.stop.is_closed())
            .finish_non_exhaustive()
    }
}

/// Stops [`Loops`] from anywhere; made by [`Loops::stopper`].
///
/// # Examples
///
/// ```
/// use eventlet_green::cores::{self, Stopper};
///
/// let loops = cores::Builder::new().threads(1).start(|core| core.wait_for_stop())?;
/// let stopper: Stopper = loops.stopper();
/// std::thread::spawn(move || stopper.stop()); // From anywhere.
/// loops.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stopper {
    stop: Sender<Infallible>,
}

impl Stopper {
    /// Asks every loop to stop.
    pub fn stop(&self) {
        self.stop.close();
    }
}

/// What the body of a loop knows of itself.
///
/// # Examples
///
/// ```
/// use eventlet_green::cores::{self, Core};
/// use std::time::Duration;
///
/// let settings = cores::Builder::new().threads(2).grace(Duration::from_secs(5));
/// let loops = settings.start(|core: &Core| {
///     assert!(core.index() < 2);
///     core.wait_for_stop();
///     assert!(core.is_stopping() && core.grace() == Duration::from_secs(5));
/// })?;
/// loops.stop();
/// loops.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Core {
    index: usize,
    grace: Duration,
    stopped: Receiver<Infallible>,
    stop: Sender<Infallible>,
}

impl Core {
    /// The number of the loop, counting from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How long what it does may go on after a stop: the setting
    /// [`Builder::grace`](super::Builder::grace), which `body` keeps.
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Waits until the loops are to stop; the coroutines of this one go on meanwhile.
    ///
    /// # Panics
    ///
    /// Where the caller cannot wait: while it unwinds.
    pub fn wait_for_stop(&self) {
        match self.stopped.recv() {
            Ok(never) => match never {},
            Err(RecvError::Refused(reason)) => panic!("{reason}"),
            Err(RecvError::Closed) => {}
        }
    }

    /// Whether the loops are to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopped.is_closed()
    }
}

/// What went wrong with loops.
///
/// # Examples
///
/// ```
/// use eventlet_green::cores::{self, LoopsError};
///
/// let loops = cores::Builder::new().threads(1).start(|_| panic!("no luck"))?;
/// match loops.join() {
///     Err(LoopsError::Panicked(panics)) => {
///         let (index, payload) = &panics[0];
///         assert_eq!((*index, payload.downcast_ref()), (0, Some(&"no luck")));
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[non_exhaustive]
pub enum LoopsError {
    /// The bodies of these loops, by number, panicked with that.
    Panicked(Vec<(usize, Box<dyn Any + Send>)>),
    /// The caller could not wait for their end.
    Refused(io::Error),
}

impl fmt::Debug for LoopsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoopsError({self})")
    }
}

impl fmt::Display for LoopsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoopsError::Panicked(panics) => {
                for (place, (index, payload)) in panics.iter().enumerate() {
                    let separator = if place == 0 { "" } else { "; " };
                    let text = panic_text(&**payload).unwrap_or("a payload that is no text");
                    write!(f, "{separator}loop {index} panicked: {text}")?;
                }
                Ok(())
            }
            LoopsError::Refused(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for LoopsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoopsError::Refused(reason) => Some(reason),
            LoopsError::Panicked(_) => None,
        }
    }
}
