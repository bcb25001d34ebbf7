//! The stack of a coroutine, taken without disturbing it.
//!
//! A suspended coroutine is resumed only to take its own frames and suspends itself again; nothing
//! else sees that: not its wait, its deadline, who wakes it meanwhile, its contexts or its kill. It
//! costs nothing until it is asked for, then some ten microseconds, and no symbol is looked up before
//! the result is shown.
//!
//! An unwinder passes from a coroutine's stack into that of whoever resumed it. What belongs to whom
//! is told apart by name, when the result is shown; in a program without symbols all of it is shown.

use std::backtrace::Backtrace;
use std::fmt;

use crate::coroutine::Coroutine;
use crate::scheduler;

/// The stack of a coroutine of this thread: suspended, or the caller itself. 0 is the root stack.
///
/// # Errors
///
/// * [`BacktraceError::NoSuchCoroutine`]: it has finished, or there never was one.
/// * [`BacktraceError::NotStarted`]: it has not run yet.
/// * [`BacktraceError::StackTooFull`]: no room to take the frames on its stack.
/// * [`BacktraceError::Unsupported`]: with the feature `engine-may`, a coroutine asks for the root's.
///
/// # Panics
///
/// If no run loop can be made; see [`init`](crate::init).
///
/// # Examples
///
/// ```
/// use eventlet_green::{backtrace, sleep, spawn, yield_now};
/// use std::time::Duration;
///
/// let sleeper = spawn(|| sleep(Duration::from_millis(1)));
/// yield_now();
/// let stack = backtrace(sleeper.id())?;
/// println!("{stack}");
/// sleeper.join().unwrap();
/// # Ok::<(), eventlet_green::BacktraceError>(())
/// ```
pub fn backtrace(id: u64) -> Result<StackTrace, BacktraceError> {
    scheduler::with(|scheduler| {
        let coroutine = scheduler.find(id).ok_or(BacktraceError::NoSuchCoroutine)?;
        scheduler.stack_of(&coroutine)
    })
}

/// Why there is no stack to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BacktraceError {
    /// This thread has no coroutine with that id: it has finished, or there never was one.
    NoSuchCoroutine,
    /// It has not run yet: there is nothing on its stack.
    NotStarted,
    /// Less of its stack is left than taking the frames needs.
    StackTooFull,
    /// The engine `may` does not come by the frames of the root stack while a coroutine runs.
    Unsupported,
}

impl fmt::Display for BacktraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BacktraceError::NoSuchCoroutine => "this thread has no coroutine with that id",
            BacktraceError::NotStarted => "the coroutine has not run yet, so its stack is empty",
            BacktraceError::StackTooFull => {
                "the coroutine has too little of its stack left to take the frames on it"
            }
            BacktraceError::Unsupported => {
                "with the engine may, a coroutine cannot be shown the root stack"
            }
        })
    }
}

impl std::error::Error for BacktraceError {}

/// Which frames are the coroutine's, of those that were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Those down to its base.
    Upper,
    /// Those below the base of the coroutine that took them.
    Lower,
    All,
}

/// The stack of a coroutine, at the time when it was taken.
///
/// [`Display`](fmt::Display) shows it as `std::backtrace::Backtrace` does. The first one that is
/// shown in a process takes the time to read the program's debug information, a tenth of a second
/// perhaps: where that matters, show it on another thread ([`offload`](crate::offload())), which is
/// why this is `Send`.
///
/// # Examples
///
/// ```
/// use eventlet_green::{StackTrace, backtrace, sleep, spawn, yield_now};
/// use std::time::Duration;
///
/// let sleeper = spawn(|| sleep(Duration::from_secs(60)));
/// yield_now(); // Now it sleeps.
/// let trace: StackTrace = backtrace(sleeper.id())?;
/// assert!(trace.label().contains("#1"), "{}", trace.label());
/// println!("{trace}"); // Its own frames;
/// println!("{}", trace.everything()); // and what has taken them.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StackTrace {
    label: String,
    taken: Backtrace,
    part: Part,
}

impl StackTrace {
    pub(crate) fn new(coroutine: &Coroutine, taken: Backtrace, part: Part) -> Self {
        StackTrace {
            label: coroutine.label().to_string(),
            taken,
            part,
        }
    }

    /// The frames of whoever calls.
    #[inline(never)]
    pub(crate) fn here(coroutine: &Coroutine, part: Part) -> Self {
        Self::new(coroutine, Backtrace::force_capture(), part)
    }

    /// Whose it is: name, id and spawn place, as messages give them.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// All that was taken, with what took it and with the frames of whoever had resumed the
    /// coroutine.
    pub fn everything(&self) -> &Backtrace {
        &self.taken
    }
}

/// What takes the frames; it and what is above it are left out.
const TAKERS: [&str; 2] = [
    "eventlet_green::sys::stage::leave_frames",
    "eventlet_green::inspect::backtrace::StackTrace::here",
];

/// The base of a coroutine; it and what is below it are somebody else's.
#[cfg(not(feature = "engine-may"))]
pub(crate) const BASES: [&str; 2] = ["eventlet_green::sys::fiber::Fiber::new", "coroutine_func"];
#[cfg(feature = "engine-may")]
pub(crate) const BASES: [&str; 1] = ["eventlet_green::sys::fiber_may::Fiber::new"];

impl fmt::Display for StackTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.taken.to_string();
        let frames = frames(&text);
        let names = |frame: &str, names: &[&str]| {
            let first = frame.lines().next().unwrap_or_default();
            names.iter().any(|name| first.contains(name))
        };
        let begin = frames.iter().rposition(|frame| names(frame, &TAKERS));
        let begin = begin.map_or(0, |taker| taker + 1);
        let base = frames[begin..]
            .iter()
            .position(|frame| names(frame, &BASES));
        let base = base.map(|base| begin + base);
        let shown = match (self.part, base) {
            (Part::Upper, Some(base)) => &frames[begin..base],
            (Part::Lower, Some(base)) => {
                let theirs = frames[base..]
                    .iter()
                    .position(|frame| !names(frame, &BASES));
                &frames[base + theirs.unwrap_or(0)..]
            }
            _ => &frames[begin..],
        };
        for (number, frame) in shown.iter().enumerate() {
            let name = frame.split_once(": ").map_or(*frame, |(_, name)| name);
            write!(f, "{number:4}: {}", name.trim_end())?;
            if number + 1 < shown.len() {
                f.write_str("\n")?;
            }
        }
        Ok(())
    }
}

/// The frames of a backtrace as `std` shows it: a line `  12: name`, and perhaps one with the place.
/// Inlined ones are frames like others.
fn frames(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let number = line.trim_start().split(':').next().unwrap_or_default();
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            starts.push(offset);
        }
        offset += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| &text[start..end])
        .collect()
}
