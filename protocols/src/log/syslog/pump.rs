//! The coroutine that sends what is queued, and looks for the daemon when it is not there.
//!
//! ```text
//! connected ──refused, away, not reading──► pausing ──► connecting ──► connected
//!                                              ▲            │
//!                                              └───failed───┘
//! ```
//!
//! The record at the head of the queue is kept until it is out; what comes meanwhile waits behind it,
//! as far as there is room.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eventlet_green::cross;
use log::Level;

use super::super::record::Record;
use super::super::worker::OWN_TARGET;
use super::Counts;
use super::place::{Place, Socket};
use super::text::Text;

/// The first pause before the daemon is looked for again: 100 milliseconds, which is about as long as
/// one takes to be started again.
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause, each having been twice the one before: 30 seconds.
pub const LAST_PAUSE: Duration = Duration::from_secs(30);

/// How long a send waits for room before the daemon is looked for anew: five seconds. It may have been
/// replaced by one that listens at the same place, while the old one hangs.
pub const SEND_PATIENCE: Duration = Duration::from_secs(5);

/// `EMSGSIZE`, `std` having no kind for it.
const TOO_LONG: i32 = nix::errno::Errno::EMSGSIZE as i32;

pub(super) enum Item {
    Message {
        /// Records that were lost since the one before.
        lost_before: u64,
        datagram: Vec<u8>,
    },
    /// Answers when it is its turn.
    Flush(cross::Sender<()>),
}

pub(super) struct Pump {
    place: Place,
    items: cross::Receiver<Item>,
    /// Closed when there are no handles any more.
    end: cross::Receiver<()>,
    text: Arc<Text>,
    counts: Arc<Counts>,
    socket: Option<Socket>,
    pause: Duration,
    /// There is nobody left to wait for.
    gives_up: bool,
}

impl Pump {
    pub(super) fn new(
        place: Place,
        items: cross::Receiver<Item>,
        end: cross::Receiver<()>,
        text: &Arc<Text>,
        counts: &Arc<Counts>,
    ) -> Self {
        Pump {
            place,
            items,
            end,
            text: Arc::clone(text),
            counts: Arc::clone(counts),
            socket: None,
            pause: FIRST_PAUSE,
            gives_up: false,
        }
    }

    pub(super) fn run(mut self) {
        while let Some(item) = self.next() {
            match item {
                Item::Message {
                    lost_before,
                    datagram,
                } => {
                    self.tell(lost_before);
                    self.deliver(&datagram);
                }
                Item::Flush(done) => {
                    // Whoever asked may have gone.
                    let _ = done.try_send(());
                }
            }
        }
    }

    /// The next in the queue; tells of losses before it waits for that.
    fn next(&mut self) -> Option<Item> {
        match self.items.try_recv() {
            Ok(item) => Some(item),
            Err(_) => {
                let untold = self.counts.untold.swap(0, Ordering::Relaxed);
                self.tell(untold);
                self.items.recv().ok()
            }
        }
    }

    fn tell(&mut self, lost: u64) {
        if lost == 0 {
            return;
        }
        let records = if lost == 1 {
            "record was"
        } else {
            "records were"
        };
        let message = format!("{lost} {records} lost here");
        let record = Record::new(Level::Warn, OWN_TARGET, &message);
        let datagram = self.text.datagram(&record);
        self.deliver(&datagram);
    }

    /// Sends a datagram, whatever that takes, or counts it as lost.
    fn deliver(&mut self, datagram: &[u8]) {
        let mut refusals = 0;
        while !self.gives_up {
            let error = match self.try_deliver(datagram) {
                Ok(()) => {
                    self.counts.sent.fetch_add(1, Ordering::Relaxed);
                    self.pause = FIRST_PAUSE;
                    return;
                }
                Err(error) => error,
            };
            *self.counts.problem() = Some(error.to_string());
            let refuses_late = self.socket.as_ref().is_some_and(Socket::refuses_late);
            if error.raw_os_error() == Some(TOO_LONG) {
                break;
            }
            if error.kind() == io::ErrorKind::ConnectionRefused && refuses_late && refusals == 0 {
                // The one before has not arrived; this one may.
                refusals += 1;
                self.counts.lose(1);
                continue;
            }
            self.socket = None;
            if error.kind() != io::ErrorKind::TimedOut || self.has_ended() {
                self.rest();
            }
        }
        self.counts.lose(1);
    }

    fn try_deliver(&mut self, datagram: &[u8]) -> io::Result<()> {
        let socket = match &self.socket {
            Some(socket) => socket,
            None => self.socket.insert(self.place.connect(SEND_PATIENCE)?),
        };
        socket.send(datagram)
    }

    fn has_ended(&self) -> bool {
        matches!(self.end.try_recv(), Err(cross::TryRecvError::Closed))
    }

    /// Waits before the daemon is looked for again, unless nobody is left to do that for.
    fn rest(&mut self) {
        match self.end.recv_timeout(self.pause) {
            Err(cross::RecvTimeoutError::TimedOut) => {
                self.pause = (self.pause * 2).min(LAST_PAUSE);
            }
            _ => self.gives_up = true,
        }
    }
}

impl Drop for Pump {
    /// Also when the coroutine is killed or its loop ends.
    fn drop(&mut self) {
        while let Ok(item) = self.items.try_recv() {
            if let Item::Message { .. } = item {
                self.counts.lose(1);
            }
        }
    }
}
