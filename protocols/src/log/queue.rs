//! Lines between those who log and the one thread that writes them: bounded in bytes, never waited for.
//!
//! Lines lie one behind the other in one buffer, which the writing thread takes as a whole: adding one
//! is a copy under a lock that nobody holds for longer than that. Which thread writes, and where to, is
//! for [`worker`](super::worker).

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eventlet_green::cross;

/// How full the queue is, how much was lost, and what was wrong last.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{LogWriter, Record, Sink, WriterStats};
/// use std::time::Duration;
///
/// let writer = LogWriter::new(std::io::sink())?;
/// writer.record(&Record::new(log::Level::Info, "app", "hello"));
/// writer.flush(Duration::from_secs(5))?;
/// let WriterStats { written, lost, queued, problem, .. } = writer.stats();
/// assert_eq!((written, lost, queued, problem), (1, 0, 0, None));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterStats {
    /// Bytes that wait for the writing thread.
    pub queued: usize,
    /// Lines that were written.
    pub written: u64,
    /// Lines that were lost: the queue was full, or they could not be written.
    pub lost: u64,
    /// How writing or reopening failed the last time.
    pub problem: Option<String>,
}

/// Lines that were lost and have not been told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// There was no room for them.
    pub(super) overflown: u64,
    /// They could not be written.
    pub(super) failed: u64,
}

impl Losses {
    pub(super) fn total(self) -> u64 {
        self.overflown + self.failed
    }
}

pub(super) struct Queue {
    state: Mutex<State>,
    /// For the writing thread: there is something to do.
    work: Condvar,
    /// For threads that flush while they cannot park: something was settled.
    settled: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// Where in `pending` the file is to be opened anew.
    reopen_at: Option<usize>,
    /// No more will come.
    closed: bool,
    /// Counts what was asked for (pieces of lines, reopenings), and what of that is dealt with.
    asked: u64,
    answered: u64,
    untold: Losses,
    written: u64,
    lost: u64,
    problem: Option<String>,
    /// A failure that no flush has told of.
    unflushed: Option<io::Error>,
    /// Those who wait until so many are answered, in order.
    waiting: VecDeque<(u64, cross::Sender<()>)>,
}

/// What the writing thread is to do, in this order: what is pending up to where it opens anew, that, the
/// rest, and telling of losses.
pub(super) struct Batch {
    pub(super) lines: Vec<u8>,
    pub(super) reopen_at: Option<usize>,
    pub(super) untold: Losses,
    pub(super) problem: Option<String>,
    asked: u64,
}

/// How that went.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) written: u64,
    /// Lines that could not be written.
    pub(super) failed: u64,
    /// What was told of.
    pub(super) told: Losses,
    pub(super) error: Option<io::Error>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Queue {
            state: Mutex::default(),
            work: Condvar::new(),
            settled: Condvar::new(),
            capacity,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds lines, each with its end; or counts them as lost.
    pub(super) fn push(&self, lines: &[u8]) {
        let mut state = self.lock();
        if state.closed || state.pending.len() + lines.len() > self.capacity {
            let count = lines_in(lines);
            state.lost += count;
            state.untold.overflown += count;
            return;
        }
        state.pending.extend_from_slice(lines);
        state.asked += 1;
        drop(state);
        self.work.notify_one();
    }

    /// Asks for the file to be opened anew, behind what is queued.
    pub(super) fn reopen(&self) {
        let mut state = self.lock();
        let here = state.pending.len();
        state.reopen_at.get_or_insert(here);
        state.asked += 1;
        drop(state);
        self.work.notify_one();
    }

    /// There will be no more lines; those there are will be written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
    }

    pub(super) fn stats(&self) -> WriterStats {
        let state = self.lock();
        WriterStats {
            queued: state.pending.len(),
            written: state.written,
            lost: state.lost,
            problem: state.problem.clone(),
        }
    }

    /// Waits for something to do; `None` when there will be nothing more. `spent` is a batch's buffer,
    /// to be filled again.
    pub(super) fn next(&self, mut spent: Vec<u8>) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            let is_idle = state.pending.is_empty() && state.reopen_at.is_none();
            // At the end losses are told of even if nobody has said anything since.
            if !is_idle || (state.closed && state.untold.total() > 0) {
                spent.clear();
                return Some(Batch {
                    lines: mem::replace(&mut state.pending, spent),
                    reopen_at: state.reopen_at.take(),
                    untold: state.untold,
                    problem: state.problem.clone(),
                    asked: state.asked,
                });
            }
            if state.closed {
                return None;
            }
            let waited = self.work.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says how a batch went.
    pub(super) fn settle(&self, batch: &Batch, went: Settled) {
        let mut state = self.lock();
        state.answered = batch.asked;
        state.written += went.written;
        state.lost += went.failed;
        state.untold.failed += went.failed;
        state.untold.failed -= went.told.failed;
        state.untold.overflown -= went.told.overflown;
        if let Some(error) = went.error {
            state.problem = Some(error.to_string());
            state.unflushed = Some(error);
        }
        if state.closed && went.told.total() == 0 && batch.lines.is_empty() {
            // It was tried, and nobody is there to try again for.
            state.untold = Losses::default();
        }
        while let Some(&(until, _)) = state.waiting.front()
            && until <= state.answered
        {
            // Dropping the sender is the answer.
            state.waiting.pop_front();
        }
        drop(state);
        self.settled.notify_all();
    }

    /// Waits until all that was asked for so far is dealt with.
    pub(super) fn flush(&self, limit: Duration) -> io::Result<()> {
        let (until, answer) = {
            let mut state = self.lock();
            let until = state.asked;
            if state.answered >= until {
                return state.unflushed.take().map_or(Ok(()), Err);
            }
            let (answers, answer) = cross::bounded(1);
            state.waiting.push_back((until, answers));
            (until, answer)
        };
        match answer.recv_timeout(limit) {
            Err(cross::RecvTimeoutError::TimedOut) => return Err(not_in_time()),
            // Nobody can go on meanwhile anyway: in a destructor, or on a root stack that nothing
            // could wake, the thread itself waits.
            Err(cross::RecvTimeoutError::Refused(_)) => self.block(until, limit)?,
            _ => {}
        }
        self.lock().unflushed.take().map_or(Ok(()), Err)
    }

    fn block(&self, until: u64, limit: Duration) -> io::Result<()> {
        let begun = Instant::now();
        let mut state = self.lock();
        while state.answered < until {
            let Some(left) = limit.checked_sub(begun.elapsed()) else {
                return Err(not_in_time());
            };
            let waited = self.settled.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

fn not_in_time() -> io::Error {
    let text = "what was logged has not been written in time";
    io::Error::new(io::ErrorKind::TimedOut, text)
}

pub(super) fn lines_in(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte == b'\n').count() as u64
}
