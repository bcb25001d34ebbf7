//! The five points of a run that can be observed, and sets of them.
//!
//! Who observes, and how they are called, is in `observers.rs`.

use std::ops::BitOr;

/// A point in a run of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
    /// A [`run`](crate::RunLoop::run) begins.
    Entry,
    /// A turn begins: timers are next.
    BeforeTimers,
    /// Nothing is ready: the loop is about to wait for the hub. If an observer makes something ready, or
    /// a timer becomes due meanwhile, it only looks at the hub.
    BeforeWaiting,
    /// The wait, or look, is over: what is ready will be dispatched next.
    AfterWaiting,
    /// A [`run`](crate::RunLoop::run) is over.
    Exit,
}

/// A set of [`Activity`]s.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Activities, Activity};
///
/// let around = Activities::BEFORE_WAITING | Activities::AFTER_WAITING;
/// assert!(around.contains(Activity::AfterWaiting));
/// assert!(!around.contains(Activity::Exit));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Activities(u8);

impl Activities {
    /// [`Activity::Entry`].
    pub const ENTRY: Activities = Activities(1);
    /// [`Activity::BeforeTimers`].
    pub const BEFORE_TIMERS: Activities = Activities(1 << 1);
    /// [`Activity::BeforeWaiting`].
    pub const BEFORE_WAITING: Activities = Activities(1 << 2);
    /// [`Activity::AfterWaiting`].
    pub const AFTER_WAITING: Activities = Activities(1 << 3);
    /// [`Activity::Exit`].
    pub const EXIT: Activities = Activities(1 << 4);
    /// All five.
    pub const ALL: Activities = Activities((1 << 5) - 1);
    /// None.
    pub(crate) const NONE: Activities = Activities(0);

    /// Whether the activity is in the set.
    pub const fn contains(self, activity: Activity) -> bool {
        let bit = match activity {
            Activity::Entry => Self::ENTRY.0,
            Activity::BeforeTimers => Self::BEFORE_TIMERS.0,
            Activity::BeforeWaiting => Self::BEFORE_WAITING.0,
            Activity::AfterWaiting => Self::AFTER_WAITING.0,
            Activity::Exit => Self::EXIT.0,
        };
        self.0 & bit != 0
    }
}

impl BitOr for Activities {
    type Output = Activities;

    fn bitor(self, other: Activities) -> Activities {
        Activities(self.0 | other.0)
    }
}

/// How often an observer is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObserverLife {
    /// For the first of its activities; then it is removed.
    Once,
    /// Until it is removed.
    Repeating,
}

/// Names an observer; never used twice by one loop.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Activities, ObserverLife, RunLoop};
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// let id = run_loop.add_observer(Activities::ALL, ObserverLife::Repeating, |_, _| unreachable!());
/// assert!(run_loop.remove_observer(id));
/// assert!(!run_loop.remove_observer(id));
/// run_loop.run()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObserverId(pub(crate) u64);
