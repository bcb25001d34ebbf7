//! Child processes over green pipes: nothing here holds up the loop, and no child becomes a zombie.
//!
//! ```
//! use eventlet_protocols::process::{Command, Stdio};
//! use std::io::{BufRead, BufReader};
//!
//! let mut child = Command::new("seq").arg("3").stdout(Stdio::piped()).spawn()?;
//! // Each read parks the coroutine; others go on meanwhile.
//! for line in BufReader::new(child.stdout.take().unwrap()).lines() {
//!     println!("{}", line?);
//! }
//! assert!(child.wait()?.success());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! * [`Command`], [`Stdio`], [`Group`]: what to start, in the shape of [`std::process`].
//! * [`Child`], [`ChildHandle`]: streams, waiting, signals. [`Output`], [`Unfinished`]: all that it said.
//! * [`Process`], [`ProcessError`], [`DeadProcess`]: a conversation with a program, line by line.
//! * [`ProcessPool`]: programs that are kept running, for one user at a time.
//! * [`Pipeline`]: several programs, the output of one being the input of the next.
//!
//! # What is promised
//!
//! * A child is waited for by its descriptor or number only: children that other code in the process
//!   has started, with std or otherwise, are left alone.
//! * A signal is sent to a child that has not been reaped, or to nobody: never to another process
//!   that has got its number.
//! * A child is reaped when it ends, whether it is waited for or not; see [`Child`].
//! * A child inherits its three streams and no other descriptor.
//!
//! # What it is not
//!
//! Nothing here limits what a child may do (memory, processor time, system calls): that is for the
//! program that it is started through, or for [`Command::adjust`]. Only Unix, as all of green is.

mod child;
mod command;
mod communicate;
mod conversation;
mod dead;
mod life;
mod notice;
mod pipeline;
mod pool;
mod start;
mod stdio;
mod tail;

use std::ffi::c_int;

use rustix::process::Signal;

pub use child::{Child, ChildHandle, OnDrop};
pub use command::{Command, DEFAULT_DRAIN, Group};
pub use communicate::{Drained, Output, Unfinished};
pub use conversation::{DEFAULT_LINE_LIMIT, Process};
pub use dead::{Cause, DeadProcess, ProcessError};
pub use notice::ExitNotice;
pub use pipeline::{Pipeline, PipelineOutput, RunningPipeline};
pub use pool::{FIRST_BACKOFF, LAST_BACKOFF, PooledProcess, ProcessPool, STEADY};
pub use stdio::Stdio;
pub use tail::{TAIL_LINE, TAIL_LINES};

/// Asks a process to end, as service managers do.
pub const SIGTERM: c_int = Signal::TERM.as_raw();
/// Ends a process; nobody can refuse.
pub const SIGKILL: c_int = Signal::KILL.as_raw();
/// What Ctrl-C sends.
pub const SIGINT: c_int = Signal::INT.as_raw();
/// What has many services read their settings again.
pub const SIGHUP: c_int = Signal::HUP.as_raw();
/// Stops a process until [`SIGCONT`].
pub const SIGSTOP: c_int = Signal::STOP.as_raw();
/// Has a stopped process go on.
pub const SIGCONT: c_int = Signal::CONT.as_raw();
