//! One turn after another: ready calls, timers, observers, and descriptors with callbacks, over any
//! hub.
//!
//! | system | hub to take |
//! |---|---|
//! | Linux | `eventlet-hub-epoll`, or either of those below |
//! | any Unix | `eventlet-hub-poll`, `eventlet-hub-select` |
//!
//! **A report of readiness is a hint.** Try the operation; on `WouldBlock` [arm](RunLoop::arm) the
//! descriptor and return; expect to be called for nothing now and then.
//!
//! # A turn
//!
//! ```text
//!  run ──► entry                                                                 exit ──► Ended
//!            │                                                                     ▲
//!            ▼                                                                     │ aborted, or idle
//!   ┌──► 1. before_timers                                                          │
//!   │    2. due timers, oldest first (by deadline, then as armed)   ≤ 1024         │
//!   │    3. ready calls, first come first served                    ≤ 256          │
//!   │    4. is anything ready (a call left, a timer due)?                          │
//!   │         yes ─► look at the hub, without waiting                              │
//!   │         no  ─► 5. before_waiting                                             │
//!   │                6. wait for the hub, until an event, a deadline, a wake-up    │
//!   │                7. after_waiting                                              │
//!   │    8. dispatch the events, one batch                          ≤ 1024         │
//!   └────────┴─────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! * [`RunLoop::turn`] is steps 1 to 8, without `entry` and `exit`.
//! * **Budgets.** What a phase leaves over keeps its place in line. Calls queued by calls are made
//!   in the same phase and count against the same [`Budget`], so two tasks that queue each other
//!   run 256 times per look at the hub. Timers armed while timers expire wait for the next turn
//!   even if they are due.
//! * **Leaving.** [`RunLoop::leave_turn`] ends a turn after the current callback. The next turn
//!   takes it up where it was, in the same step and with what is left of the budget: leaving a turn
//!   every few calls neither starves descriptors and timers nor costs a system call each time.
//! * **Aborting.** [`RunLoop::abort`] does the same and ends the run. Nothing queued is lost.
//! * **Time.** The clock is [handed in](RunLoop::with_clock). It is read once before timers expire
//!   and once before a wait, and not at all while no timer is pending. A timer expires never early.
//! * **Panics** in callbacks are caught and [reported](RunLoop::set_panic_reporter), and the loop
//!   goes on. A descriptor whose callback panicked is deregistered, an observer removed.
//! * **Errors** of the hub's wait end the turn or run and are returned; the loop stays usable.
//!   After a `before_waiting` there is always an `after_waiting`, also then.
//!
//! # Example
//!
//! A pipe that is read as it fills, on a clock that a test would use:
//!
//! ```
//! use eventlet_hub::Interest;
//! use eventlet_runloop::{Ended, ManualClock, RunLoop};
//! use std::io::{Read, Write};
//! use std::os::unix::net::UnixStream;
//! use std::time::Duration;
//!
//! let hub = eventlet_hub_poll::PollHub::new()?;
//! let run_loop = RunLoop::with_clock(hub, ManualClock::auto_advancing());
//! let (mut near, far) = UnixStream::pair()?;
//! far.set_nonblocking(true)?;
//! let token = run_loop.register(far, |run_loop, token, mut far, _readiness| {
//!     let mut text = [0; 16];
//!     match far.read(&mut text) {
//!         Ok(0) => drop(run_loop.deregister(token)),
//!         Ok(count) => println!("{:?}", &text[..count]),
//!         Err(error) => println!("{error}"),
//!     }
//!     let _ = run_loop.arm(token, Interest::READABLE);
//! })?;
//! run_loop.arm(token, Interest::READABLE)?;
//!
//! // An hour that takes no time.
//! run_loop.call_after(Duration::from_secs(3600), move |_| {
//!     near.write_all(b"hello").unwrap(); // and then `near` is closed
//! });
//! assert_eq!(run_loop.run()?, Ended::Idle);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Index
//!
//! * [`RunLoop`]; [`Turned`], [`Ended`]: how a turn and a run end.
//! * [`Task`], [`TimerId`]: ready calls and timers that cost no allocation.
//! * [`Descriptor`]: registered sources that are told themselves.
//! * [`Activity`], [`Activities`], [`ObserverLife`], [`ObserverId`]: observers.
//! * [`Clock`], [`Time`], [`Monotonic`], [`ManualClock`], [`Flow`]: time.
//! * [`Budget`], [`Counters`]: fairness, and what was done.
//! * [`CallOrder`], [`Dice`]: ready calls in a shuffled order, for tests.
//! * [`KeepAlive`]: that somebody outside will wake the loop.
//! * [`PanicReport`], [`Culprit`]: what became of a panic.
//!
//! # Features
//!
//! None.
//!
//! # Non-goals
//!
//! Coroutines and anything that looks blocking (`eventlet-green`); more than one thread per loop;
//! futures.

#![forbid(unsafe_code)]

mod activity;
mod budget;
mod clock;
mod descriptor;
mod keep_alive;
mod observers;
mod order;
mod report;
mod run_loop;
mod slab;
mod task;
mod time;
mod timers;
mod turn;
mod wait;
mod wheel;

pub use activity::{Activities, Activity, ObserverId, ObserverLife};
pub use budget::{Budget, Counters};
pub use clock::{Clock, Flow, ManualClock, Monotonic, Time};
pub use descriptor::Descriptor;
pub use keep_alive::KeepAlive;
pub use order::{CallOrder, Dice};
pub use report::{Culprit, PanicReport};
pub use run_loop::RunLoop;
pub use task::Task;
pub use timers::TimerId;
pub use turn::{Ended, Turned};

/// The README, so that its example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
