//! The thread that writes: as a slow disk may hold it up, it is nobody else's.
//!
//! A plain thread and not an [`OffloadPool`](eventlet_green::OffloadPool): a call of a pool has its
//! caller wait for it, which nobody who logs may (on a loop, in a destructor); a pool keeps no order
//! where it has several threads; and one thread can write in one piece what has gathered meanwhile.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use log::Level;

use super::layout::{DEFAULT_RECORD_LIMIT, Layout};
use super::queue::{Batch, Losses, Queue, Settled, lines_in};
use super::record::Record;

/// Of whom the lines are that tell of losses.
pub(super) const OWN_TARGET: &str = "eventlet::log";

/// Where the lines go to.
pub(super) trait Target: Send + 'static {
    /// As [`Write::write`].
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`Write::flush`].
    fn flush(&mut self) -> io::Result<()>;

    /// Opens it anew; it stays as it is if that fails.
    fn reopen(&mut self) -> io::Result<()>;
}

/// Any writer; there is nothing to open anew.
pub(super) struct Plain<W>(pub(super) W);

impl<W: Write + Send + 'static> Target for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the thread, which ends when the queue is closed and all is written.
pub(super) fn start(name: &str, queue: Arc<Queue>, target: impl Target) -> io::Result<()> {
    let mut work = Work {
        target,
        is_torn: false,
    };
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(move || work.run(&queue)).map(drop)
}

struct Work<T> {
    target: T,
    /// The last line that is out is only in part.
    is_torn: bool,
}

impl<T: Target> Work<T> {
    fn run(&mut self, queue: &Queue) {
        let mut spent = Vec::new();
        while let Some(mut batch) = queue.next(spent) {
            let went = self.do_batch(&batch);
            queue.settle(&batch, went);
            spent = std::mem::take(&mut batch.lines);
        }
    }

    fn do_batch(&mut self, batch: &Batch) -> Settled {
        let mut went = Settled::default();
        let (before, after) = batch
            .lines
            .split_at(batch.reopen_at.unwrap_or(batch.lines.len()));
        self.lines(before, &mut went);
        if batch.reopen_at.is_some() {
            match caught(|| self.target.reopen()) {
                // A torn line has stayed behind.
                Ok(()) => self.is_torn = false,
                Err(error) => {
                    self.notice(&format!("{error}; what was open goes on"), &mut went);
                    went.error = Some(error);
                }
            }
        }
        self.lines(after, &mut went);
        if batch.untold.total() > 0 && went.failed == 0 {
            let text = told(batch.untold, batch.problem.as_deref());
            if self.notice(&text, &mut went) {
                went.told = batch.untold;
            }
        }
        went
    }

    /// Writes lines; those that could not be written as a whole are counted.
    fn lines(&mut self, lines: &[u8], went: &mut Settled) {
        if lines.is_empty() {
            return;
        }
        let mut outcome = Ok(());
        if self.is_torn {
            outcome = self.write_all(b"\n").1;
        }
        let mut done = 0;
        if outcome.is_ok() {
            (done, outcome) = self.write_all(lines);
        }
        if let Err(error) = outcome {
            went.failed += lines_in(&lines[done..]);
            went.error = Some(error);
        }
        went.written += lines_in(&lines[..done]);
    }

    /// How much was written, and why not all.
    fn write_all(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut done = 0;
        while done < bytes.len() {
            match caught(|| self.target.write(&bytes[done..])) {
                Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    done += count;
                    self.is_torn = bytes[done - 1] != b'\n';
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (done, Err(error)),
            }
        }
        let outcome = caught(|| self.target.flush());
        // What a writer of its own has kept back is not known.
        (done, outcome)
    }

    /// A line of our own; says whether it is out.
    fn notice(&mut self, text: &str, went: &mut Settled) -> bool {
        let mut line = String::new();
        let record = Record::new(Level::Warn, OWN_TARGET, text);
        Layout::Full.write(&record, DEFAULT_RECORD_LIMIT, &mut line);
        line.push('\n');
        let mut own = Settled::default();
        self.lines(line.as_bytes(), &mut own);
        let is_out = own.error.is_none();
        went.error = went.error.take().or(own.error);
        is_out
    }
}

/// A writer that panics has failed, and is used again.
fn caught<R>(call: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(io::Error::other("the log's writer has panicked")))
}

/// What stands in the log about lines that do not.
fn told(losses: Losses, problem: Option<&str>) -> String {
    let mut reasons = Vec::new();
    if losses.overflown > 0 {
        reasons.push(format!("{} found the queue full", losses.overflown));
    }
    if losses.failed > 0 {
        let why = problem.unwrap_or("for a reason unknown");
        reasons.push(format!("{} could not be written: {why}", losses.failed));
    }
    let lines = if losses.total() == 1 {
        "line was"
    } else {
        "lines were"
    };
    format!(
        "{} {lines} lost here ({})",
        losses.total(),
        reasons.join(", ")
    )
}
