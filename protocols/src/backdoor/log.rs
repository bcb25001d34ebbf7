//! The program's log lines, for sessions that ask for them, from any thread.
//!
//! What a session does with them is its own business; what is logged, and where else it goes, is the
//! program's.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eventlet_green::cross;

use crate::line_writer::line_writer;

/// How many lines are kept for a session whose client does not read; further ones are counted.
const KEPT: usize = 1024;

/// Takes the program's log lines, and shows them in those sessions that have called `log_here()`. Costs
/// a look at a counter while there is none.
///
/// It can be cloned, sent to other threads, and written to from anywhere: it never waits. As a
/// [`Write`](std::io::Write), each write is one or more whole lines.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::LogTap;
/// use std::io::Write;
///
/// let tap = LogTap::new();
/// tap.line("started");
/// writeln!(&tap, "listening on port {}", 80)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct LogTap {
    listeners: Arc<Listeners>,
}

#[derive(Default)]
struct Listeners {
    count: AtomicUsize,
    list: Mutex<Vec<Listener>>,
}

struct Listener {
    lines: cross::Sender<String>,
    lost: Arc<AtomicU64>,
}

impl LogTap {
    /// One that nobody listens to yet; see [`Backdoor::log_tap`](super::Backdoor::log_tap).
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a line in the sessions that want it.
    pub fn line(&self, line: &str) {
        if !self.has_listeners() {
            return;
        }
        let mut list = self.lock();
        list.retain(|listener| match listener.lines.try_send(line.to_owned()) {
            Ok(()) => true,
            Err(cross::TrySendError::Full(_)) => {
                listener.lost.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(_) => false,
        });
        self.listeners.count.store(list.len(), Ordering::Relaxed);
    }

    /// Whether a session shows lines: whether it is worth making one.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::backdoor::LogTap;
    ///
    /// let tap = LogTap::new();
    /// let costly = || format!("{:?}", (1..1000).collect::<Vec<_>>());
    /// if tap.has_listeners() {
    ///     tap.line(&costly()); // Made for somebody.
    /// }
    /// # assert!(!tap.has_listeners());
    /// ```
    pub fn has_listeners(&self) -> bool {
        self.listeners.count.load(Ordering::Relaxed) > 0
    }

    pub(super) fn listen(&self) -> Listening {
        let (lines, receiver) = cross::bounded(KEPT);
        let lost = Arc::new(AtomicU64::new(0));
        let mut list = self.lock();
        list.push(Listener {
            lines,
            lost: Arc::clone(&lost),
        });
        self.listeners.count.store(list.len(), Ordering::Relaxed);
        Listening { receiver, lost }
    }

    fn write_lines(&self, bytes: &[u8]) {
        if self.has_listeners() {
            for line in String::from_utf8_lossy(bytes).lines() {
                self.line(line);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Listener>> {
        let list = self.listeners.list.lock();
        list.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a session hears. Dropping it ends that.
pub(super) struct Listening {
    receiver: cross::Receiver<String>,
    lost: Arc<AtomicU64>,
}

impl Listening {
    /// Waits for lines; all that are there, in one piece. `None`: there will be no more.
    pub(super) fn lines(&self) -> Option<String> {
        let mut text = self.receiver.recv().ok()?;
        while let Ok(line) = self.receiver.try_recv() {
            text.push('\n');
            text.push_str(&line);
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            text.push_str(&format!("\n({lost} lines were lost here)"));
        }
        Some(text)
    }
}

line_writer!(LogTap);

impl fmt::Debug for LogTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogTap")
            .field("listeners", &self.listeners.count)
            .finish()
    }
}
