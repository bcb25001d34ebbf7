//! Coroutines over a run loop: code that looks blocking and is concurrent.
//!
//! A coroutine that would block on a socket, a timer or another coroutine is parked; the thread's
//! run loop turns, and whoever is ready goes on. There is no `async`, no `Send` bound and no
//! `unsafe` for the user: coroutines stay on the thread that made them. The thread's own stack is
//! coroutine zero: `main` just calls [`connect`](net::TcpStream::connect), and the others go on
//! meanwhile.
//!
//! ```
//! use eventlet_green::net::{TcpListener, TcpStream};
//! use eventlet_green::spawn;
//! use std::io::{Read, Write};
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let address = listener.local_addr()?;
//!     spawn(move || {
//!         for stream in listener.incoming() {
//!             let mut stream = stream.unwrap();
//!             spawn(move || std::io::copy(&mut stream.try_clone()?, &mut stream));
//!         }
//!     });
//!     let mut client = TcpStream::connect(address)?;
//!     client.write_all(b"echo")?;
//!     let mut answer = [0; 4];
//!     client.read_exact(&mut answer)?;
//!     assert_eq!(&answer, b"echo");
//!     Ok(())
//! }
//! ```
//!
//! # Life of a coroutine
//!
//! ```text
//!             spawn                    its turn                  returns, panics, is killed
//!   (New) ───────────► Ready ───────────────────────► Running ──────────────────────► Finished
//!                        ▲     wake: an event, a         │
//!                        │     deadline, a kill, a join  ▼ waits
//!                        └──────────────────────────── Parked
//! ```
//!
//! * [`spawn()`], [`spawn_after`], [`call_after`], [`Builder`]; [`JoinHandle`] to join or kill.
//! * [`sleep()`], [`yield_now`], [`timeout()`], [`now()`].
//! * [`net`]: TCP, UDP, Unix sockets. [`io`]: pipes, other descriptors; [`trampoline()`] for those
//!   of other libraries. [`signals`]: signals.
//! * [`channel`]: channels and queues; [`select!`] and [`select()`]: several operations at once.
//! * [`sync`]: what coroutines coordinate with.
//! * [`scope()`]: coroutines that borrow. [`pool`]: bounded numbers of things and of coroutines.
//! * [`join_all()`], [`first_of`], [`race`], [`JoinHandle::link`]: several ends, and what they set off.
//! * [`green_local!`]: values of a coroutine. [`context`]: what follows it across switches.
//! * [`Setup`], [`use_hub`], [`hubs`]: which hub.
//! * [`stats()`], [`snapshot()`], [`backtrace()`], [`run_times()`]: what goes on. With the feature `watchdog`, also who
//!   keeps the thread to himself.
//! * [`offload()`], [`OffloadPool`]: blocking calls on other threads.
//! * [`remote()`], [`cross`], [`cores`]: other threads' loops; channels between them; one per core.
//! * [`run()`], [`engine()`]: an explicit entry, for where the engine needs one.
//! * [`block_on()`]: futures of libraries that bring no runtime.
//!
//! # Rules
//!
//! * Wake-ups are queued: nobody runs inside of the one who woke him. First come, first served.
//! * While a panic or a kill unwinds, nothing can wait: in a destructor, what would have to gives an
//!   error at once ([`ParkError::Unwinding`]).
//! * A coroutine that computes without ever waiting keeps the thread to itself.
//! * When the thread ends, its coroutines are unwound.
//!
//! # Platforms and stacks
//!
//! Unix, on the processors of `corosensei` (x86-64, AArch64, …); run on Linux. Windows without [`io`],
//! [`net::unix`] and most [`signals`]; PLATFORMS.md has the rest. A stack is 256 KiB of address space, of
//! which touched pages take memory, with a guard below; running into the guard prints whose it was and
//! aborts (on Windows it is not told whose it was). A million coroutines fit on Linux 6.13 and later;
//! older kernels are limited by `vm.max_map_count` (about 32,000 by default).
//!
//! # Features
//!
//! `hub-epoll`, `hub-kqueue`, `hub-poll`, `hub-select` compile a hub in where its facility exists; all
//! by default, and preferred in this order. `hub-polling` does for the `polling` package, which comes
//! after the first two. `hub-kqueue-emulated` is a test tool for Linux.
//! `sanitizer` tells AddressSanitizer of each switch. `testing` adds the test kit, the module
//! of that name: for dev-dependencies. `engine-may` runs coroutines on the package `may`: for
//! comparison; see [`run`](crate::run()). `tracing` keeps a coroutine's spans with it; `watchdog` names
//! a coroutine that does not wait, with its stack (Linux on x86-64 and AArch64).
//!
//! # Non-goals
//!
//! Coroutines that move between threads: that is what makes other stackful libraries unsound.

// Published docs say at each item which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

// The model checker's tests are elsewhere, and see it.
#[cfg(not(loom))]
mod between_threads;
#[cfg(loom)]
pub mod between_threads;
mod block_on;
mod callback;
pub mod channel;
pub mod context;
pub mod cores;
mod coroutine;
pub mod cross;
mod default_hub;
mod ends;
mod error;
mod fd;
mod inbox;
mod inspect;
#[cfg(unix)]
pub mod io;
mod join;
mod local;
pub mod net;
mod now;
mod offload;
pub mod pool;
mod remote;
mod run;
mod scheduler;
mod scope;
mod select;
mod setup;
pub mod signals;
mod sleep;
mod sleeper;
#[cfg(feature = "tracing")]
mod spans;
mod spawn;
#[cfg_attr(
    feature = "engine-may",
    expect(dead_code, reason = "that engine's stacks are its own")
)]
mod stack;
pub mod sync;
mod sys;
#[cfg(feature = "testing")]
pub mod testing;
mod timeout;
mod trampoline;
mod watch;

pub use block_on::{block_on, block_on_timeout};
pub use callback::Callback;
pub use coroutine::{State, Wait};
pub use default_hub::{HUB_VARIABLE, hubs};
pub use ends::{Ending, KillHandle, Link};
pub use error::{NeedsUnwinding, ParkError};
pub use eventlet_hub::Interest;
pub use eventlet_runloop::{CallOrder, Time};
pub use inspect::{
    BacktraceError, CoroutineInfo, Current, Deadlock, DeadlockDetail, RunTimes, Snapshot,
    StackTrace, Stats, TimerInfo, Waiter, backtrace, current, current_id, run_times, snapshot,
    stats, trim_stacks, turn_count,
};
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub use inspect::{StackFrame, Stall, Watchdog, watchdog, watchdog_with};
pub use join::{
    FirstError, JoinError, JoinHandle, JoinTimeoutError, Joined, catch_panic, first_of,
    first_of_timeout, join_all, join_all_timeout, race, race_timeout,
};
pub use local::{AccessError, LocalKey};
pub use now::{now, turn_time};
pub use offload::{
    MAX_THREADS, OFFLOAD_VARIABLE, OffloadBuilder, OffloadPool, OffloadStats, offload,
    offload_timeout,
};
pub use remote::{LoopGone, Remote, RemoteHandle, RemoteJoin, RemoteJoinTimeoutError, remote};
pub use run::{engine, run};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use select::{Operation, Selectable, select, select_timeout, try_select};
pub use setup::{Origin, Setup, SetupError, init, use_hub};
pub use sleep::{sleep, yield_if_due, yield_now};
pub use spawn::{Builder, Timer, call_after, spawn, spawn_after, spawn_after_local};
pub use stack::{
    DEFAULT_STACK_SIZE, MAX_STACK_SIZE, MIN_STACK_SIZE, default_stack_size, set_default_stack_size,
};
pub use timeout::{TimeoutError, timeout};
pub use trampoline::trampoline;
pub use watch::Watcher;

/// The README's code is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
