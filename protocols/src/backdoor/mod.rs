//! A console into the running program: connect with `telnet` or `nc`, see every coroutine with what it
//! waits for and its exact stack, and read and change what the program has registered, by script.
//!
//! ```text
//! $ telnet 127.0.0.1 3000
//! eventlet 0.1.0 with the epoll hub, process 4711
//! help() lists what there is
//! >>> ps()
//! id  name                       state    seconds  waits for                     KiB  spawned at
//!  0                             parked     12.04  a connection to descriptor 5       the root stack
//!  7  session of 127.0.0.1:5122  parked     0.000  the end of coroutine #8        108  …
//! >>> let n = 0;
//! >>> for one in ps().rows() {
//! ...     if one.state == "parked" { n += 1 }
//! ... }
//! >>> n
//! 2
//! >>> app.limit = 20
//! ```
//!
//! The language is [`rhai`], whose types are used at the surface of [`Names`] and re-exported here for
//! that. A statement that waits or computes holds up nobody but its session: it gives the thread away
//! as it runs, has a twentieth of it while others want it or when it has computed for a quarter of a second,
//! and ends with Ctrl-C, or at the [limits](Config).
//!
//! * [`Backdoor`], [`Opened`], [`Place`], [`OnSignal`]: where it listens.
//! * [`Config`], [`Sizes`], [`Password`], [`Exposure`]: who may do how much.
//! * [`Names`]: what the program gives to scripts. [`output`]: where that can write.
//! * [`LogTap`]: the program's log lines, in sessions that ask for them.
//! * [`LineDiscipline`]: telnet, as a state machine without a socket.
//!
//! # What it does not keep out
//!
//! Whoever has the prompt can end coroutines and do what the program has registered. There is no
//! encryption: over a network, go through a tunnel that has.
//!
//! # Non-goals
//!
//! Editing of lines and echo, which are the client's (`rlwrap nc …`); a debugger that changes variables
//! of Rust code.

mod builder;
mod config;
mod history;
mod inspect;
mod interpreter;
mod line;
mod log;
mod names;
mod place;
mod serve;
mod session;
mod statement;
mod table;
mod terminal;
mod turn;

pub use builder::BackdoorBuilder;
pub use config::{Config, Exposure, Password, Sizes, Telnet};
pub use line::{LineDiscipline, LineEvent};
pub use log::LogTap;
pub use names::Names;
pub use place::Place;
pub use rhai;
pub use serve::{Backdoor, OnSignal, Opened};
pub use terminal::{Output, output};
