//! Making a thread's run loop: with the defaults on first use, or with chosen settings before.
//!
//! Which hubs there are stands in [`default_hub`](crate::default_hub).

use std::env;
use std::fmt;
use std::io;
use std::rc::Rc;

use eventlet_hub::Hub;
use eventlet_runloop::{CallOrder, Clock, RunLoop};

use crate::coroutine::Loop;
use crate::default_hub::{BACKENDS, Backend, HUB_VARIABLE, hubs};
use crate::inspect::deadlock::DeadlockDetail;
use crate::scheduler::Scheduler;
use crate::sys::{fiber, slot};

/// Makes sure that this thread has a run loop: the one it has, or a new one with the defaults.
///
/// Never needed, since the first use does the same; but where that would panic (the hub that
/// `EVENTLET_HUB` names does not exist), this gives an error to show.
///
/// # Errors
///
/// As for [`Setup::install`], without `AlreadyRunning`.
///
/// # Examples
///
/// ```
/// eventlet_green::init()?;
/// # Ok::<(), eventlet_green::SetupError>(())
/// ```
pub fn init() -> Result<(), SetupError> {
    if slot::is_installed() {
        return Ok(());
    }
    Setup::new().install()
}

/// [`init`], for what gives [`io::Error`].
#[inline]
pub(crate) fn ensure() -> io::Result<()> {
    if slot::is_installed() {
        return Ok(());
    }
    Ok(init()?)
}

/// Picks the hub of this thread by name, after the original's function; short for
/// `Setup::new().hub(name).install()`.
///
/// # Errors
///
/// As for [`Setup::install`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "hub-poll")]
/// eventlet_green::use_hub("poll")?;
/// # #[cfg(feature = "hub-poll")]
/// assert_eq!(eventlet_green::stats().hub, "poll");
/// # Ok::<(), eventlet_green::SetupError>(())
/// ```
pub fn use_hub(name: &str) -> Result<(), SetupError> {
    Setup::new().hub(name).install()
}

/// Settings for this thread's run loop, to be made before its first use.
///
/// # Examples
///
/// A clock that jumps to the next deadline whenever nothing else is left to do: an hour takes no
/// time.
///
/// ```
/// use eventlet_green::{Setup, sleep};
/// use eventlet_runloop::ManualClock;
/// use std::time::Duration;
///
/// Setup::new().clock(ManualClock::auto_advancing()).install()?;
/// sleep(Duration::from_secs(3600));
/// # Ok::<(), eventlet_green::SetupError>(())
/// ```
#[derive(Default)]
#[must_use = "nothing happens until it is installed"]
pub struct Setup {
    hub: Choice,
    /// Makes the loop with a clock of the caller's.
    make: Option<MakeLoop>,
    order: CallOrder,
    deadlock_detail: DeadlockDetail,
}

type MakeLoop = Box<dyn FnOnce(Box<dyn Hub>) -> Loop>;

#[derive(Default)]
enum Choice {
    /// What the environment names, else the best.
    #[default]
    Default,
    Named(String),
    Given(Box<dyn Hub>),
}

impl Setup {
    /// The defaults: the hub that `EVENTLET_HUB` names, else the best one; a monotonic clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Picks a hub by its name. Takes precedence over the environment.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{DeadlockDetail, Setup, stats};
    ///
    /// Setup::new().hub("select").deadlock_detail(DeadlockDetail::Waits).install()?;
    /// assert_eq!(stats().hub, "select");
    /// # Ok::<(), eventlet_green::SetupError>(())
    /// ```
    pub fn hub(mut self, name: impl Into<String>) -> Self {
        self.hub = Choice::Named(name.into());
        self
    }

    /// Uses a hub of the caller's making.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{Setup, stats};
    /// use eventlet_hub_poll::PollHub;
    ///
    /// Setup::new().custom_hub(PollHub::new()?).install()?;
    /// assert_eq!(stats().hub, "poll");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn custom_hub(mut self, hub: impl Hub + 'static) -> Self {
        self.hub = Choice::Given(Box::new(hub));
        self
    }

    /// Hands the clock in. Default: the system's monotonic clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.make = Some(Box::new(|hub| RunLoop::with_clock(hub, clock)));
        self
    }

    /// In what order those who are ready get their turn. Default: [`CallOrder::Queued`], first come,
    /// first served. [`CallOrder::Shuffled`] is for tests: what happens to depend on the order comes
    /// to light, and the same seed shows it again. Whatever is promised of an order elsewhere
    /// (who was spawned first starts first, a yield lets everybody else go first) is promised for
    /// the default.
    ///
    /// ```
    /// use eventlet_green::{CallOrder, Setup, spawn};
    ///
    /// Setup::new().call_order(CallOrder::Shuffled(7)).install()?;
    /// assert_eq!(spawn(|| 7).join().unwrap(), 7);
    /// # Ok::<(), eventlet_green::SetupError>(())
    /// ```
    pub fn call_order(mut self, order: CallOrder) -> Self {
        self.order = order;
        self
    }

    /// How much a [`Deadlock`](crate::Deadlock) tells of each that waits. Default:
    /// [`DeadlockDetail::Waits`].
    pub fn deadlock_detail(mut self, detail: DeadlockDetail) -> Self {
        self.deadlock_detail = detail;
        self
    }

    /// Makes this thread's run loop.
    ///
    /// # Errors
    ///
    /// * [`SetupError::UnknownHub`]: no hub of that name is compiled in; the message lists those
    ///   that are, and says where the name came from.
    /// * [`SetupError::AlreadyRunning`]: the thread has a run loop, which is in use.
    /// * [`SetupError::ThreadEnding`]: the thread-local values of the thread are being destroyed.
    /// * [`SetupError::HubFailed`]: the hub could not be opened (`EMFILE`).
    /// * [`SetupError::Refused`]: with the feature `engine-may`, the caller is not within
    ///   [`run`](crate::run()).
    pub fn install(self) -> Result<(), SetupError> {
        if slot::is_installed() {
            return Err(SetupError::AlreadyRunning);
        }
        fiber::check_host().map_err(SetupError::refused)?;
        let hub = match self.hub {
            Choice::Given(hub) => hub,
            Choice::Named(name) => open(find(&name, Origin::Program)?)?,
            Choice::Default => match env::var(HUB_VARIABLE) {
                Ok(name) if !name.is_empty() => open(find(&name, Origin::Environment)?)?,
                Err(env::VarError::NotUnicode(name)) => {
                    open(find(&name.to_string_lossy(), Origin::Environment)?)?
                }
                _ => match BACKENDS.first() {
                    Some(backend) => open(backend)?,
                    None => return Err(unknown("any hub", Origin::Program)),
                },
            },
        };
        let run_loop = match self.make {
            Some(make) => make(hub),
            None => RunLoop::new(hub),
        };
        run_loop.set_call_order(self.order);
        let scheduler = Scheduler::new(run_loop);
        scheduler.set_deadlock_detail(self.deadlock_detail);
        slot::install(Rc::new(scheduler)).map_err(|occupied| match occupied {
            slot::Occupied::HasOne => SetupError::AlreadyRunning,
            slot::Occupied::ThreadEnding => SetupError::ThreadEnding,
        })
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hub = match &self.hub {
            Choice::Default => "default",
            Choice::Named(name) => name,
            Choice::Given(hub) => hub.name(),
        };
        f.debug_struct("Setup")
            .field("hub", &hub)
            .finish_non_exhaustive()
    }
}

/// A hub by its name, as [`Setup::hub`] would have it.
#[cfg(feature = "testing")]
pub(crate) fn open_named(name: &str) -> Result<Box<dyn Hub>, SetupError> {
    open(find(name, Origin::Program)?)
}

fn find(name: &str, origin: Origin) -> Result<&'static Backend, SetupError> {
    BACKENDS
        .iter()
        .find(|backend| backend.name == name)
        .ok_or_else(|| unknown(name, origin))
}

fn open(backend: &Backend) -> Result<Box<dyn Hub>, SetupError> {
    (backend.open)().map_err(|error| SetupError::HubFailed {
        hub: backend.name,
        error,
    })
}

fn unknown(name: &str, origin: Origin) -> SetupError {
    SetupError::UnknownHub {
        name: name.into(),
        origin,
    }
}

/// Where a hub's name came from.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Origin, SetupError, use_hub};
///
/// match use_hub("no such hub") {
///     Err(SetupError::UnknownHub { name, origin }) => {
///         assert_eq!((name.as_str(), origin), ("no such hub", Origin::Program));
///     }
///     other => panic!("there is none: {other:?}"),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the program, through [`Setup::hub`] or [`use_hub`].
    Program,
    /// From the environment variable `EVENTLET_HUB`.
    Environment,
}

/// Why a thread has no run loop, or not the one that was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// No hub of this name is compiled in.
    UnknownHub {
        /// The name.
        name: String,
        /// Who gave it.
        origin: Origin,
    },
    /// The thread has a run loop already. Choose before its first use.
    AlreadyRunning,
    /// The thread is ending.
    ThreadEnding,
    /// The hub could not be opened.
    HubFailed {
        /// Which.
        hub: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The engine that runs the coroutines cannot do this; never with the default engine. See
    /// [`run`](crate::run()).
    Refused {
        /// Which engine.
        engine: &'static str,
        /// What it cannot do, and what to do instead.
        why: &'static str,
    },
}

impl SetupError {
    pub(crate) fn refused(why: &'static str) -> Self {
        let engine = fiber::ENGINE;
        SetupError::Refused { engine, why }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::UnknownHub { name, origin } => {
                write!(f, "there is no hub \"{name}\" in this program")?;
                if *origin == Origin::Environment {
                    write!(f, " (named by {HUB_VARIABLE})")?;
                }
                let there: Vec<_> = hubs().collect();
                if there.is_empty() {
                    f.write_str("; no hub is compiled in: enable a hub-* feature")
                } else {
                    write!(f, "; there are: {}", there.join(", "))
                }
            }
            SetupError::AlreadyRunning => f.write_str(
                "this thread has a run loop already; choose its settings before its first use",
            ),
            SetupError::ThreadEnding => {
                f.write_str("this thread is ending and takes no run loop any more")
            }
            SetupError::HubFailed { hub, error } => {
                write!(f, "the {hub} hub cannot be opened: {error}")
            }
            SetupError::Refused { engine, why } => write!(f, "with the engine {engine}, {why}"),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SetupError::HubFailed { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<SetupError> for io::Error {
    fn from(error: SetupError) -> io::Error {
        let kind = match &error {
            SetupError::UnknownHub { .. } => io::ErrorKind::NotFound,
            SetupError::AlreadyRunning => io::ErrorKind::AlreadyExists,
            SetupError::ThreadEnding | SetupError::Refused { .. } => io::ErrorKind::Unsupported,
            SetupError::HubFailed { error, .. } => error.kind(),
        };
        io::Error::new(kind, error)
    }
}
