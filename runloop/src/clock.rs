//! Time as the loop sees it: a point on a clock that is handed in.
//!
//! The loop never asks the system for the time itself; this file is the only one that does. What
//! happens at which time is the business of `timers.rs`.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// A point in time: nanoseconds since the origin of the loop's clock.
///
/// Sixty-four bits last for 584 years; arithmetic stops at the ends instead of wrapping.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::Time;
/// use std::time::Duration;
///
/// let later = Time::ORIGIN + Duration::from_millis(3);
/// assert_eq!(later.as_nanos(), 3_000_000);
/// assert_eq!(later - Time::ORIGIN, Duration::from_millis(3));
/// assert_eq!(Time::ORIGIN - later, Duration::ZERO);
/// assert_eq!(later + Duration::MAX, Time::END);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The clock's origin.
    pub const ORIGIN: Time = Time(0);
    /// The last point in time; a timer there never expires in practice.
    pub const END: Time = Time(u64::MAX);

    /// The point so many nanoseconds after the origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::Time;
    ///
    /// assert_eq!(Time::from_nanos(0), Time::ORIGIN);
    /// assert_eq!(format!("{:?}", Time::from_nanos(1_500_000_000)), "Time(1.500000000s)");
    /// ```
    pub const fn from_nanos(nanos: u64) -> Self {
        Time(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    /// Stops at [`Time::END`].
    fn add(self, duration: Duration) -> Time {
        let nanos = duration
            .as_secs()
            .saturating_mul(NANOS_PER_SEC)
            .saturating_add(u64::from(duration.subsec_nanos()));
        Time(self.0.saturating_add(nanos))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// How long after `earlier` this is; zero if it is not after it.
    fn sub(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.0 / NANOS_PER_SEC, self.0 % NANOS_PER_SEC);
        write!(f, "Time({secs}.{nanos:09}s)")
    }
}

/// What a clock does while the loop waits for the hub.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Clock, Flow, ManualClock, Monotonic};
///
/// assert_eq!(Monotonic::new().flow(), Flow::Steady);
/// assert_eq!(ManualClock::new().flow(), Flow::Frozen);
/// assert_eq!(ManualClock::auto_advancing().flow(), Flow::Jumping);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It runs: a wait for a timer takes as long as the timer says.
    Steady,
    /// It stands still until somebody moves it: the loop does not wait for timers, since none
    /// comes due by waiting.
    Frozen,
    /// It jumps over idle stretches: where the loop would wait for a timer, it looks once what is
    /// ready, and if nothing is, has the clock [jump](Clock::jump_to) to the timer's deadline.
    Jumping,
}

/// Where the loop has its time from.
///
/// # Examples
///
/// A clock that begins a year after its origin:
///
/// ```
/// use eventlet_runloop::{Clock, Monotonic, Time};
/// use std::time::Duration;
///
/// struct Later(Monotonic);
///
/// impl Clock for Later {
///     fn now(&self) -> Time {
///         self.0.now() + Duration::from_secs(365 * 24 * 3600)
///     }
/// }
/// assert!(Later(Monotonic::new()).now() > Time::ORIGIN);
/// ```
///
/// ```
/// use eventlet_runloop::{Clock, ManualClock, Time};
/// use std::time::Duration;
///
/// let clock = ManualClock::auto_advancing();
/// let noon = Time::ORIGIN + Duration::from_secs(12 * 3600);
/// assert_eq!(clock.flow(), eventlet_runloop::Flow::Jumping);
/// clock.jump_to(noon); // What a loop does that has nothing to do until noon.
/// clock.jump_to(Time::ORIGIN); // Never back.
/// assert_eq!(clock.now(), noon);
/// ```
pub trait Clock {
    /// The time. Never less than at an earlier call.
    fn now(&self) -> Time;

    /// What the clock does during a wait. By default [`Flow::Steady`].
    fn flow(&self) -> Flow {
        Flow::Steady
    }

    /// The same point on the clock of the system, for a wait that ends then. `None`, as by default, where the
    /// two do not run alike: then a wait is given what is left of the time.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{Clock, ManualClock, Monotonic};
    /// use std::time::Instant;
    ///
    /// let clock = Monotonic::new();
    /// let before = clock.now();
    /// assert!(clock.instant(before).is_some_and(|it| it <= Instant::now()));
    /// assert_eq!(ManualClock::new().instant(before), None);
    /// ```
    fn instant(&self, time: Time) -> Option<Instant> {
        let _ = time;
        None
    }

    /// Moves the clock forward to `time`; called only while [`flow`](Self::flow) is
    /// [`Flow::Jumping`]. By default nothing.
    fn jump_to(&self, time: Time) {
        let _ = time;
    }
}

/// The system's monotonic clock; the origin is when it was made.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Clock, Monotonic, Time};
///
/// let clock = Monotonic::new();
/// let now = clock.now();
/// assert!(now >= Time::ORIGIN && clock.now() >= now);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Monotonic {
    origin: Instant,
}

impl Monotonic {
    /// A clock that starts at [`Time::ORIGIN`] now.
    pub fn new() -> Self {
        Monotonic {
            origin: Instant::now(),
        }
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Time {
        Time::ORIGIN + self.origin.elapsed()
    }

    fn instant(&self, time: Time) -> Option<Instant> {
        self.origin.checked_add(time - Time::ORIGIN)
    }
}

/// A clock that is moved by hand, for tests that are exact and take no time.
///
/// Clones are handles to the same clock and may be used on other threads (which then
/// [wake](crate::RunLoop::waker) the loop, so that it looks at the time again).
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Clock, ManualClock, Time};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let handle = clock.clone();
/// handle.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now() - Time::ORIGIN, Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    nanos: AtomicU64,
    jumps: AtomicBool,
}

impl ManualClock {
    /// A clock that stands still at [`Time::ORIGIN`] ([`Flow::Frozen`]).
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that jumps to the next deadline whenever the loop has nothing to do
    /// ([`Flow::Jumping`]): hour-long timeouts take no time, and expire in order.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{ManualClock, RunLoop, Time};
    /// use std::time::Duration;
    ///
    /// let hub = eventlet_hub_poll::PollHub::new()?;
    /// let run_loop = RunLoop::with_clock(hub, ManualClock::auto_advancing());
    /// run_loop.call_after(Duration::from_secs(3600), |_| {});
    /// run_loop.run()?; // Takes no time.
    /// assert_eq!(run_loop.now() - Time::ORIGIN, Duration::from_secs(3600));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn auto_advancing() -> Self {
        let clock = Self::default();
        clock.shared.jumps.store(true, Ordering::Relaxed);
        clock
    }

    /// Moves the clock forward; it stops at [`Time::END`].
    pub fn advance(&self, by: Duration) {
        self.jump_to(self.now() + by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time(self.shared.nanos.load(Ordering::Acquire))
    }

    fn flow(&self) -> Flow {
        if self.shared.jumps.load(Ordering::Relaxed) {
            Flow::Jumping
        } else {
            Flow::Frozen
        }
    }

    fn jump_to(&self, time: Time) {
        self.shared.nanos.fetch_max(time.0, Ordering::AcqRel);
    }
}
