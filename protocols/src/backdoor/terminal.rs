//! Where the output of a session goes: text to the client's terminal, a piece at a time, and how code
//! that runs in a statement finds it.
//!
//! Which coroutine writes when is the [`session`](super::session)'s business.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::context::Context;
use eventlet_green::sync::Mutex;

use crate::server::Transport;

/// The width of a client that has not told its own.
const USUAL_WIDTH: usize = 80;
/// Narrower windows are written to as if they had this width.
const LEAST_WIDTH: usize = 20;
/// Wider ones, too: nobody reads a line that long.
const MOST_WIDTH: usize = 400;

thread_local! {
    /// The terminal of the session whose statement runs now. Contexts keep it so across switches.
    static CURRENT: RefCell<Option<Rc<Terminal>>> = const { RefCell::new(None) };
}

/// A client's terminal.
pub(super) struct Terminal {
    transport: Rc<dyn Transport>,
    /// Whose turn it is to write.
    turn: Mutex<()>,
    limit: Duration,
    width: Cell<Option<u16>>,
    /// Nothing more can be written.
    is_gone: Cell<bool>,
}

impl Terminal {
    pub(super) fn new(transport: Rc<dyn Transport>, limit: Duration) -> Self {
        Terminal {
            transport,
            turn: Mutex::new(()),
            limit,
            width: Cell::new(None),
            is_gone: Cell::new(false),
        }
    }

    /// In columns.
    pub(super) fn width(&self) -> usize {
        let told = self.width.get().map(usize::from);
        told.unwrap_or(USUAL_WIDTH).clamp(LEAST_WIDTH, MOST_WIDTH)
    }

    pub(super) fn set_width(&self, width: Option<u16>) {
        self.width.set(width);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.get()
    }

    /// Writes text, with its lines ended as telnet has it (RFC 854).
    pub(super) fn text(&self, text: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(text.len() + 2);
        let mut last = 0;
        for &byte in text.as_bytes() {
            if byte == b'\n' && last != b'\r' {
                bytes.push(b'\r');
            }
            bytes.push(byte);
            last = byte;
        }
        self.bytes(&bytes)
    }

    pub(super) fn line(&self, text: &str) -> io::Result<()> {
        self.text(&format!("{text}\n"))
    }

    /// Writes all of it, with nobody else's in between; a failure is remembered.
    pub(super) fn bytes(&self, mut bytes: &[u8]) -> io::Result<()> {
        let _turn = self.turn.lock()?;
        if self.is_gone.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        while !bytes.is_empty() {
            match self.transport.write(bytes, self.limit) {
                Ok(0) => {
                    self.is_gone.set(true);
                    return Err(io::ErrorKind::WriteZero.into());
                }
                Ok(count) => bytes = &bytes[count..],
                Err(error) => {
                    self.is_gone.set(true);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Makes a terminal the current one for as long as its coroutine has the thread.
pub(super) struct Redirection {
    terminal: Rc<Terminal>,
    before: RefCell<Option<Rc<Terminal>>>,
}

impl Redirection {
    pub(super) fn to(terminal: Rc<Terminal>) -> Rc<dyn Context> {
        let before = RefCell::new(None);
        Rc::new(Redirection { terminal, before })
    }
}

impl Context for Redirection {
    fn swap_in(&self) {
        let before = CURRENT.replace(Some(Rc::clone(&self.terminal)));
        self.before.replace(before);
    }

    fn swap_out(&self) {
        let before = self.before.take();
        CURRENT.set(before);
    }
}

/// The output of the session in whose statement the caller runs; `None` anywhere else. For functions
/// that have something to say while they work.
///
/// It is the session's own across switches: other coroutines, and the program's standard output,
/// have nothing of it. What is spawned by a function that a statement calls does not inherit it, but
/// can be given it.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{Names, output};
/// use std::io::Write;
///
/// let mut names = Names::new();
/// names.function("rebuild", "rebuild(): makes the index again", || {
///     if let Some(mut output) = output() {
///         // The client may be gone.
///         let _ = writeln!(output, "this takes a while");
///     }
/// });
/// assert!(output().is_none());
/// ```
pub fn output() -> Option<Output> {
    let terminal = CURRENT.with_borrow(Clone::clone)?;
    Some(Output { terminal })
}

/// Writes to a session's client; see [`output`]. Lines end in `\n` here.
///
/// A write waits while the client does not read, at most as long as
/// [`Config::write`](super::Config::write) says.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{Names, Output, output};
/// use std::io::Write;
///
/// /// As wide as the client's window.
/// fn rule(mut output: Output) -> std::io::Result<()> {
///     let width = output.width();
///     writeln!(output, "{}", "-".repeat(width))
/// }
///
/// let mut names = Names::new();
/// names.function("rule", "rule(): draws a line", || {
///     if let Some(output) = output() {
///         let _ = rule(output); // The client may be gone.
///     }
/// });
/// ```
#[derive(Clone)]
pub struct Output {
    terminal: Rc<Terminal>,
}

impl Output {
    /// How many columns the client's window has; 80 if that is not known.
    pub fn width(&self) -> usize {
        self.terminal.width()
    }
}

/// What is not UTF-8 is replaced.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.terminal.text(&String::from_utf8_lossy(bytes))?;
        Ok(bytes.len())
    }

    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        // In one piece, so that nobody else's output comes between.
        self.terminal.text(&arguments.to_string())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("peer", self.terminal.transport.peer())
            .finish_non_exhaustive()
    }
}
